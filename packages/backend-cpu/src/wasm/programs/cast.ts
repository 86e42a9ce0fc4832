import type { ScalarType } from '@flambeau/core/backend';
import { f32, f32x4, f64x2, i32x4, i64, i64x2, Type, v128 } from '../assembler/index.ts';
import type { Lanes, Reg } from '../lanes/lanes.ts';
import { Real } from '../lanes/real.ts';
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
    case 'i64':
      return single(lanes, x, y);
  }
}

/** int64 as float32: by way of float64 where that holds all four. */
function single(lanes: Lanes, x: Reg, y: Reg): Reg {
  const { f } = lanes;
  const result = f.local(Type.v128);
  const beyond = (a: Reg): Reg =>
    lanes.shift(i64x2.shrU, lanes.apply(i64x2.add, a, lanes.constant64(2n ** 53n)), 54);
  const demoted = (a: Reg): Reg => lanes.apply(f32x4.demoteF64x2, double(lanes, a));
  f.get(lanes.or(beyond(x), beyond(y)))
    .op(v128.anyTrue)
    .if(
      () => {
        for (let lane = 0; lane < 4; lane++) {
          f.get(result).get(lane < 2 ? x : y);
          f.lane(i64x2.extract, lane & 1)
            .op(f32.convertI64S)
            .lane(f32x4.replace, lane)
            .set(result);
        }
      },
      () => f.get(joined(lanes, demoted(x), demoted(y))).set(result),
    );
  return result;
}

/** int64 as float64: its upper word as a multiple of 2^32 beside 2^84, its lower one beside 2^52, and their sum. */
function double(lanes: Lanes, a: Reg): Reg {
  const F = new Real(lanes, 64);
  const high = lanes.xor(lanes.shift(i64x2.shrU, a, 32), F.word(0x4530000080000000n));
  const low = lanes.or(lanes.and(a, F.word(0xffffffffn)), F.word(0x4330000000000000n));
  return F.add(F.sub(high, F.c(2 ** 84 + 2 ** 63 + 2 ** 52)), low);
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
      return value('f64', ...a.regs.map((reg) => double(lanes, reg)));
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
    case 'f64':
      return value('i64', ...toWhole(lanes, toFloat64(lanes, from, a).regs));
  }
}

/** The lowest bits of a sum with it are the integers from -2^51 to 2^51. */
const MAGIC = 1.5 * 2 ** 52;
const MAGIC_BITS = 0x4338000000000000n;

/** float64 as int64, towards zero. What does not fit becomes the smallest value, as on x86. */
function toWhole(lanes: Lanes, given: readonly Reg[]): readonly Reg[] {
  const F = new Real(lanes, 64);
  const near = given.map((x) => F.lt(F.abs(x), F.c(2 ** 51))).reduce((p, q) => lanes.and(p, q));
  const results = given.map(() => lanes.f.local(Type.v128));
  const each = (whole: (x: Reg) => Reg) => (): void => {
    for (const [i, x] of given.entries()) lanes.f.get(whole(x)).set(results[i]!);
  };
  lanes.f
    .get(near)
    .op(i64x2.allTrue)
    .if(
      each((x) => F.subBits(F.add(lanes.apply(f64x2.trunc, x), F.c(MAGIC)), F.word(MAGIC_BITS))),
      each((x) => {
        const whole = lanes.f.local(Type.v128);
        for (let lane = 0; lane < 2; lane++) {
          lanes.f.get(whole).get(x).lane(f64x2.extract, lane).op(i64.truncF64S);
          lanes.f.lane(i64x2.replace, lane).set(whole);
        }
        return F.select(F.lt(F.abs(x), F.c(2 ** 63)), whole, F.word(-(2n ** 63n)));
      }),
    );
  return results;
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
