import { f32x4, i16x8, i32x4, type Opcode } from '../assembler/index.ts';
import type { Lanes, Reg } from '../lanes/lanes.ts';

/** float16 and bfloat16, eight to a vector, from and to float32, rounded to the nearest, halves to even. */

export type Half = 'float16' | 'bfloat16';

/** A number of 16 bits in every lane. */
const word = (lanes: Lanes, bits: number): Reg => lanes.constant('i32', (bits << 16) | bits);

/** 32-bit lanes of the lower and the upper words that the first or the last four lanes of two vectors hold. */
const interleaved = (lanes: Lanes, low: Reg, high: Reg, half: number): Reg =>
  lanes.shuffle(
    low,
    high,
    [0, 1, 2, 3].flatMap((lane) => {
      const at = half * 8 + lane * 2;
      return [at, at + 1, at + 16, at + 17];
    }),
  );

/** The first four of eight halves, or all of them in two vectors. */
export function fromHalves(lanes: Lanes, type: Half, bits: Reg, vectors: number): readonly Reg[] {
  const numbers = (low: Reg, high: Reg): Reg[] =>
    Array.from({ length: vectors }, (_, half) => interleaved(lanes, low, high, half));
  if (type === 'bfloat16') return numbers(lanes.constant('i32', 0), bits);
  const magnitude = lanes.and(bits, word(lanes, 0x7fff));
  const special = lanes.apply(i16x8.gtS, magnitude, word(lanes, 0x7bff));
  const upper = lanes.or(
    lanes.and(lanes.shift(i16x8.shrS, bits, 3), word(lanes, 0x8fff)),
    lanes.and(special, word(lanes, 0x7f80)),
  );
  // The exponent is off by 112; a product puts it right for numbers below the smallest normal one too.
  return numbers(lanes.shift(i16x8.shl, bits, 13), upper).map((number) =>
    lanes.apply(f32x4.mul, number, lanes.constant('f32', 2 ** 112)),
  );
}

/** The halves of four numbers and of four more, which may be the same. */
export function toHalves(lanes: Lanes, type: Half, x: Reg, y: Reg): Reg {
  const words = (narrow: Opcode, of: (a: Reg) => Reg): Reg => {
    const first = of(x);
    return lanes.apply(narrow, first, x === y ? first : of(y));
  };
  const isNan = words(i16x8.narrowI32x4S, (a) => lanes.apply(f32x4.ne, a, a));
  if (type === 'bfloat16') {
    const rounded = words(i16x8.narrowI32x4U, (a) => {
      const odd = lanes.and(lanes.shift(i32x4.shrU, a, 16), lanes.constant('i32', 1));
      const sum = lanes.apply(i32x4.add, a, lanes.apply(i32x4.add, odd, lanes.constant('i32', 0x7fff)));
      return lanes.shift(i32x4.shrU, sum, 16);
    });
    return lanes.select(isNan, word(lanes, 0x7fc0), rounded);
  }
  const rounded = words(i16x8.narrowI32x4U, (a) => {
    const magnitude = lanes.and(a, lanes.constant('i32', 0x7fffffff));
    // What is larger is infinite too.
    const size = lanes.apply(i32x4.minS, magnitude, lanes.constant('f32', 65536));
    // Adding a power of two that is 2^13 times as large, or 0.5 where halves lie 2^-24 apart, rounds to the bits of a half.
    const exponent = lanes.and(
      lanes.apply(i32x4.add, size, lanes.constant('i32', 13 << 23)),
      lanes.constant('i32', 0x7f800000),
    );
    const base = lanes.apply(i32x4.maxS, exponent, lanes.constant('f32', 0.5));
    const sum = lanes.apply(f32x4.add, size, base);
    // The upper word is the exponent, seven places up, where a half has it ten; the lower one the rounded bits.
    const joined = lanes.apply(i32x4.dotI16x8S, sum, lanes.constant('i32', (8 << 16) | 1));
    return lanes.apply(i32x4.sub, joined, lanes.constant('i32', 126 << 10));
  });
  const signs = words(i16x8.narrowI32x4S, (a) => lanes.shift(i32x4.shrS, a, 16));
  const nan = lanes.and(isNan, word(lanes, 0x0200));
  return lanes.or(lanes.or(rounded, nan), lanes.and(signs, word(lanes, 0x8000)));
}
