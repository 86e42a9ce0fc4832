import { ArgumentError, describe } from '@flambeau/core';

/** Refuses an index that does not count a sample. */
export function checkIndex(op: string, index: number, length: number): void {
  if (Number.isInteger(index) && index >= 0 && index < length) return;
  throw new ArgumentError(
    `${op}: index ${describe(index)} is out of range; there are ${length} samples, counted from 0`,
    { op, data: { index, length } },
  );
}

/** Refuses what is no integer of at least `least`. */
export function checkInteger(op: string, name: string, value: unknown, least: number): void {
  if (Number.isInteger(value) && Number(value) >= least) return;
  const expected = least === 1 ? 'a positive integer' : `an integer of ${least} or more`;
  throw new ArgumentError(`${op}: ${name} must be ${expected}, got ${describe(value)}`, {
    op,
    data: { [name]: value },
  });
}

/** Refuses a switch that is neither true nor false: `'no'` would count as yes. */
export function checkBoolean(op: string, name: string, value: unknown): void {
  if (typeof value === 'boolean') return;
  throw new ArgumentError(`${op}: ${name} must be true or false, got ${describe(value)}`, { op });
}
