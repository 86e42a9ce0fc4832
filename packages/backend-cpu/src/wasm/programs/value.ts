import type { ScalarType } from '@flambeau/core/backend';
import { f32x4, f64x2, i8x16, i32x4, i64x2 } from '../assembler/index.ts';
import type { Lanes, Reg } from '../lanes/lanes.ts';

/**
 * How neighbouring elements of a step are held. Four of them: types of 32 bits and fewer in one vector, narrow integers
 * as int32 that are wrapped after every step; types of 64 bits in two; truths as masks of either form. Sixteen, where
 * a program knows nothing wider: bytes, and masks of bytes.
 */
export type Kind = 'f32' | 'f64' | 'i8' | 'i32' | 'i64' | 'mask';

export interface Value {
  readonly kind: Kind;
  /** One vector, or two. */
  readonly regs: readonly Reg[];
}

/** Four elements. */
export interface Four extends Value {
  readonly kind: Exclude<Kind, 'i8'>;
}

/** How many elements are computed side by side; and how many bytes, where there is nothing else. */
export const UNIT = 4;
export const BYTES = 16;

export function kindOf(type: ScalarType): Four['kind'] {
  switch (type) {
    case 'float32':
    case 'float16':
    case 'bfloat16':
    case 'complex64':
      return 'f32';
    case 'float64':
      return 'f64';
    case 'int64':
      return 'i64';
    case 'bool':
      return 'mask';
    default:
      return 'i32';
  }
}

/** How values of a type are held in units as long as these. */
export function kindIn({ unit }: Lanes, type: ScalarType): Kind {
  const kind = kindOf(type);
  return unit === BYTES && kind === 'i32' ? 'i8' : kind;
}

export const isWide = (kind: Kind): boolean => kind === 'f64' || kind === 'i64';

export const value = (kind: Kind, ...regs: readonly Reg[]): Value => ({ kind, regs });

/** A mask as one vector of 32-bit lanes. */
export function narrowMask(lanes: Lanes, { regs }: Value): Reg {
  return regs.length === 1 ? regs[0]! : lanes.pick(regs[0]!, regs[1]!, 0, 2, 4, 6);
}

/** A mask as two vectors of 64-bit lanes. */
export function wideMask(lanes: Lanes, { regs }: Value): readonly [Reg, Reg] {
  if (regs.length === 2) return [regs[0]!, regs[1]!];
  const [mask] = regs as readonly [Reg];
  return [lanes.pick(mask, mask, 0, 0, 1, 1), lanes.pick(mask, mask, 2, 2, 3, 3)];
}

/** The elements of a unit from the last to the first. */
export function mirrored(lanes: Lanes, given: Value): Value {
  const { kind, regs } = given;
  if (lanes.unit === BYTES) {
    const backwards = Array.from({ length: BYTES }, (_, i) => BYTES - 1 - i);
    return value(kind, lanes.shuffle(regs[0]!, regs[0]!, backwards));
  }
  if (isWide(kind)) return value(kind, ...regs.map((reg) => lanes.pick(reg, reg, 2, 3, 0, 1)).reverse());
  const reg = kind === 'mask' ? narrowMask(lanes, given) : regs[0]!;
  return value(kind, lanes.pick(reg, reg, 3, 2, 1, 0));
}

/** The vectors of two lanes each that hold the lower and the upper half of `a`, moved to the lower half. */
export const halves = (lanes: Lanes, a: Reg): readonly [Reg, Reg] => [a, lanes.pick(a, a, 2, 3, 2, 3)];

/** float32 as float64. */
export function promote(lanes: Lanes, a: Reg): readonly [Reg, Reg] {
  const [low, high] = halves(lanes, a);
  return [lanes.apply(f64x2.promoteLowF32x4, low), lanes.apply(f64x2.promoteLowF32x4, high)];
}

/** The lower halves of two vectors in one. */
export const joined = (lanes: Lanes, low: Reg, high: Reg): Reg => lanes.pick(low, high, 0, 1, 4, 5);

/** A function of float64 on float32 values. */
export function throughDouble(
  lanes: Lanes,
  f: (...args: readonly Reg[]) => Reg,
  ...args: readonly Value[]
): Value {
  const wide = args.map(({ regs }) => promote(lanes, regs[0]!));
  const half = (i: 0 | 1): Reg => lanes.apply(f32x4.demoteF64x2, f(...wide.map((pair) => pair[i])));
  return value('f32', joined(lanes, half(0), half(1)));
}

/** Four of a value's four elements, by number. */
export function arranged(
  lanes: Lanes,
  { kind, regs }: Value,
  [a, b, c, d]: readonly [number, number, number, number],
): Value {
  const [x, y] = regs as readonly [Reg, Reg?];
  if (y === undefined) return value(kind, lanes.pick(x, x, a, b, c, d));
  const two = (i: number, j: number): Reg => lanes.pick(x, y, 2 * i, 2 * i + 1, 2 * j, 2 * j + 1);
  return value(kind, two(a, b), two(c, d));
}

/** 0 in every lane. */
export const zeroOf = (lanes: Lanes): Reg => lanes.constant('i32', 0);

/** A mask: lanes that are not 0. */
export function truth(lanes: Lanes, { kind, regs }: Value): Value {
  const zero = zeroOf(lanes);
  switch (kind) {
    case 'mask':
      return { kind, regs };
    case 'f32':
      return value('mask', lanes.apply(f32x4.ne, regs[0]!, zero));
    case 'i8':
      return value('mask', lanes.apply(i8x16.ne, regs[0]!, zero));
    case 'i32':
      return value('mask', lanes.apply(i32x4.ne, regs[0]!, zero));
    case 'f64':
      return value('mask', ...regs.map((reg) => lanes.apply(f64x2.ne, reg, zero)));
    case 'i64':
      return value('mask', ...regs.map((reg) => lanes.apply(i64x2.ne, reg, zero)));
  }
}

/** The narrow integer types, and by how many bits they fall short of 32. */
const SHORTFALL: Readonly<Partial<Record<ScalarType, number>>> = { int8: 24, int16: 16, uint8: 24 };

/** Brings int32 arithmetic back into a narrow type, as C wraps it. */
export function wrap(lanes: Lanes, type: ScalarType, a: Reg): Reg {
  const bits = SHORTFALL[type];
  if (bits === undefined || lanes.unit === BYTES) return a;
  if (type === 'uint8') return lanes.and(a, lanes.constant('i32', 255));
  return lanes.shift(i32x4.shrS, lanes.shift(i32x4.shl, a, bits), bits);
}
