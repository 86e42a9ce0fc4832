import type { Tensor } from '@flambeau/core';
import { checkBetas, checkBooleans, checkNotNegative } from './checks.ts';
import type { ParamGroup, Params } from './optimizer.ts';
import { OwnOptimizer } from './own-optimizer.ts';
import { blend, blendSquare, denominator, descent } from './rules.ts';

export interface NAdamOptions {
  /** Learning rate. Default 0.002. */
  readonly lr?: number;
  /** How slowly the running averages of the gradient and of its square forget. Default `[0.9, 0.999]`. */
  readonly betas?: readonly [number, number];
  /** Keeps the denominator away from 0. Default 1e-8. */
  readonly eps?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** How fast the momentum reaches `betas[0]`. Default 0.004. */
  readonly momentumDecay?: number;
  /** Shrinks the parameter itself instead of adding to the gradient. Default false. */
  readonly decoupledWeightDecay?: boolean;
  /** Goes up the gradient instead of down. Default false. */
  readonly maximize?: boolean;
}

interface NAdamState {
  step: number;
  muProduct: number;
  expAvg: Tensor;
  expAvgSq: Tensor;
}

const nadam = descent('nadam', {
  operands: ['x', 'g', 'average', 'square'],
  numbers: [
    'shrink',
    'gradientStep',
    'averageStep',
    'correction',
    'epsilon',
    'weight',
    'squareDecay',
    'squareWeight',
  ],
  steps: {
    average: ({ average, g, weight }) => blend(average, g, weight),
    square: ({ square, g, squareDecay, squareWeight }) => blendSquare(square, g, squareDecay, squareWeight),
    x: ({ x, g, average, square, shrink, gradientStep, averageStep, correction, epsilon }) =>
      x.mul(shrink).sub(
        g
          .mul(gradientStep)
          .add(average.mul(averageStep))
          .div(denominator(square, correction, epsilon)),
      ),
  },
});

/**
 * NAdam: Adam with Nesterov's momentum, which looks one step ahead.
 *
 * @throws {ArgumentError} an option is out of range.
 * @see Dozat, Incorporating Nesterov Momentum into Adam (2016)
 * @example new NAdam(model.parameters())
 */
export class NAdam extends OwnOptimizer<NAdamOptions, NAdamState> {
  protected override readonly layout = {
    step: 'number',
    muProduct: 'number',
    expAvg: 'tensor',
    expAvgSq: 'tensor',
  } as const;

  constructor(params: Params<NAdamOptions>, options: NAdamOptions = {}) {
    super('NAdam', params, options, {
      lr: 2e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0,
      momentumDecay: 4e-3,
      decoupledWeightDecay: false,
      maximize: false,
    });
  }

  protected override check({
    betas,
    decoupledWeightDecay,
    maximize,
    ...numbers
  }: Required<NAdamOptions>): void {
    const { lr, eps, weightDecay, momentumDecay } = numbers;
    checkNotNegative('NAdam', { lr, eps, weightDecay, momentumDecay });
    checkBetas('NAdam', betas);
    checkBooleans('NAdam', { decoupledWeightDecay, maximize });
  }

  protected override newState(x: Tensor): NAdamState {
    return { step: 0, muProduct: 1, expAvg: this.zeros(x), expAvgSq: this.zeros(x) };
  }

  protected override update(
    x: Tensor,
    gradient: Tensor,
    state: NAdamState,
    group: ParamGroup<NAdamOptions>,
  ): void {
    const { lr, eps, maximize, weightDecay, momentumDecay, decoupledWeightDecay } = group;
    const [beta1, beta2] = group.betas;
    state.step += 1;
    const momentumAt = (step: number): number => beta1 * (1 - 0.5 * 0.96 ** (step * momentumDecay));
    const mu = momentumAt(state.step);
    const nextMu = momentumAt(state.step + 1);
    state.muProduct *= mu;
    this.descend(
      nadam,
      [x, gradient, state.expAvg, state.expAvgSq],
      {
        shrink: decoupledWeightDecay ? 1 - lr * weightDecay : 1,
        gradientStep: (lr * (1 - mu)) / (1 - state.muProduct),
        averageStep: (lr * nextMu) / (1 - state.muProduct * nextMu),
        correction: Math.sqrt(1 - beta2 ** state.step),
        epsilon: eps,
        weight: 1 - beta1,
        squareDecay: beta2,
        squareWeight: 1 - beta2,
      },
      { maximize, weightDecay: decoupledWeightDecay ? 0 : weightDecay },
    );
  }
}
