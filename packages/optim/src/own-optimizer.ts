import type { Tensor } from '@flambeau/core';
import { Optimizer } from './optimizer.ts';
import type { ParamState } from './state-dict.ts';

/** An optimiser whose updates hold on to no gradient, so that those go when the next ones come. */
export abstract class OwnOptimizer<
  O extends { lr?: number },
  S extends ParamState = ParamState,
> extends Optimizer<O, S> {
  protected override gradientOf(param: Tensor): Tensor | null {
    return param.ownGrad;
  }
}
