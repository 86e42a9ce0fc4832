import type { Expr, Tensor } from '@flambeau/core';
import { checkBetas, checkBooleans, checkNotNegative } from './checks.ts';
import type { ParamGroup, Params } from './optimizer.ts';
import { OwnOptimizer } from './own-optimizer.ts';
import { blend, blendSquare, descent } from './rules.ts';

export interface RAdamOptions {
  /** Learning rate. Default 0.001. */
  readonly lr?: number;
  /** How slowly the running averages of the gradient and of its square forget. Default `[0.9, 0.999]`. */
  readonly betas?: readonly [number, number];
  /** Keeps the denominator away from 0. Default 1e-8. */
  readonly eps?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** Shrinks the parameter itself instead of adding to the gradient. Default false. */
  readonly decoupledWeightDecay?: boolean;
  /** Goes up the gradient instead of down. Default false. */
  readonly maximize?: boolean;
}

interface RAdamState {
  step: number;
  expAvg: Tensor;
  expAvgSq: Tensor;
}

const NUMBERS = ['shrink', 'stepSize', 'epsilon', 'weight', 'squareDecay', 'squareWeight'] as const;
type Values = Readonly<Record<'x' | 'g' | 'average' | 'square' | (typeof NUMBERS)[number], Expr>>;

/* @__NO_SIDE_EFFECTS__ */
function withStep(name: string, step: (values: Values) => Expr) {
  return descent(name, {
    operands: ['x', 'g', 'average', 'square'],
    numbers: NUMBERS,
    steps: {
      average: ({ average, g, weight }) => blend(average, g, weight),
      square: ({ square, g, squareDecay, squareWeight }) => blendSquare(square, g, squareDecay, squareWeight),
      x: (values) => values.x.mul(values.shrink).sub(step(values)),
    },
  });
}
const adaptive = withStep('radam', ({ average, square, stepSize, epsilon }) =>
  average.mul(stepSize).div(square.sqrt().add(epsilon)),
);
const cautious = withStep('radamWarmup', ({ average, stepSize }) => average.mul(stepSize));

/**
 * RAdam: Adam that leaves the division by the root mean square out while too few gradients were seen to trust it.
 *
 * @throws {ArgumentError} an option is out of range.
 * @see Liu et al., On the Variance of the Adaptive Learning Rate and Beyond (2019)
 * @example new RAdam(model.parameters())
 */
export class RAdam extends OwnOptimizer<RAdamOptions, RAdamState> {
  protected override readonly layout = { step: 'number', expAvg: 'tensor', expAvgSq: 'tensor' } as const;

  constructor(params: Params<RAdamOptions>, options: RAdamOptions = {}) {
    super('RAdam', params, options, {
      lr: 1e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0,
      decoupledWeightDecay: false,
      maximize: false,
    });
  }

  protected override check(options: Required<RAdamOptions>): void {
    const { lr, betas, eps, weightDecay, decoupledWeightDecay, maximize } = options;
    checkNotNegative('RAdam', { lr, eps, weightDecay });
    checkBetas('RAdam', betas);
    checkBooleans('RAdam', { decoupledWeightDecay, maximize });
  }

  protected override newState(x: Tensor): RAdamState {
    return { step: 0, expAvg: this.zeros(x), expAvgSq: this.zeros(x) };
  }

  protected override update(
    x: Tensor,
    gradient: Tensor,
    state: RAdamState,
    group: ParamGroup<RAdamOptions>,
  ): void {
    const { lr, eps, maximize, weightDecay, decoupledWeightDecay } = group;
    const [beta1, beta2] = group.betas;
    const { expAvg, expAvgSq } = state;
    state.step += 1;
    const trust = rectification(state.step, beta2);
    this.descend(
      trust === undefined ? cautious : adaptive,
      [x, gradient, expAvg, expAvgSq],
      {
        shrink: decoupledWeightDecay ? 1 - lr * weightDecay : 1,
        stepSize: (lr / (1 - beta1 ** state.step)) * (trust ?? 1),
        epsilon: eps,
        weight: 1 - beta1,
        squareDecay: beta2,
        squareWeight: 1 - beta2,
      },
      { maximize, weightDecay: decoupledWeightDecay ? 0 : weightDecay },
    );
  }
}

/** How much the average of squares is to be trusted, its bias undone; undefined where it is not. */
function rectification(step: number, beta2: number): number | undefined {
  const correction = 1 - beta2 ** step;
  const limit = 2 / (1 - beta2) - 1;
  const length = limit - (2 * step * beta2 ** step) / correction;
  if (length <= 5) return undefined;
  const rectified = ((length - 4) * (length - 2) * limit) / ((limit - 4) * (limit - 2) * length);
  return Math.sqrt(rectified) * Math.sqrt(correction);
}
