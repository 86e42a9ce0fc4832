import { ArgumentError, describe } from '../errors.ts';

/** Elements `start, start + step, …` before `stop` of a dimension, for `x.index(…)`. */
export interface Slice {
  readonly kind: 'slice';
  /** Counts from the end when negative; absent: from the first. */
  readonly start: number | null;
  /** Counts from the end when negative; absent: to the last. */
  readonly stop: number | null;
  readonly step: number;
}

/**
 * A part of a dimension, for `x.index(…)`: Python's `start:stop:step`. `slice()` is all of it.
 *
 * @throws {ArgumentError} a bound is no integer, or `step` is not a positive one.
 * @example arange(6).index(slice(1, -1, 2)) // tensor([1, 3])
 */
export function slice(start?: number | null, stop?: number | null, step?: number | null): Slice {
  for (const bound of [start, stop]) {
    if (bound !== undefined && bound !== null && !Number.isInteger(bound)) {
      throw new ArgumentError(`slice: bounds must be integers, got ${describe(bound)}`, { op: 'slice' });
    }
  }
  if (step !== undefined && step !== null && (!Number.isInteger(step) || step < 1)) {
    throw new ArgumentError(
      `slice: step must be a positive integer, got ${describe(step)}; reverse with flip`,
      { op: 'slice' },
    );
  }
  return { kind: 'slice', start: start ?? null, stop: stop ?? null, step: step ?? 1 };
}

export const isSlice = (value: unknown): value is Slice =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  (value as { kind?: unknown }).kind === 'slice';

/** In `x.index(…)`: all dimensions that the other items do not name. */
export const ELLIPSIS = Symbol.for('flambeau.ELLIPSIS');
