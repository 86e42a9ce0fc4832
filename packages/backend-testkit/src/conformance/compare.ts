import type { DType } from '@flambeau/core/backend';
import { type Tolerance, toleranceFor } from '../golden/tolerance.ts';
import { isJudging } from '../judging.ts';
import { ConformanceFailure } from './case.ts';
import type { Value } from './elements.ts';

const EXACT: Tolerance = { rtol: 0, atol: 0 };

/** The tolerance of a result, from the one table: exact for integers and truths. */
export const allowed = (dtype: DType, of: 'results' | 'gradients' = 'results'): Tolerance =>
  toleranceFor('', dtype, of);

/** Whether two values agree: NaN with NaN, infinities by their sign, all else within the tolerance. */
export function agree(got: Value, expected: Value, { rtol, atol }: Tolerance): boolean {
  if (got === expected) return true;
  if (typeof got !== 'number' || typeof expected !== 'number') return Number(got) === Number(expected);
  if (Number.isNaN(expected)) return Number.isNaN(got);
  return Math.abs(got - expected) <= atol + rtol * Math.abs(expected) && Number.isFinite(got);
}

/** @throws {ConformanceFailure} naming the first element that differs. */
export function compareValues(
  what: string,
  got: ArrayLike<Value>,
  expected: ArrayLike<Value>,
  tolerance: Tolerance = EXACT,
): void {
  if (!isJudging()) return;
  if (got.length !== expected.length) {
    throw new ConformanceFailure(`${what}: ${got.length} elements, expected ${expected.length}`);
  }
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [got[i]!, expected[i]!];
    if (agree(a, b, tolerance)) continue;
    const how =
      tolerance.atol === 0 && tolerance.rtol === 0
        ? 'exactly'
        : `within ${tolerance.atol} + ${tolerance.rtol} × |expected|`;
    throw new ConformanceFailure(`${what}: element ${i} is ${a}, expected ${how} ${b}`, {
      data: { element: i, got: a, expected: b },
    });
  }
}
