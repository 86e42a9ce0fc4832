import type { Reg } from '../lanes/lanes.ts';
import type { Real } from '../lanes/real.ts';

const LOG2_E = Math.LOG2E;
// ln 2 in two parts; the first has so few bits that its multiples are exact.
const LN2 = {
  32: [0.693359375, -2.1219444e-4],
  64: [0.6931471803691238, 1.9082149292705877e-10],
} as const;
// (exp r - 1 - r) / r² for |r| <= ln 2 / 2, with the error taken relative to exp r - 1.
const SERIES = {
  32: [
    0.4999999701976776, 0.1666654348373413, 0.04166720062494278, 0.008366527035832405, 0.0013882520142942667,
  ],
  64: [
    0.5, 0.16666666666666677, 0.0416666666666667, 0.008333333333321579, 0.001388888888886678,
    0.00019841269886266294, 2.4801587360669886e-5, 2.755724406189839e-6, 2.7557242663845033e-7,
    2.510909041294862e-8, 2.0924472598333785e-9,
  ],
} as const;

interface Reduced {
  /** The integer n of `x = n ln 2 + r` in the lowest bits of a float. */
  readonly bits: Reg;
  readonly r: Reg;
}

/** `exp(r) - 1 - r` for a small `r` is the first times the second of these. */
const bendOf = (F: Real, r: Reg): readonly [Reg, Reg] => [F.polynomial(r, SERIES[F.width]), F.mul(r, r)];

/** `exp(r) - 1` for a small `r`. */
const grow = (F: Real, r: Reg): Reg => F.madd(...bendOf(F, r), r);

function reduce(F: Real, x: Reg): Reduced {
  const [high, low] = LN2[F.width];
  const bits = F.madd(x, F.c(LOG2_E), F.magic);
  const n = F.sub(bits, F.magic);
  const r = F.nmadd(n, F.c(low), F.nmadd(n, F.c(high), x));
  return { bits, r };
}

function reduce2(F: Real, x: Reg): Reduced {
  const bits = F.add(x, F.magic);
  const r = F.mul(F.sub(x, F.sub(bits, F.magic)), F.c(Math.LN2));
  return { bits, r };
}

interface Range {
  /** Within plus and minus this both the power and half of the power of two in it are normal numbers. */
  readonly common: number;
  /** Below the first it rounds to 0, from the second on to infinity. */
  readonly ends: readonly [low: number, high: number];
}
const NATURAL = { 32: { common: 86, ends: [-104, 89] }, 64: { common: 707, ends: [-746, 711] } } as const;
const BINARY = { common: 1020, ends: [-1080, 1025] } as const;

/**
 * A power by its exponent's bits; the shift, 0 or -1, keeps halves of large ones finite. The ends of the range,
 * infinities and NaN are looked at only where a lane has one.
 */
function power(
  F: Real,
  x: Reg,
  { common, ends: [low, high] }: Range,
  reduced: (F: Real, x: Reg) => Reduced,
  shift: number,
): Reg {
  const { bits, r } = reduced(F, x);
  const n = shift === 0 ? bits : F.addBits(bits, F.word(BigInt(shift)));
  const y = F.addBits(F.add(grow(F, r), F.c(1)), F.shl(n, F.fraction));
  // As whole numbers NaN are above all numbers.
  F.rarely(F.subBits(F.c(common), F.abs(x)), y, () => {
    // Subnormal numbers on the way to 0 would take a processor long, and masks are full of what ends there.
    const gone = F.lt(x, F.c(low));
    const inside = reduced(F, F.least(F.lanes.andnot(x, gone), F.c(high)));
    return F.lanes.andnot(scaled(F, F.add(grow(F, inside.r), F.c(1)), inside.bits, shift), gone);
  });
  return y;
}

/** `exp(x) 2^shift`. */
export const exp = (F: Real, x: Reg, shift = 0): Reg => power(F, x, NATURAL[F.width], reduce, shift);

/** `2^x`, exact at integers. */
export const exp2 = (F: Real, x: Reg): Reg => power(F, x, BINARY, reduce2, 0);

/** `y 2^(n + shift)` in two steps, so that results below the smallest normal number are rounded once. */
export function scaled(F: Real, y: Reg, bits: Reg, shift = 0): Reg {
  const n = F.subBits(shift === 0 ? bits : F.addBits(bits, F.word(BigInt(shift))), F.magic);
  const half = F.shr(n, 1);
  return F.mul(F.mul(y, F.powerOfTwo(half)), F.powerOfTwo(F.subBits(n, half)));
}

/** `exp(x) - 1`. */
export function expm1(F: Real, x: Reg): Reg {
  const within = F.most(F.least(x, F.c(F.width === 32 ? 89 : 710)), F.c(-40));
  const { bits, r } = reduce(F, within);
  // Half of the scale, as 2¹⁰²⁴ is no number.
  const half = F.mul(F.powerOfTwo(F.subBits(bits, F.word(1n))), F.c(1));
  const y = F.madd(half, grow(F, r), F.sub(half, F.c(0.5)));
  const doubled = F.add(y, y);
  return F.select(F.lt(F.abs(x), F.c(2 ** -54)), x, doubled);
}

/** By `E = exp(-2|x|) - 1`: `tanh |x| = -E / (2 + E)`, taken as the distance to 1 where it is nearer to that. */
export function tanh(F: Real, x: Reg): Reg {
  const y = F.most(F.mul(F.lanes.or(x, F.c(-0)), F.c(2)), F.c(-40));
  const { bits, r } = reduce(F, y);
  const bend = F.mul(...bendOf(F, r));
  const growth = F.add(r, bend);
  const scale = F.powerOfTwo(bits);
  const least = F.sub(scale, F.c(1));
  const E = F.madd(scale, growth, least);
  const far = F.lt(E, F.c(-2 / 3));
  const rest = F.add(F.add(E, E), F.c(2));
  const ratio = F.div(F.select(far, rest, E), F.add(E, F.c(2)));
  // What rounding took from E, by the derivative 2 / (2 + E)².
  const lost = F.madd(scale, F.sub(bend, F.sub(growth, r)), F.sub(F.mul(scale, growth), F.sub(E, least)));
  const slope = F.nmadd(E, F.c(0.9375), F.c(0.5));
  const size = F.sub(F.lanes.and(far, F.c(1)), F.madd(lost, slope, ratio));
  return F.select(F.c(-0), x, size);
}

/** By `E = exp(|x|) - 1`; far out half of the exponential. */
export function sinh(F: Real, x: Reg): Reg {
  const a = F.abs(x);
  const E = expm1(F, a);
  const near = F.mul(F.add(E, F.div(E, F.add(E, F.c(1)))), F.c(0.5));
  return F.flip(F.select(F.gt(a, F.c(22)), exp(F, a, -1), near), x);
}

export function cosh(F: Real, x: Reg): Reg {
  const a = F.abs(x);
  const half = exp(F, a, -1);
  return F.select(F.gt(a, F.c(22)), half, F.add(half, F.div(F.c(0.25), half)));
}
