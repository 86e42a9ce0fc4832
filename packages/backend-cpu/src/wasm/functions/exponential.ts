import { v128 } from '../assembler/index.ts';
import type { Reg } from '../lanes/lanes.ts';
import type { Real } from '../lanes/real.ts';

const LOG2_E = Math.LOG2E;
// ln 2 in two parts; the first has so few bits that its multiples are exact.
const LN2 = {
  32: [0.693359375, -2.1219444e-4],
  64: [0.6931471803691238, 1.9082149292705877e-10],
} as const;
// (exp r - 1 - r) / r² for |r| <= ln 2, and for |r| <= ln 2 / 2 with the error taken relative to exp r - 1.
const EXP32 = [
  0.5000003576278687, 0.1666661500930786, 0.041661277413368225, 0.008336097933351994, 0.0014104294823482633,
  0.00019611814059317112,
];
const EXPM1_32 = [
  0.4999999701976776, 0.1666654348373413, 0.04166720062494278, 0.008366527035832405, 0.0013882520142942667,
];

/** 1/2!, 1/3!, … : Taylor's series of the same. */
const TAYLOR = Array.from({ length: 12 }, (_, i) => {
  let factorial = 1;
  for (let k = 2; k <= i + 2; k++) factorial *= k;
  return 1 / factorial;
});

interface Reduced {
  /** The integer n of `x = n ln 2 + r` in the lowest bits of a float, and as a float. */
  readonly bits: Reg;
  readonly n: Reg;
  readonly r: Reg;
}

/** `x = n step ln 2 + r`. */
function reduce(F: Real, x: Reg, step: number): Reduced {
  const [high, low] = LN2[F.width];
  const bits = F.madd(x, F.c(LOG2_E / step), F.magic);
  const n = F.sub(bits, F.magic);
  const r = F.nmadd(n, F.c(low * step), F.nmadd(n, F.c(high * step), x));
  return { bits, n, r };
}

/** `exp(r) - 1` for a small `r`. */
const grow = (F: Real, r: Reg, series: readonly number[]): Reg =>
  F.madd(F.polynomial(r, series), F.mul(r, r), r);

/** `exp(x) 2^shift`; the shift keeps halves of large exponentials finite. */
export function exp(F: Real, x: Reg, shift = 0): Reg {
  if (F.width === 32) return exp32(F, x);
  const { lanes } = F;
  const gone = vanishes(F, x, -746);
  const { bits, r } = reduce(F, F.least(lanes.andnot(x, gone), F.c(711)), 1);
  return lanes.andnot(scaled(F, F.add(grow(F, r, TAYLOR), F.c(1)), bits, shift), gone);
}

/** Within `±COMMON` both `exp(x)` and the power of two in it are normal numbers. */
const COMMON = 86;

/** By the exponent's bits; the ends of the range, infinities and NaN only where a lane has one. */
function exp32(F: Real, x: Reg): Reg {
  const { f } = F.lanes;
  const { bits, r } = reduce(F, x, 1);
  const common = F.addBits(F.polynomial(r, [1, 1, ...EXPM1_32]), F.shl(bits, F.fraction));
  // As whole numbers NaN are above all numbers.
  const rare = F.gtBits(F.abs(x), F.c(COMMON));
  f.get(rare).op(v128.anyTrue);
  f.if(() => f.get(F.select(rare, wholeRange(F, x), common)).set(common));
  return common;
}

/**
 * Where the exponential rounds to 0. It would be computed by way of subnormal numbers, which takes a processor long,
 * and masks are full of it.
 */
const vanishes = (F: Real, x: Reg, from: number): Reg => F.lt(x, F.c(from));

/** Every second power of two: the square of one is the scale, so that neither overflows before its time. */
function wholeRange(F: Real, x: Reg): Reg {
  const { lanes } = F;
  const gone = vanishes(F, x, -104);
  const { bits, r } = reduce(F, F.least(lanes.andnot(x, gone), F.c(89)), 2);
  const scale = F.powerOfTwo(bits);
  return lanes.andnot(F.mul(F.mul(F.add(grow(F, r, EXP32), F.c(1)), scale), scale), gone);
}

/** `y 2^(n + shift)` in two steps, so that results below the smallest normal number are rounded once. */
export function scaled(F: Real, y: Reg, bits: Reg, shift = 0): Reg {
  const n = F.subBits(shift === 0 ? bits : F.addBits(bits, F.word(BigInt(shift))), F.magic);
  const half = F.shr(n, 1);
  return F.mul(F.mul(y, F.powerOfTwo(half)), F.powerOfTwo(F.subBits(n, half)));
}

/** `2^x`, exact at integers. */
export function exp2(F: Real, x: Reg): Reg {
  const gone = vanishes(F, x, -1080);
  const within = F.least(F.lanes.andnot(x, gone), F.c(1025));
  const bits = F.add(within, F.magic);
  const r = F.mul(F.sub(within, F.sub(bits, F.magic)), F.c(Math.LN2));
  return F.lanes.andnot(scaled(F, F.add(grow(F, r, TAYLOR), F.c(1)), bits), gone);
}

/** `exp(x) - 1`. */
export function expm1(F: Real, x: Reg): Reg {
  const within = F.most(F.least(x, F.c(F.width === 32 ? 89 : 710)), F.c(-40));
  const { bits, r } = reduce(F, within, 1);
  const p = grow(F, r, F.width === 32 ? EXPM1_32 : TAYLOR);
  // Half of the scale, as 2¹⁰²⁴ is no number.
  const half = F.mul(F.powerOfTwo(F.subBits(bits, F.word(1n))), F.c(1));
  const y = F.madd(half, p, F.sub(half, F.c(0.5)));
  const doubled = F.add(y, y);
  return F.select(F.lt(F.abs(x), F.c(2 ** -54)), x, doubled);
}

/** By `E = exp(-2|x|) - 1`: `tanh |x| = -E / (2 + E)`, taken as the distance to 1 where it is nearer to that. */
export function tanh(F: Real, x: Reg): Reg {
  const y = F.most(F.mul(F.lanes.or(x, F.c(-0)), F.c(2)), F.c(-40));
  const { bits, r } = reduce(F, y, 1);
  const p = grow(F, r, F.width === 32 ? EXPM1_32 : TAYLOR);
  const scale = F.powerOfTwo(bits);
  const E = F.madd(scale, p, F.sub(scale, F.c(1)));
  const far = F.lt(E, F.c(-2 / 3));
  const rest = F.add(F.add(E, E), F.c(2));
  const ratio = F.div(F.select(far, rest, E), F.add(E, F.c(2)));
  const size = F.sub(F.lanes.and(far, F.c(1)), ratio);
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
