import { choice, use } from '../dispatch/choice.ts';
import { pointwise } from '../dispatch/declare.ts';
import { ArgumentError, checkOptions, describe } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';

const NOT_BOOL = { bool: 'it has nothing to round' } as const;
const FLOATING_ONLY = { ...NOT_BOOL, integer: 'it has nothing to round' } as const;

/** The largest integer up to `x`. Integers are as they were; the gradient is zero. */
export const floor = pointwise('floor', (x) => x.floor(), { refuse: NOT_BOOL });

/** The smallest integer from `x` on. Integers are as they were; the gradient is zero. */
export const ceil = pointwise('ceil', (x) => x.ceil(), { refuse: NOT_BOOL });

/** `x` without its fraction. Integers are as they were; the gradient is zero. */
export const trunc = pointwise('trunc', (x) => x.trunc(), { refuse: NOT_BOOL });

/** The fraction of `x`, with its sign: `x - trunc(x)`. @throws {DTypeError} integers and booleans. */
export const frac = pointwise('frac', (x) => x.sub(x.trunc()), { refuse: FLOATING_ONLY });

const roundOf = pointwise('round', (x) => x.round(), { refuse: NOT_BOOL });

const roundFiner = pointwise('round', (x, { scale }) => x.mul(scale).round().div(scale), {
  params: { scale: 1 },
  refuse: FLOATING_ONLY,
});

const roundCoarser = pointwise('round', (x, { scale }) => x.div(scale).round().mul(scale), {
  params: { scale: 1 },
  refuse: FLOATING_ONLY,
});

export interface RoundOptions {
  /** Digits after the decimal point; negative ones before it. Default 0. */
  readonly decimals?: number;
}

/**
 * The nearest integer, halves to even; or the nearest number of `decimals` digits. The gradient is zero.
 *
 * @throws {ArgumentError} `decimals` is no integer.
 * @throws {DTypeError} bool; integers where `decimals` is given and not 0.
 * @example round(tensor([0.5, 1.5, 2.6])) // tensor([0., 2., 3.])
 */
export const round = choice('round', (x: Tensor, options?: RoundOptions) => {
  checkOptions('round', options, ['decimals']);
  const decimals = options?.decimals ?? 0;
  if (!Number.isInteger(decimals)) {
    throw new ArgumentError(`round: decimals must be an integer, got ${describe(decimals)}`, { op: 'round' });
  }
  if (decimals === 0) return use(roundOf, x);
  const scale = 10 ** Math.abs(decimals);
  return decimals > 0 ? use(roundFiner, x, { scale }) : use(roundCoarser, x, { scale });
});
