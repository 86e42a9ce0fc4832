import { byteLengthOf, type DType } from '@flambeau/core/backend';
import { i8x16, i16x8, i32, i32x4, type Opcode, Type, v128 } from '../assembler/index.ts';
import type { Lanes, Reg } from '../lanes/lanes.ts';
import { fromHalves, toHalves } from './half.ts';
import { BYTES, isWide, kindIn, kindOf, narrowMask, UNIT, type Value, value, zeroOf } from './value.ts';

/** Where the four elements of a unit lie: side by side from an address on, or each at its own. */
export type Place = { readonly at: number; readonly offset: number } | { readonly each: readonly number[] };

/** How many units of four elements fill a vector of a type, or two where that is a type of 64 bits. */
export const unitsOf = (dtype: DType): number => Math.max(1, 4 / byteLengthOf(dtype));

/** The elements of a unit. */
export const load = (lanes: Lanes, dtype: DType, place: Place): Value =>
  'at' in place
    ? loadUnits(lanes, dtype, place.at, place.offset, 1)[0]!
    : decoded(lanes, dtype, apart(lanes, dtype, place.each), 1)[0]!;

/** The elements of some units side by side: as many at once as fill a vector. */
export function loadUnits(
  lanes: Lanes,
  dtype: DType,
  at: number,
  offset: number,
  units: number,
): readonly Value[] {
  const { f } = lanes;
  const plain = (code: Opcode, more: number): Reg => {
    f.get(at).memory(code, offset + more);
    return lanes.keep();
  };
  const size = byteLengthOf(dtype);
  const abreast = lanes.unit === BYTES ? 1 : Math.min(units, unitsOf(dtype));
  const bytes = lanes.unit * abreast * size;
  const code = bytes === 4 ? v128.load32Zero : bytes === 8 ? v128.load64Zero : v128.load;
  return Array.from({ length: units / abreast }, (_, k) => {
    const regs = [plain(code, k * bytes)];
    if (bytes > 16) regs.push(plain(code, k * bytes + 16));
    return decoded(lanes, dtype, regs, abreast);
  }).flat();
}

/** Four elements of bytes that are the same in all sixteen. */
export const fourOf = (lanes: Lanes, dtype: DType, { kind, regs }: Value): Value =>
  kind === 'mask' ? { kind, regs } : value(kindOf(dtype), ...extended(lanes, dtype as 'int8', regs[0]!, 1));

/** One element, in every lane. */
export function loadRepeated(lanes: Lanes, dtype: DType, at: number, offset = 0): Value {
  lanes.f.get(at).memory(SPLATS[byteLengthOf(dtype) as keyof typeof SPLATS], offset);
  const reg = lanes.keep();
  return decoded(lanes, dtype, isWide(kindOf(dtype)) ? [reg, reg] : [reg], 1)[0]!;
}

/** By the element's size. */
const SPLATS = { 1: v128.load8Splat, 2: v128.load16Splat, 4: v128.load32Splat, 8: v128.load64Splat } as const;
const LANES = { 1: v128.load8Lane, 2: v128.load16Lane, 4: v128.load32Lane, 8: v128.load64Lane } as const;

/** Four elements as they lie in memory, from the vector's beginning; of 64 bits in two vectors. */
function apart(lanes: Lanes, dtype: DType, each: readonly number[]): readonly Reg[] {
  const { f } = lanes;
  const size = byteLengthOf(dtype) as keyof typeof LANES;
  const perReg = size === 8 ? 2 : 4;
  const regs: Reg[] = [];
  for (let first = 0; first < UNIT; first += perReg) {
    f.get(each[first]!).memory(SPLATS[size]);
    let reg = lanes.keep();
    for (let lane = 1; lane < perReg; lane++) {
      f.get(each[first + lane]!)
        .get(reg)
        .memoryLane(LANES[size], lane);
      reg = lanes.keep();
    }
    regs.push(reg);
  }
  return regs;
}

/** The values of `units` units out of elements as they lie in memory. */
function decoded(lanes: Lanes, dtype: DType, regs: readonly Reg[], units: number): readonly Value[] {
  const [packed] = regs as [Reg];
  switch (dtype) {
    case 'float16':
    case 'bfloat16':
      return fromHalves(lanes, dtype, packed, units).map((reg) => value('f32', reg));
    case 'bool': {
      const mask = lanes.apply(i8x16.ne, packed, zeroOf(lanes));
      return extended(lanes, 'int8', mask, units).map((reg) => value('mask', reg));
    }
    case 'int8':
    case 'uint8':
    case 'int16':
      return extended(lanes, dtype, packed, units).map((reg) => value(kindIn(lanes, dtype), reg));
    default:
      return [value(kindOf(dtype), ...regs)];
  }
}

const EXTENSIONS = {
  int8: [i16x8.extendLowI8x16S, i16x8.extendHighI8x16S],
  uint8: [i16x8.extendLowI8x16U, i16x8.extendHighI8x16U],
  int16: [i32x4.extendLowI16x8S, i32x4.extendHighI16x8S],
} as const;

/** Narrow integers as int32, where the unit is not one of bytes. */
function extended(lanes: Lanes, dtype: keyof typeof EXTENSIONS, packed: Reg, units: number): readonly Reg[] {
  if (lanes.unit === BYTES) return [packed];
  const halves = (from: keyof typeof EXTENSIONS, reg: Reg, count: number): Reg[] =>
    EXTENSIONS[from].slice(0, count).map((code) => lanes.apply(code, reg));
  if (dtype === 'int16') return halves(dtype, packed, units);
  // Bytes without a sign have none as words either.
  return halves(dtype, packed, Math.ceil(units / 2)).flatMap((words) =>
    halves('int16', words, Math.min(units, 2)),
  );
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
  if ('at' in place) {
    storeUnits(lanes, dtype, place.at, place.offset, [given]);
    return;
  }
  const { f } = lanes;
  const regs = encoded(lanes, dtype, [given]);
  const size = byteLengthOf(dtype) as keyof typeof STORES;
  const perReg = size === 8 ? 2 : 4;
  const from = (lane: number): void => {
    f.get(place.each[lane]!)
      .get(regs[Math.floor(lane / perReg)]!)
      .memoryLane(STORES[size], lane % perReg);
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

/** By the element's size. */
const STORES = { 1: v128.store8Lane, 2: v128.store16Lane, 4: v128.store32Lane, 8: v128.store64Lane } as const;

/** Stores some units side by side: as many at once as fill a vector. */
export function storeUnits(
  lanes: Lanes,
  dtype: DType,
  at: number,
  offset: number,
  given: readonly Value[],
): void {
  const { f } = lanes;
  const size = byteLengthOf(dtype);
  const abreast = lanes.unit === BYTES ? 1 : Math.min(given.length, unitsOf(dtype));
  const bytes = lanes.unit * abreast * size;
  for (let first = 0; first < given.length; first += abreast) {
    const from = offset + first * lanes.unit * size;
    for (const [k, reg] of encoded(lanes, dtype, given.slice(first, first + abreast)).entries()) {
      f.get(at).get(reg);
      if (bytes < 16) f.memoryLane(bytes === 4 ? v128.store32Lane : v128.store64Lane, 0, from);
      else f.memory(v128.store, from + k * 16);
    }
  }
}

/** The elements of units that fill one vector at most as they lie in memory; of 64 bits in two vectors. */
function encoded(lanes: Lanes, dtype: DType, given: readonly Value[]): readonly Reg[] {
  const regs = given.map((one) => (dtype === 'bool' ? narrowMask(lanes, one) : one.regs[0]!));
  switch (dtype) {
    case 'float16':
    case 'bfloat16':
      return [toHalves(lanes, dtype, regs[0]!, regs.at(-1)!)];
    case 'bool':
      return [lanes.and(bytesOf(lanes, i8x16.narrowI16x8S, regs), lanes.constant('i32', 0x01010101))];
    case 'int16':
      return [lanes.apply(i16x8.narrowI32x4S, regs[0]!, regs.at(-1)!)];
    case 'int8':
      return [bytesOf(lanes, i8x16.narrowI16x8S, regs)];
    case 'uint8':
      return [bytesOf(lanes, i8x16.narrowI16x8U, regs)];
    default:
      return given[0]!.regs;
  }
}

/** Vectors of int32 as bytes, where the unit is not one of bytes. */
function bytesOf(lanes: Lanes, narrow: Opcode, regs: readonly Reg[]): Reg {
  if (lanes.unit === BYTES) return regs[0]!;
  const words = (a: Reg, b: Reg): Reg => lanes.apply(i16x8.narrowI32x4S, a, b);
  const low = words(regs[0]!, regs[1] ?? regs[0]!);
  return lanes.apply(narrow, low, regs.length === 4 ? words(regs[2]!, regs[3]!) : low);
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
