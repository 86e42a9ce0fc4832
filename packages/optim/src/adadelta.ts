import type { Tensor } from '@flambeau/core';
import { checkBooleans, checkNotNegative, checkRange } from './checks.ts';
import type { ParamGroup, Params } from './optimizer.ts';
import { OwnOptimizer } from './own-optimizer.ts';
import { blendSquare, descent } from './rules.ts';

export interface AdadeltaOptions {
  /** Factor of the step. Default 1. */
  readonly lr?: number;
  /** How slowly the running averages forget. Default 0.9. */
  readonly rho?: number;
  /** Keeps roots away from 0. Default 1e-6. */
  readonly eps?: number;
  /** Factor of the L2 penalty. Default 0. */
  readonly weightDecay?: number;
  /** Goes up the gradient instead of down. Default false. */
  readonly maximize?: boolean;
}

interface AdadeltaState {
  step: number;
  squareAvg: Tensor;
  accDelta: Tensor;
}

const adadelta = descent('adadelta', {
  operands: ['x', 'g', 'square', 'moved'],
  numbers: ['lr', 'forget', 'weight', 'epsilon'],
  locals: ['step'],
  steps: {
    square: ({ square, g, forget, weight }) => blendSquare(square, g, forget, weight),
    step: ({ g, square, moved, epsilon }) => g.mul(moved.add(epsilon).sqrt().div(square.add(epsilon).sqrt())),
    moved: ({ moved, step, forget, weight }) => blendSquare(moved, step, forget, weight),
    x: ({ x, step, lr }) => x.sub(step.mul(lr)),
  },
});

/**
 * Adadelta: scales the gradient by the root mean square of the last steps over that of the last gradients.
 *
 * @throws {ArgumentError} an option is out of range.
 * @see Zeiler, ADADELTA: An Adaptive Learning Rate Method (2012)
 * @example new Adadelta(model.parameters())
 */
export class Adadelta extends OwnOptimizer<AdadeltaOptions, AdadeltaState> {
  protected override readonly layout = { step: 'number', squareAvg: 'tensor', accDelta: 'tensor' } as const;

  constructor(params: Params<AdadeltaOptions>, options: AdadeltaOptions = {}) {
    super('Adadelta', params, options, { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0, maximize: false });
  }

  protected override check({ lr, rho, eps, weightDecay, maximize }: Required<AdadeltaOptions>): void {
    checkNotNegative('Adadelta', { lr, eps, weightDecay });
    checkRange('Adadelta', 'rho', rho, 0, 1);
    checkBooleans('Adadelta', { maximize });
  }

  protected override newState(x: Tensor): AdadeltaState {
    return { step: 0, squareAvg: this.zeros(x), accDelta: this.zeros(x) };
  }

  protected override update(
    x: Tensor,
    gradient: Tensor,
    state: AdadeltaState,
    group: ParamGroup<AdadeltaOptions>,
  ): void {
    const { lr, rho, eps } = group;
    const { squareAvg, accDelta } = state;
    state.step += 1;
    const numbers = { lr, forget: rho, weight: 1 - rho, epsilon: eps };
    this.descend(adadelta, [x, gradient, squareAvg, accDelta], numbers, group);
  }
}
