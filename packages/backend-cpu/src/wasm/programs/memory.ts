import { byteLengthOf, type DType } from '@flambeau/core/backend';
import { i8x16, i16x8, i32, i32x4, type Opcode, Type, v128 } from '../assembler/index.ts';
import type { Lanes, Reg } from '../lanes/lanes.ts';
import { fromHalf, toHalf } from './half.ts';
import { kindOf, narrowMask, UNIT, type Value, value, zeroOf } from './value.ts';

/** Where the four elements of a unit lie: side by side from an address on, or each at its own. */
export type Place = { readonly at: number; readonly offset: number } | { readonly each: readonly number[] };

/** Loads whose elements are extended to 32 bits: [one element, four from the vector's beginning]. */
const NARROW: Partial<Record<DType, { readonly one: Opcode; readonly extend: readonly Opcode[] }>> = {
  int16: { one: i32.load16S, extend: [i32x4.extendLowI16x8S] },
  float16: { one: i32.load16U, extend: [i32x4.extendLowI16x8U] },
  bfloat16: { one: i32.load16U, extend: [i32x4.extendLowI16x8U] },
  int8: { one: i32.load8S, extend: [i16x8.extendLowI8x16S, i32x4.extendLowI16x8S] },
  uint8: { one: i32.load8U, extend: [i16x8.extendLowI8x16U, i32x4.extendLowI16x8U] },
  bool: { one: i32.load8U, extend: [i16x8.extendLowI8x16U, i32x4.extendLowI16x8U] },
};

/** The four elements of a unit. */
export function load(lanes: Lanes, dtype: DType, place: Place): Value {
  return decoded(
    lanes,
    dtype,
    'at' in place ? side(lanes, dtype, place.at, place.offset) : apart(lanes, dtype, place.each),
  );
}

/** One element, four times. */
export function loadRepeated(lanes: Lanes, dtype: DType, at: number): Value {
  const { f } = lanes;
  const narrow = NARROW[dtype];
  f.get(at);
  if (narrow !== undefined) {
    f.memory(narrow.one).op(i32x4.splat);
    return decoded(lanes, dtype, [lanes.keep()]);
  }
  const wide = byteLengthOf(dtype) === 8;
  f.memory(wide ? v128.load64Splat : v128.load32Splat);
  const reg = lanes.keep();
  return decoded(lanes, dtype, wide ? [reg, reg] : [reg]);
}

function side(lanes: Lanes, dtype: DType, at: number, offset: number): readonly Reg[] {
  const { f } = lanes;
  const plain = (code: Opcode, more = 0): Reg => {
    f.get(at).memory(code, offset + more);
    return lanes.keep();
  };
  const narrow = NARROW[dtype];
  if (narrow === undefined)
    return byteLengthOf(dtype) === 8 ? [plain(v128.load), plain(v128.load, 16)] : [plain(v128.load)];
  f.get(at).memory(byteLengthOf(dtype) === 2 ? v128.load64Zero : v128.load32Zero, offset);
  for (const code of narrow.extend) f.op(code);
  return [lanes.keep()];
}

function apart(lanes: Lanes, dtype: DType, each: readonly number[]): readonly Reg[] {
  const { f } = lanes;
  const narrow = NARROW[dtype];
  if (narrow !== undefined) {
    f.get(each[0]!).memory(narrow.one).op(i32x4.splat);
    for (let lane = 1; lane < UNIT; lane++) f.get(each[lane]!).memory(narrow.one).lane(i32x4.replace, lane);
    return [lanes.keep()];
  }
  const wide = byteLengthOf(dtype) === 8;
  const perReg = wide ? 2 : 4;
  const regs: Reg[] = [];
  for (let first = 0; first < UNIT; first += perReg) {
    f.get(each[first]!).memory(wide ? v128.load64Zero : v128.load32Zero);
    let reg = lanes.keep();
    for (let lane = 1; lane < perReg; lane++) {
      f.get(each[first + lane]!)
        .get(reg)
        .memoryLane(wide ? v128.load64Lane : v128.load32Lane, lane);
      reg = lanes.keep();
    }
    regs.push(reg);
  }
  return regs;
}

function decoded(lanes: Lanes, dtype: DType, regs: readonly Reg[]): Value {
  switch (dtype) {
    case 'float16':
    case 'bfloat16':
      return value('f32', fromHalf(lanes, dtype, regs[0]!));
    case 'bool':
      return value('mask', lanes.apply(i32x4.ne, regs[0]!, zeroOf(lanes)));
    default:
      return value(kindOf(dtype), ...regs);
  }
}

/**
 * Stores the four elements of a unit; where they lie apart, the first `count` of them alone, `count` being a local,
 * or the first. A half is rounded here.
 */
export function store(
  lanes: Lanes,
  dtype: DType,
  place: Place,
  given: Value,
  count?: number | 'first',
): void {
  const { f } = lanes;
  const regs = encoded(lanes, dtype, given);
  const size = byteLengthOf(dtype);
  const [whole, single] = STORES[size as keyof typeof STORES];
  if ('at' in place) {
    f.get(place.at).get(regs[0]!);
    if (size >= 4) f.memory(whole, place.offset);
    else f.memoryLane(whole, 0, place.offset);
    if (size === 8)
      f.get(place.at)
        .get(regs[1]!)
        .memory(whole, place.offset + 16);
    return;
  }
  const perReg = size === 8 ? 2 : 4;
  const from = (lane: number): void => {
    f.get(place.each[lane]!)
      .get(regs[Math.floor(lane / perReg)]!)
      .memoryLane(single, lane % perReg);
    if (lane + 1 === UNIT || count === 'first') return;
    if (count === undefined) from(lane + 1);
    else {
      f.get(count)
        .i32(lane + 1)
        .op(i32.gtS);
      f.if(() => from(lane + 1));
    }
  };
  from(0);
}

/** By the element's size: how four are stored, and how one lane is. */
const STORES = {
  1: [v128.store32Lane, v128.store8Lane],
  2: [v128.store64Lane, v128.store16Lane],
  4: [v128.store, v128.store32Lane],
  8: [v128.store, v128.store64Lane],
} as const;

function encoded(lanes: Lanes, dtype: DType, given: Value): readonly Reg[] {
  const [x] = given.regs as [Reg];
  switch (dtype) {
    case 'bool': {
      const mask = narrowMask(lanes, given);
      const words = lanes.apply(i16x8.narrowI32x4S, mask, mask);
      return [lanes.and(lanes.apply(i8x16.narrowI16x8S, words, words), lanes.constant('i32', 0x01010101))];
    }
    case 'float16':
    case 'bfloat16': {
      const bits = toHalf(lanes, dtype, x);
      return [lanes.apply(i16x8.narrowI32x4U, bits, bits)];
    }
    case 'int16':
      return [lanes.apply(i16x8.narrowI32x4S, x, x)];
    case 'int8':
    case 'uint8': {
      const words = lanes.apply(i16x8.narrowI32x4S, x, x);
      return [lanes.apply(dtype === 'int8' ? i8x16.narrowI16x8S : i8x16.narrowI16x8U, words, words)];
    }
    default:
      return given.regs;
  }
}

/**
 * The addresses of four elements `step` bytes apart from `at` on. Where `count` is given, elements from it on are
 * the first once more, so that nothing is read that does not belong there.
 */
export function addresses(lanes: Lanes, at: number, step: () => void, count?: number): Place {
  const { f } = lanes;
  const each = [at];
  for (let lane = 1; lane < UNIT; lane++) {
    const address = f.local(Type.i32);
    step();
    if (lane > 1) f.i32(lane).op(i32.mul);
    if (count !== undefined) f.i32(0).get(count).i32(lane).op(i32.gtS).select();
    f.get(at).op(i32.add).set(address);
    each.push(address);
  }
  return { each };
}
