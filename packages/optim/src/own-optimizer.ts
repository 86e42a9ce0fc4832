import type { Tensor } from '@flambeau/core';
import { Optimizer } from './optimizer.ts';
import type { DescentOptions, DescentRule } from './rules.ts';
import type { ParamState } from './state-dict.ts';

/** An optimiser whose updates hold on to no gradient, so that those go when the next ones come. */
export abstract class OwnOptimizer<
  O extends { lr?: number },
  S extends ParamState = ParamState,
> extends Optimizer<O, S> {
  protected override gradientOf(param: Tensor): Tensor | null {
    return param.ownGrad;
  }

  /** Has a row, its parameter and gradient among it, overwritten along the gradient of what is minimised. */
  protected descend<N extends string>(
    rule: DescentRule<N>,
    row: readonly Tensor[],
    numbers: Readonly<Record<N, number>>,
    { maximize, weightDecay }: DescentOptions,
  ): void {
    if (!maximize && weightDecay === 0) this.overwrite(rule.plain, row, numbers);
    else this.overwrite(rule.turned, row, { ...numbers, direction: maximize ? -1 : 1, decay: weightDecay });
  }
}
