import { pointwise, type Tensor } from '@flambeau/core';
import { checkBetas, checkBooleans, checkNotNegative } from './checks.ts';
import type { ParamGroup, Params } from './optimizer.ts';
import { OwnOptimizer } from './own-optimizer.ts';
import { blend, blendSquare, denominator, descent, GIVEN, inPlace } from './rules.ts';

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

const along = inPlace(
  pointwise(
    'nadam',
    (x, g, square, { shrink, stepSize, correction, epsilon }) =>
      x.mul(shrink).sub(g.mul(stepSize).div(denominator(square, correction, epsilon))),
    { params: { shrink: GIVEN, stepSize: GIVEN, correction: GIVEN, epsilon: GIVEN } },
  ),
);

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
    const direction = descent(x, gradient, { maximize, weightDecay: decoupledWeightDecay ? 0 : weightDecay });
    blend(state.expAvg, direction, { weight: 1 - beta1 });
    blendSquare(state.expAvgSq, direction, { decay: beta2, weight: 1 - beta2 });
    const scale = { correction: Math.sqrt(1 - beta2 ** state.step), epsilon: eps };
    along(x, direction, state.expAvgSq, {
      shrink: decoupledWeightDecay ? 1 - lr * weightDecay : 1,
      stepSize: (lr * (1 - mu)) / (1 - state.muProduct),
      ...scale,
    });
    const stepSize = (lr * nextMu) / (1 - state.muProduct * nextMu);
    along(x, state.expAvg, state.expAvgSq, { shrink: 1, stepSize, ...scale });
  }
}
