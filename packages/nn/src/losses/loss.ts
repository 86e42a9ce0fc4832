import { ArgumentError, checkOptions, describe, isTensor, type Tensor } from '@flambeau/core';
import { checkChoice } from '../layers/settings.ts';
import { Module } from '../module/module.ts';
import { buffer } from '../module/roles.ts';

/** How a loss's values become one: `mean`, `sum`, or not at all. */
export type Reduction = 'none' | 'mean' | 'sum';

export interface LossOptions {
  /** Default `'mean'`. */
  readonly reduction?: Reduction;
}

/** A loss of an input and a target. */
export abstract class Loss<
  R extends string = Reduction,
  Args extends unknown[] = [input: Tensor, target: Tensor],
> extends Module<Args> {
  readonly reduction: R | Reduction;

  protected constructor(
    name: string,
    options: { readonly reduction?: R | Reduction },
    known: readonly string[] = [],
    reductions: readonly (R | Reduction)[] = ['none', 'mean', 'sum'],
  ) {
    super();
    checkOptions(name, options, [...known, 'reduction']);
    this.reduction = options.reduction ?? 'mean';
    checkChoice(name, 'reduction', this.reduction, reductions);
  }
}

/** A loss's weights as its buffer. */
export function weights(name: string, option: string, value: Tensor | null | undefined): Tensor | null {
  if (value === undefined || value === null) return null;
  if (isTensor(value)) return buffer(value);
  throw new ArgumentError(`${name}: ${option} must be a tensor, got ${describe(value)}`, { op: name });
}
