import type { Expr, Tensor } from '@flambeau/core';
import { checkBooleans, checkNotNegative, checkNumbers } from './checks.ts';
import type { ParamGroup, Params } from './optimizer.ts';
import { OwnOptimizer } from './own-optimizer.ts';
import { blend, descent } from './rules.ts';

export interface ASGDOptions {
  /** Learning rate. Default 0.01. */
  readonly lr?: number;
  /** Decay of the parameters. Default 1e-4. */
  readonly lambd?: number;
  /** Power with which the step falls. Default 0.75. */
  readonly alpha?: number;
  /** The step at which averaging begins. Default 1e6. */
  readonly t0?: number;
  /** Factor of the L2 penalty. Default 0. */
  readonly weightDecay?: number;
  /** Goes up the gradient instead of down. Default false. */
  readonly maximize?: boolean;
}

interface ASGDState {
  step: number;
  eta: number;
  mu: number;
  /** The average of the parameter over the steps since `t0`. */
  ax: Tensor;
}

const NUMBERS = ['eta', 'shrink', 'mu'] as const;
type Values = Readonly<Record<'x' | 'g' | 'eta' | 'shrink', Expr>>;

const x = ({ x, g, eta, shrink }: Values): Expr => x.mul(shrink).sub(g.mul(eta));
const averaging = descent('asgd', {
  operands: ['x', 'g', 'average'],
  numbers: NUMBERS,
  steps: { x, average: ({ average, x, mu }) => blend(average, x, mu) },
});
/** Before averaging begins, the average is the parameter itself, without rounding. */
const beginning = descent('asgdBeginning', {
  operands: ['x', 'g', 'average'],
  numbers: NUMBERS,
  steps: { x, average: ({ x }) => x },
});

/**
 * Averaged stochastic gradient descent. The average stands in `optimizer.state.get(param).ax`.
 *
 * @throws {ArgumentError} an option is out of range.
 * @see Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging (1992)
 * @example new ASGD(model.parameters(), { lr: 0.01 })
 */
export class ASGD extends OwnOptimizer<ASGDOptions, ASGDState> {
  protected override readonly layout = { step: 'number', eta: 'number', mu: 'number', ax: 'tensor' } as const;

  constructor(params: Params<ASGDOptions>, options: ASGDOptions = {}) {
    super('ASGD', params, options, {
      lr: 1e-2,
      lambd: 1e-4,
      alpha: 0.75,
      t0: 1e6,
      weightDecay: 0,
      maximize: false,
    });
  }

  protected override check({ lr, lambd, alpha, t0, weightDecay, maximize }: Required<ASGDOptions>): void {
    checkNotNegative('ASGD', { lr, weightDecay });
    checkNumbers('ASGD', { lambd, alpha, t0 });
    checkBooleans('ASGD', { maximize });
  }

  protected override newState(x: Tensor, { lr }: ParamGroup<ASGDOptions>): ASGDState {
    return { step: 0, eta: lr, mu: 1, ax: this.zeros(x) };
  }

  protected override update(
    x: Tensor,
    gradient: Tensor,
    state: ASGDState,
    group: ParamGroup<ASGDOptions>,
  ): void {
    const { lr, lambd, alpha, t0 } = group;
    state.step += 1;
    const { eta, mu } = state;
    const rule = mu === 1 ? beginning : averaging;
    this.descend(rule, [x, gradient, state.ax], { eta, shrink: 1 - lambd * eta, mu }, group);
    state.eta = lr / (1 + lambd * lr * state.step) ** alpha;
    state.mu = 1 / Math.max(1, state.step - t0);
  }
}
