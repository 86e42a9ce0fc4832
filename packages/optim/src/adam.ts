import type { Expr, Tensor } from '@flambeau/core';
import { checkBetas, checkBooleans, checkNotNegative } from './checks.ts';
import type { ParamGroup, Params } from './optimizer.ts';
import { OwnOptimizer } from './own-optimizer.ts';
import { blend, blendSquare, denominator, descent } from './rules.ts';

export interface AdamOptions {
  /** Learning rate. Default 0.001. */
  readonly lr?: number;
  /** How slowly the running averages of the gradient and of its square forget. Default `[0.9, 0.999]`. */
  readonly betas?: readonly [number, number];
  /** Keeps the denominator away from 0. Default 1e-8. */
  readonly eps?: number;
  /** Default 0, for AdamW 0.01. */
  readonly weightDecay?: number;
  /** Divides by the largest average of squares so far. Default false. */
  readonly amsgrad?: boolean;
  /** Goes up the gradient instead of down. Default false. */
  readonly maximize?: boolean;
  /** Shrinks the parameter itself instead of adding to the gradient. Default false, for AdamW true. */
  readonly decoupledWeightDecay?: boolean;
}

interface AdamState {
  step: number;
  expAvg: Tensor;
  expAvgSq: Tensor;
  maxExpAvgSq?: Tensor;
}

const NUMBERS = [
  'shrink',
  'stepSize',
  'correction',
  'epsilon',
  'weight',
  'squareDecay',
  'squareWeight',
] as const;
type Values = Readonly<Record<'x' | 'g' | 'average' | 'square' | (typeof NUMBERS)[number], Expr>>;

const average = ({ average, g, weight }: Values): Expr => blend(average, g, weight);
const square = ({ square, g, squareDecay, squareWeight }: Values): Expr =>
  blendSquare(square, g, squareDecay, squareWeight);
const moved = ({ x, average, shrink, stepSize, correction, epsilon }: Values, square: Expr): Expr =>
  x.mul(shrink).sub(average.mul(stepSize).div(denominator(square, correction, epsilon)));

const adam = descent('adam', {
  operands: ['x', 'g', 'average', 'square'],
  numbers: NUMBERS,
  steps: { average, square, x: (values) => moved(values, values.square) },
});
const amsgrads = descent('adamAmsgrad', {
  operands: ['x', 'g', 'average', 'square', 'largest'],
  numbers: NUMBERS,
  steps: {
    average,
    square,
    largest: ({ largest, square }) => largest.max(square),
    x: (values) => moved(values, values.largest),
  },
});

/**
 * Adam: steps along the running average `m` of the gradient, divided by the root of the running average `v` of its
 * square, `x -= lr * m̂ / (sqrt(v̂) + eps)`; the hats undo that both averages begin at 0.
 *
 * @throws {ArgumentError} an option is out of range.
 * @see Kingma and Ba, Adam: A Method for Stochastic Optimization (2014)
 * @see Reddi et al., On the Convergence of Adam and Beyond (2018), for `amsgrad`
 * @example new Adam(model.parameters(), { lr: 1e-3 })
 */
export class Adam extends OwnOptimizer<AdamOptions, AdamState> {
  protected override readonly layout = {
    step: 'number',
    expAvg: 'tensor',
    expAvgSq: 'tensor',
    maxExpAvgSq: 'optional',
  } as const;

  constructor(params: Params<AdamOptions>, options: AdamOptions = {}, own = ADAM) {
    super(own.name, params, options, {
      lr: 1e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      amsgrad: false,
      maximize: false,
      ...own.defaults,
    });
  }

  protected override check({ lr, betas, eps, weightDecay, ...switches }: Required<AdamOptions>): void {
    const { amsgrad, maximize, decoupledWeightDecay } = switches;
    checkNotNegative(this.name, { lr, eps, weightDecay });
    checkBetas(this.name, betas);
    checkBooleans(this.name, { amsgrad, maximize, decoupledWeightDecay });
  }

  protected override newState(x: Tensor): AdamState {
    return { step: 0, expAvg: this.zeros(x), expAvgSq: this.zeros(x) };
  }

  protected override update(
    x: Tensor,
    gradient: Tensor,
    state: AdamState,
    group: ParamGroup<AdamOptions>,
  ): void {
    const { lr, eps, amsgrad, maximize, weightDecay, decoupledWeightDecay } = group;
    const [beta1, beta2] = group.betas;
    const { expAvg, expAvgSq } = state;
    state.step += 1;
    const numbers = {
      shrink: decoupledWeightDecay ? 1 - lr * weightDecay : 1,
      stepSize: lr / (1 - beta1 ** state.step),
      correction: Math.sqrt(1 - beta2 ** state.step),
      epsilon: eps,
      weight: 1 - beta1,
      squareDecay: beta2,
      squareWeight: 1 - beta2,
    };
    const options = { maximize, weightDecay: decoupledWeightDecay ? 0 : weightDecay };
    const row = [x, gradient, expAvg, expAvgSq];
    if (!amsgrad) {
      this.descend(adam, row, numbers, options);
      return;
    }
    state.maxExpAvgSq ??= this.zeros(x);
    this.descend(amsgrads, [...row, state.maxExpAvgSq], numbers, options);
  }
}

const ADAM = { name: 'Adam', defaults: { weightDecay: 0, decoupledWeightDecay: false } };
const ADAMW = { name: 'AdamW', defaults: { weightDecay: 1e-2, decoupledWeightDecay: true } };

/**
 * Adam whose weight decay shrinks the parameters themselves, `x -= lr * weightDecay * x`, untouched by the averages.
 *
 * @throws {ArgumentError} an option is out of range.
 * @see Loshchilov and Hutter, Decoupled Weight Decay Regularization (2017)
 * @example new AdamW(model.parameters(), { lr: 3e-4, weightDecay: 0.1 })
 */
export class AdamW extends Adam {
  constructor(params: Params<AdamOptions>, options: Omit<AdamOptions, 'decoupledWeightDecay'> = {}) {
    super(params, options, ADAMW);
  }
}
