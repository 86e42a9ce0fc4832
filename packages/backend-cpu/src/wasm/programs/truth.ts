import type { BinaryIntrinsic } from '@flambeau/core/backend';
import type { Lanes, Reg } from '../lanes/lanes.ts';
import { narrowMask, type Value, value } from './value.ts';

/** Arithmetic on truths: any sum that is not zero is true. */
export function truthBinary(lanes: Lanes, op: BinaryIntrinsic, left: Value, right: Value): Value | null {
  const wide = left.regs.length === 2 && right.regs.length === 2;
  const [as, bs] = wide ? [left.regs, right.regs] : [[narrowMask(lanes, left)], [narrowMask(lanes, right)]];
  const each = (f: (a: Reg, b: Reg) => Reg): Value => value('mask', ...as.map((a, i) => f(a, bs[i]!)));
  switch (op) {
    case 'add':
    case 'max':
    case 'or':
    case 'bitOr':
      return each((a, b) => lanes.or(a, b));
    case 'mul':
    case 'min':
    case 'and':
    case 'bitAnd':
      return each((a, b) => lanes.and(a, b));
    case 'sub':
    case 'xor':
    case 'bitXor':
    case 'ne':
      return each((a, b) => lanes.xor(a, b));
    case 'eq':
      return each((a, b) => lanes.not(lanes.xor(a, b)));
    case 'lt':
      return each((a, b) => lanes.andnot(b, a));
    case 'gt':
    case 'shiftRight':
      return each((a, b) => lanes.andnot(a, b));
    case 'le':
      return each((a, b) => lanes.or(lanes.not(a), b));
    case 'ge':
    case 'pow':
      return each((a, b) => lanes.or(a, lanes.not(b)));
    case 'shiftLeft':
      // 1 << 1 is 2, which is true.
      return left;
    default:
      return null;
  }
}
