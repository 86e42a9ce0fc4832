import { pointwise, type Tensor } from '@flambeau/core';
import { checkBooleans, checkNotNegative } from './checks.ts';
import type { ParamGroup, Params } from './optimizer.ts';
import { OwnOptimizer } from './own-optimizer.ts';
import { accumulate, blend, blendSquare, descent, GIVEN, inPlace } from './rules.ts';

export interface RMSpropOptions {
  /** Learning rate. Default 0.01. */
  readonly lr?: number;
  /** How slowly the running averages forget. Default 0.99. */
  readonly alpha?: number;
  /** Keeps the denominator away from 0. Default 1e-8. */
  readonly eps?: number;
  /** Factor of the L2 penalty. Default 0. */
  readonly weightDecay?: number;
  /** How much of the last step is kept. Default 0. */
  readonly momentum?: number;
  /** Divides by the standard deviation instead of the root mean square. Default false. */
  readonly centered?: boolean;
  /** Goes up the gradient instead of down. Default false. */
  readonly maximize?: boolean;
}

interface RMSpropState {
  step: number;
  squareAvg: Tensor;
  momentumBuffer?: Tensor;
  gradAvg?: Tensor;
}

const scaled = pointwise('rmsprop', (g, square, { epsilon }) => g.div(square.sqrt().add(epsilon)), {
  params: { epsilon: GIVEN },
});
const centred = pointwise(
  'rmsprop',
  (g, square, average, { epsilon }) => g.div(square.sub(average.square()).sqrt().add(epsilon)),
  { params: { epsilon: GIVEN } },
);
const descend = inPlace(
  pointwise('descend', (x, step, { lr }) => x.sub(step.mul(lr)), { params: { lr: GIVEN } }),
);

/**
 * RMSprop: divides the gradient by the root of the running average of its square, `x -= lr * g / (sqrt(v) + eps)`.
 *
 * @throws {ArgumentError} an option is out of range.
 * @see Hinton, Neural Networks for Machine Learning, lecture 6e (2012); Graves, Generating Sequences With Recurrent
 * Neural Networks (2013), for `centered`
 * @example new RMSprop(model.parameters(), { lr: 0.01, momentum: 0.9 })
 */
export class RMSprop extends OwnOptimizer<RMSpropOptions, RMSpropState> {
  protected override readonly layout = {
    step: 'number',
    squareAvg: 'tensor',
    momentumBuffer: 'optional',
    gradAvg: 'optional',
  } as const;

  constructor(params: Params<RMSpropOptions>, options: RMSpropOptions = {}) {
    super('RMSprop', params, options, {
      lr: 1e-2,
      alpha: 0.99,
      eps: 1e-8,
      weightDecay: 0,
      momentum: 0,
      centered: false,
      maximize: false,
    });
  }

  protected override check(options: Required<RMSpropOptions>): void {
    const { lr, alpha, eps, weightDecay, momentum, centered, maximize } = options;
    checkNotNegative('RMSprop', { lr, alpha, eps, weightDecay, momentum });
    checkBooleans('RMSprop', { centered, maximize });
  }

  protected override newState(x: Tensor): RMSpropState {
    return { step: 0, squareAvg: this.zeros(x) };
  }

  protected override update(
    x: Tensor,
    gradient: Tensor,
    state: RMSpropState,
    group: ParamGroup<RMSpropOptions>,
  ): void {
    const { lr, alpha, eps, momentum, centered } = group;
    const { squareAvg } = state;
    state.step += 1;
    const direction = descent(x, gradient, group);
    blendSquare(squareAvg, direction, { decay: alpha, weight: 1 - alpha });
    let step: Tensor;
    if (centered) {
      state.gradAvg ??= this.zeros(x);
      blend(state.gradAvg, direction, { weight: 1 - alpha });
      step = centred(direction, squareAvg, state.gradAvg, { epsilon: eps });
    } else {
      step = scaled(direction, squareAvg, { epsilon: eps });
    }
    if (momentum > 0) {
      state.momentumBuffer ??= this.zeros(x);
      step = accumulate(state.momentumBuffer, step, { decay: momentum, weight: 1 });
    }
    descend(x, step, { lr });
  }
}
