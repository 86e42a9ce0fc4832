import type { BinaryIntrinsic, ScalarType } from '@flambeau/core/backend';
import { type Division, divideInt32, divideInt64, divideSingle } from '../functions/division.ts';
import type { Lanes } from '../lanes/lanes.ts';
import { Real } from '../lanes/real.ts';
import { throughDouble, type Value, value, wrap } from './value.ts';

/** Of floats `div` and `truncDiv` have no host: they do not come here. */
const DIVISIONS: Partial<Record<BinaryIntrinsic, Division>> = {
  div: 'truncDiv',
  truncDiv: 'truncDiv',
  rem: 'rem',
  floorDiv: 'floorDiv',
  mod: 'mod',
};

/** A division that rounds; null for other operations, and for float64, whose products are not exact. */
export function divisionStep(
  lanes: Lanes,
  op: BinaryIntrinsic,
  type: ScalarType,
  a: Value,
  b: Value,
  host: number,
): Value | null {
  const division = DIVISIONS[op];
  if (division === undefined) return null;
  const double = new Real(lanes, 64);
  switch (a.kind) {
    case 'f32':
      if (division === 'truncDiv') return null;
      return throughDouble(lanes, (x, y) => divideSingle(double, division, x!, y!, host), a, b);
    case 'i32':
      return value(
        'i32',
        wrap(lanes, type, divideInt32(lanes, double, division, a.regs[0]!, b.regs[0]!, host)),
      );
    case 'i64':
      return value('i64', ...a.regs.map((x, i) => divideInt64(lanes, division, x, b.regs[i]!, host)));
    default:
      return null;
  }
}
