import type { Tensor } from '../graph/tensor.ts';
import { atCaller, type Declared } from './declare.ts';

/** An operator and what it is called with. */
export interface Picked {
  readonly operator: Declared;
  readonly args: readonly unknown[];
}

/** `operator(...args)`, not called yet. */
export const use = <A extends unknown[]>(
  operator: ((...args: A) => Tensor) & Declared,
  ...args: A
): Picked => ({
  operator,
  args,
});

/**
 * Declares an operator that is one of several others, by its arguments: `div` by its rounding, `gelu` by its
 * approximation. Gradient, kernels and in-place form are those of the one picked.
 *
 * @example const div = choice('div', (x: Tensor, y: Tensor, o?: DivOptions) => use(o?.roundingMode ? floorDiv : trueDiv, x, y));
 */
export function choice<Args extends unknown[]>(
  name: string,
  pick: (...args: Args) => Picked,
): ((...args: Args) => Tensor) & Declared {
  const call = (...given: Args): Tensor => {
    try {
      const { operator, args } = pick(...given);
      // `use` has checked the arguments against the operator's own types.
      return (operator as unknown as (...args: unknown[]) => Tensor)(...args);
    } catch (error) {
      throw atCaller(error, call);
    }
  };
  const inPlace = (...given: Args): Tensor => {
    try {
      const { operator, args } = pick(...given);
      return (operator.inPlace as unknown as (...args: unknown[]) => Tensor)(...args);
    } catch (error) {
      throw atCaller(error, inPlace);
    }
  };
  return Object.assign(call, { opName: name, inPlace: inPlace as unknown as Declared['inPlace'] });
}
