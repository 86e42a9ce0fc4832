import type { Tensor } from '@flambeau/core';
import { checkBetas, checkBooleans, checkNotNegative } from './checks.ts';
import type { ParamGroup, Params } from './optimizer.ts';
import { OwnOptimizer } from './own-optimizer.ts';
import { blend, descent } from './rules.ts';

export interface AdamaxOptions {
  /** Learning rate. Default 0.002. */
  readonly lr?: number;
  /** How slowly the average of the gradient and the norm forget. Default `[0.9, 0.999]`. */
  readonly betas?: readonly [number, number];
  /** Keeps the norm away from 0. Default 1e-8. */
  readonly eps?: number;
  /** Factor of the L2 penalty. Default 0. */
  readonly weightDecay?: number;
  /** Goes up the gradient instead of down. Default false. */
  readonly maximize?: boolean;
}

interface AdamaxState {
  step: number;
  expAvg: Tensor;
  expInf: Tensor;
}

const adamax = descent('adamax', {
  operands: ['x', 'g', 'average', 'norm'],
  numbers: ['stepSize', 'weight', 'decayNorm', 'epsilon'],
  steps: {
    average: ({ average, g, weight }) => blend(average, g, weight),
    norm: ({ norm, g, decayNorm, epsilon }) => norm.mul(decayNorm).max(g.abs().add(epsilon)),
    x: ({ x, average, norm, stepSize }) => x.sub(average.mul(stepSize).div(norm)),
  },
});

/**
 * Adamax: Adam with the largest recent gradient in the place of the root mean square.
 *
 * @throws {ArgumentError} an option is out of range.
 * @see Kingma and Ba, Adam: A Method for Stochastic Optimization (2014), section 7.1
 * @example new Adamax(model.parameters())
 */
export class Adamax extends OwnOptimizer<AdamaxOptions, AdamaxState> {
  protected override readonly layout = { step: 'number', expAvg: 'tensor', expInf: 'tensor' } as const;

  constructor(params: Params<AdamaxOptions>, options: AdamaxOptions = {}) {
    super('Adamax', params, options, {
      lr: 2e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0,
      maximize: false,
    });
  }

  protected override check({ lr, betas, eps, weightDecay, maximize }: Required<AdamaxOptions>): void {
    checkNotNegative('Adamax', { lr, eps, weightDecay });
    checkBetas('Adamax', betas);
    checkBooleans('Adamax', { maximize });
  }

  protected override newState(x: Tensor): AdamaxState {
    return { step: 0, expAvg: this.zeros(x), expInf: this.zeros(x) };
  }

  protected override update(
    x: Tensor,
    gradient: Tensor,
    state: AdamaxState,
    group: ParamGroup<AdamaxOptions>,
  ): void {
    const { lr, eps } = group;
    const [beta1, beta2] = group.betas;
    state.step += 1;
    const stepSize = lr / (1 - beta1 ** state.step);
    const numbers = { stepSize, weight: 1 - beta1, decayNorm: beta2, epsilon: eps };
    this.descend(adamax, [x, gradient, state.expAvg, state.expInf], numbers, group);
  }
}
