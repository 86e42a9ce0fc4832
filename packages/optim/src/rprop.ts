import { ArgumentError, describe, fullLike, type Tensor } from '@flambeau/core';
import { checkBooleans, checkNotNegative } from './checks.ts';
import type { ParamGroup, Params } from './optimizer.ts';
import { OwnOptimizer } from './own-optimizer.ts';
import { descent } from './rules.ts';

export interface RpropOptions {
  /** The first step of every element. Default 0.01. */
  readonly lr?: number;
  /** Factors by which a step shrinks when the sign turned, and grows when it stayed. Default `[0.5, 1.2]`. */
  readonly etas?: readonly [number, number];
  /** The smallest and the largest step. Default `[1e-6, 50]`. */
  readonly stepSizes?: readonly [number, number];
  /** Goes up the gradient instead of down. Default false. */
  readonly maximize?: boolean;
}

interface RpropState {
  step: number;
  prev: Tensor;
  stepSize: Tensor;
}

const rprop = descent('rprop', {
  operands: ['x', 'g', 'previous', 'step'],
  numbers: ['shrink', 'grow', 'smallest', 'largest'],
  steps: {
    step: ({ step, g, previous, shrink, grow, smallest, largest }) => {
      const turned = g.mul(previous);
      const factor = turned.gt(0).select(grow, turned.lt(0).select(shrink, 1));
      return step.mul(factor).max(smallest).min(largest);
    },
    // The gradient where its sign did not turn, else 0: there the element waits for one step.
    previous: ({ previous, g }) => g.mul(previous).lt(0).select(0, g),
    x: ({ x, previous, step }) => x.sub(previous.sign().mul(step)),
  },
});

/**
 * Rprop: each element has a step of its own, which grows while the gradient's sign stays and shrinks when it turns.
 * For full batches.
 *
 * @throws {ArgumentError} an option is out of range.
 * @see Riedmiller and Braun, A direct adaptive method for faster backpropagation learning (1993)
 * @example new Rprop(model.parameters(), { lr: 0.01 })
 */
export class Rprop extends OwnOptimizer<RpropOptions, RpropState> {
  protected override readonly layout = { step: 'number', prev: 'tensor', stepSize: 'tensor' } as const;

  constructor(params: Params<RpropOptions>, options: RpropOptions = {}) {
    super('Rprop', params, options, { lr: 1e-2, etas: [0.5, 1.2], stepSizes: [1e-6, 50], maximize: false });
  }

  protected override check({ lr, etas, stepSizes, maximize }: Required<RpropOptions>): void {
    checkNotNegative('Rprop', { lr });
    checkBooleans('Rprop', { maximize });
    const [shrink, grow] = etas;
    if (!(shrink > 0 && shrink < 1 && grow > 1)) {
      throw new ArgumentError(
        `Rprop: etas must be a number of (0, 1) and one above 1, got ${describe(etas)}`,
        {
          op: 'Rprop',
        },
      );
    }
    const [smallest, largest] = stepSizes;
    if (!(smallest >= 0 && largest >= smallest)) {
      throw new ArgumentError(
        `Rprop: stepSizes must be the smallest and the largest step, got ${describe(stepSizes)}`,
        { op: 'Rprop' },
      );
    }
  }

  protected override newState(x: Tensor, { lr }: ParamGroup<RpropOptions>): RpropState {
    return { step: 0, prev: this.zeros(x), stepSize: this.keep(fullLike(x, lr)) };
  }

  protected override update(
    x: Tensor,
    gradient: Tensor,
    state: RpropState,
    group: ParamGroup<RpropOptions>,
  ): void {
    const [shrink, grow] = group.etas;
    const [smallest, largest] = group.stepSizes;
    state.step += 1;
    this.descend(
      rprop,
      [x, gradient, state.prev, state.stepSize],
      { shrink, grow, smallest, largest },
      { maximize: group.maximize, weightDecay: 0 },
    );
  }
}
