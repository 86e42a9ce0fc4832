import type { ScalarType } from '@flambeau/core/backend';
import { f32, f32x4, f64, f64x2, i32x4, i64, i64x2, type Opcode, Type } from '../assembler/index.ts';
import type { Lanes, Reg } from '../lanes/lanes.ts';
import { fromHalves, toHalves } from './half.ts';
import {
  type Four,
  halves,
  isWide,
  joined,
  kindIn,
  kindOf,
  narrowMask,
  promote,
  truth,
  type Value,
  value,
  wideMask,
  wrap,
  zeroOf,
} from './value.ts';

/** Whether `cast` knows the way: a float is made an unsigned integer in JavaScript alone. */
export const canCast = (from: ScalarType, to: ScalarType): boolean =>
  !(to === 'uint32' && (kindOf(from) === 'f32' || kindOf(from) === 'f64'));

/** A value of type `from` in type `to`. */
export function cast(lanes: Lanes, from: ScalarType, to: ScalarType, given: Value): Value {
  const kind = kindIn(lanes, to);
  // Sixteen bytes become nothing but truths and bytes.
  const a = given as Four;
  switch (kind) {
    case 'mask':
      return truth(lanes, given);
    case 'i8':
      return given.kind === 'i8' ? given : value(kind, lanes.and(given.regs[0]!, byte(lanes, 1)));
    case 'f64':
      return toFloat64(lanes, from, a);
    case 'i64':
      return toInt64(lanes, from, a);
    case 'f32': {
      const x = toFloat32(lanes, from, a);
      const rounds = (to === 'float16' || to === 'bfloat16') && from !== to;
      return value('f32', rounds ? fromHalves(lanes, to, toHalves(lanes, to, x, x), 1)[0]! : x);
    }
    case 'i32':
      return value('i32', wrap(lanes, to, toInt32(lanes, a)));
  }
}

/** A byte in every lane. */
const byte = (lanes: Lanes, bits: number): Reg => lanes.constant('i32', Math.imul(bits & 255, 0x01010101));

function toFloat32(lanes: Lanes, from: ScalarType, a: Four): Reg {
  const [x, y] = a.regs as [Reg, Reg];
  switch (a.kind) {
    case 'f32':
      return x;
    case 'mask':
      return lanes.and(narrowMask(lanes, a), lanes.constant('f32', 1));
    case 'i32':
      return lanes.apply(from === 'uint32' ? f32x4.convertI32x4U : f32x4.convertI32x4S, x);
    case 'f64':
      return joined(lanes, lanes.apply(f32x4.demoteF64x2, x), lanes.apply(f32x4.demoteF64x2, y));
    case 'i64': {
      const result = lanes.f.local(Type.v128);
      for (let lane = 0; lane < 4; lane++) {
        lanes.f.get(result).get(lane < 2 ? x : y);
        lanes.f
          .lane(i64x2.extract, lane & 1)
          .op(f32.convertI64S)
          .lane(f32x4.replace, lane)
          .set(result);
      }
      return result;
    }
  }
}

function toFloat64(lanes: Lanes, from: ScalarType, a: Four): Value {
  const [x] = a.regs as [Reg];
  switch (a.kind) {
    case 'f64':
      return a;
    case 'f32':
      return value('f64', ...promote(lanes, x));
    case 'mask': {
      const one = lanes.constant('f64', 1);
      return value('f64', ...wideMask(lanes, a).map((mask) => lanes.and(mask, one)));
    }
    case 'i32': {
      const convert = from === 'uint32' ? f64x2.convertLowI32x4U : f64x2.convertLowI32x4S;
      return value('f64', ...halves(lanes, x).map((half) => lanes.apply(convert, half)));
    }
    case 'i64':
      return value(
        'f64',
        ...a.regs.map((reg) => pairwise(lanes, reg, i64x2.extract, f64.convertI64S, f64x2.replace)),
      );
  }
}

function toInt64(lanes: Lanes, from: ScalarType, a: Four): Value {
  const [x] = a.regs as [Reg];
  switch (a.kind) {
    case 'i64':
      return a;
    case 'mask': {
      const one = lanes.constant64(1n);
      return value('i64', ...wideMask(lanes, a).map((mask) => lanes.and(mask, one)));
    }
    case 'i32': {
      const unsigned = from === 'uint32';
      return value(
        'i64',
        lanes.apply(unsigned ? i64x2.extendLowI32x4U : i64x2.extendLowI32x4S, x),
        lanes.apply(unsigned ? i64x2.extendHighI32x4U : i64x2.extendHighI32x4S, x),
      );
    }
    case 'f32':
    case 'f64': {
      // What does not fit becomes the smallest value, as on x86.
      const least = lanes.constant64(-(2n ** 63n));
      const limit = lanes.constant('f64', 2 ** 63);
      const regs = toFloat64(lanes, from, a).regs.map((reg) => {
        const whole = pairwise(lanes, reg, f64x2.extract, i64.truncF64S, i64x2.replace);
        const fits = lanes.apply(f64x2.lt, lanes.apply(f64x2.abs, reg), limit);
        return lanes.select(fits, whole, least);
      });
      return value('i64', ...regs);
    }
  }
}

/** Both lanes of a vector through an instruction that takes one value. */
function pairwise(lanes: Lanes, a: Reg, extract: Opcode, convert: Opcode, replace: Opcode): Reg {
  const result = lanes.f.local(Type.v128);
  for (let lane = 0; lane < 2; lane++) {
    lanes.f.get(result).get(a).lane(extract, lane).op(convert).lane(replace, lane).set(result);
  }
  return result;
}

function toInt32(lanes: Lanes, a: Four): Reg {
  const [x, y] = a.regs as [Reg, Reg];
  switch (a.kind) {
    case 'i32':
      return x;
    case 'mask':
      return lanes.apply(i32x4.sub, zeroOf(lanes), narrowMask(lanes, a));
    case 'i64':
      return lanes.pick(x, y, 0, 2, 4, 6);
    case 'f32':
      return lanes.apply(i32x4.truncF32x4S, x);
    case 'f64':
      return joined(lanes, lanes.apply(i32x4.truncF64x2S, x), lanes.apply(i32x4.truncF64x2S, y));
  }
}

/** A literal in the type of its step. */
export function literal(lanes: Lanes, type: ScalarType, given: number | bigint | boolean): Value {
  const kind = kindIn(lanes, type);
  const reg = ((): Reg => {
    switch (kind) {
      case 'f32':
        return lanes.constant('f32', Number(given));
      case 'f64':
        return lanes.constant('f64', Number(given));
      case 'i64':
        return lanes.constant64(BigInt(given));
      case 'mask':
        return lanes.constant('i32', given ? -1 : 0);
      case 'i8':
        return byte(lanes, Number(given));
      case 'i32':
        return lanes.constant('i32', Number(given) | 0);
    }
  })();
  return value(kind, ...(isWide(kind) ? [reg, reg] : [reg]));
}
