import { f32x4, i32x4 } from '../assembler/index.ts';
import type { Lanes, Reg } from '../lanes/lanes.ts';

/** float16 and bfloat16 as bits in 32-bit lanes, from and to float32, rounded to the nearest, halves to even. */

export type Half = 'float16' | 'bfloat16';

export function fromHalf(lanes: Lanes, type: Half, bits: Reg): Reg {
  if (type === 'bfloat16') return lanes.shift(i32x4.shl, bits, 16);
  const sign = lanes.shift(i32x4.shl, lanes.and(bits, lanes.constant('i32', 0x8000)), 16);
  const magnitude = lanes.shift(i32x4.shl, lanes.and(bits, lanes.constant('i32', 0x7fff)), 13);
  // The exponent is off by 112; a product puts it right for numbers below the smallest normal one too.
  const number = lanes.apply(f32x4.mul, magnitude, lanes.constant('f32', 2 ** 112));
  const special = lanes.apply(i32x4.geS, magnitude, lanes.constant('i32', 0x7c00 << 13));
  const infinite = lanes.and(special, lanes.constant('i32', 0x7f800000));
  return lanes.or(sign, lanes.or(number, infinite));
}

export function toHalf(lanes: Lanes, type: Half, x: Reg): Reg {
  const magnitude = lanes.and(x, lanes.constant('i32', 0x7fffffff));
  const isNan = lanes.apply(f32x4.ne, x, x);
  if (type === 'bfloat16') {
    const odd = lanes.and(lanes.shift(i32x4.shrU, x, 16), lanes.constant('i32', 1));
    const rounded = lanes.apply(i32x4.add, x, lanes.apply(i32x4.add, odd, lanes.constant('i32', 0x7fff)));
    return lanes.shift(i32x4.shrU, lanes.select(isNan, lanes.constant('i32', 0x7fc00000), rounded), 16);
  }
  // 4 times the number, by way of a product that is infinite from 65536 on.
  const scaled = lanes.apply(f32x4.mul, magnitude, lanes.constant('f32', 2 ** 112));
  const size = lanes.apply(f32x4.mul, scaled, lanes.constant('f32', 2 ** -110));
  // Adding a power of two that is 2^13 times as large, or 2 where halves lie 2^-24 apart, rounds to the bits of a half.
  const exponent = lanes.and(
    lanes.apply(i32x4.add, magnitude, lanes.constant('i32', 15 << 23)),
    lanes.constant('i32', 0x7f800000),
  );
  const base = lanes.apply(i32x4.maxS, exponent, lanes.constant('f32', 2));
  const sum = lanes.apply(f32x4.add, size, base);
  const rounded = lanes.apply(
    i32x4.add,
    lanes.and(lanes.shift(i32x4.shrU, sum, 13), lanes.constant('i32', 0x7c00)),
    lanes.and(sum, lanes.constant('i32', 0xfff)),
  );
  const sign = lanes.and(lanes.shift(i32x4.shrU, x, 16), lanes.constant('i32', 0x8000));
  return lanes.or(sign, lanes.select(isNan, lanes.constant('i32', 0x7e00), rounded));
}
