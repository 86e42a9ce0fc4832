import { fullLike, type Tensor } from '@flambeau/core';
import { checkBooleans, checkNotNegative } from './checks.ts';
import type { ParamGroup, Params } from './optimizer.ts';
import { OwnOptimizer } from './own-optimizer.ts';
import { descent } from './rules.ts';

export interface AdagradOptions {
  /** Learning rate. Default 0.01. */
  readonly lr?: number;
  /** How fast the learning rate falls with the steps. Default 0. */
  readonly lrDecay?: number;
  /** Factor of the L2 penalty. Default 0. */
  readonly weightDecay?: number;
  /** Where the sum of squares begins. Default 0. */
  readonly initialAccumulatorValue?: number;
  /** Keeps the denominator away from 0. Default 1e-10. */
  readonly eps?: number;
  /** Goes up the gradient instead of down. Default false. */
  readonly maximize?: boolean;
}

interface AdagradState {
  step: number;
  sum: Tensor;
}

const adagrad = descent('adagrad', {
  operands: ['x', 'g', 'total'],
  numbers: ['lr', 'epsilon'],
  steps: {
    total: ({ total, g }) => total.add(g.square()),
    x: ({ x, g, total, lr, epsilon }) => x.sub(g.mul(lr).div(total.sqrt().add(epsilon))),
  },
});

/**
 * Adagrad: divides the gradient by the root of the sum of all its squares so far.
 *
 * @throws {ArgumentError} an option is out of range.
 * @see Duchi et al., Adaptive Subgradient Methods for Online Learning and Stochastic Optimization (2011)
 * @example new Adagrad(model.parameters(), { lr: 0.01 })
 */
export class Adagrad extends OwnOptimizer<AdagradOptions, AdagradState> {
  protected override readonly layout = { step: 'number', sum: 'tensor' } as const;

  constructor(params: Params<AdagradOptions>, options: AdagradOptions = {}) {
    super('Adagrad', params, options, {
      lr: 1e-2,
      lrDecay: 0,
      weightDecay: 0,
      initialAccumulatorValue: 0,
      eps: 1e-10,
      maximize: false,
    });
  }

  protected override check({ maximize, ...numbers }: Required<AdagradOptions>): void {
    const { lr, lrDecay, weightDecay, initialAccumulatorValue, eps } = numbers;
    checkNotNegative('Adagrad', { lr, lrDecay, weightDecay, initialAccumulatorValue, eps });
    checkBooleans('Adagrad', { maximize });
  }

  protected override newState(
    x: Tensor,
    { initialAccumulatorValue }: ParamGroup<AdagradOptions>,
  ): AdagradState {
    return { step: 0, sum: this.keep(fullLike(x, initialAccumulatorValue)) };
  }

  protected override update(
    x: Tensor,
    gradient: Tensor,
    state: AdagradState,
    group: ParamGroup<AdagradOptions>,
  ): void {
    state.step += 1;
    const { lr, lrDecay, eps: epsilon } = group;
    const numbers = { lr: lr / (1 + (state.step - 1) * lrDecay), epsilon };
    this.descend(adagrad, [x, gradient, state.sum], numbers, group);
  }
}
