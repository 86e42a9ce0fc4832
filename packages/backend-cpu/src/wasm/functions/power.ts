import type { Reg } from '../lanes/lanes.ts';
import type { Real } from '../lanes/real.ts';
import { exp, scaled } from './exponential.ts';
import { isOdd, log } from './logarithm.ts';

// fdlibm's pow: log2 in two parts, and 2^z.
const LOG = [
  0.5999999999999946, 0.4285714285785502, 0.33333332981837743, 0.272728123808534, 0.23066074577556175,
  0.20697501780033842,
];
const EXP = [
  0.16666666666666602, -0.0027777777777015593, 6.613756321437934e-5, -1.6533902205465252e-6,
  4.1381367970572385e-8,
];
const [CP, CP_HIGH, CP_LOW] = [0.9617966939259756, 0.9617967009544373, -7.028461650952758e-9];
const [DP_HIGH, DP_LOW] = [0.5849624872207642, 1.350039202129749e-8];
const [LN2, LN2_HIGH, LN2_LOW] = [Math.LN2, 0.6931471824645996, -1.904654299957768e-9];

/** The upper half of a number: products of two such are exact. */
const upper = (F: Real, x: Reg): Reg => F.lanes.and(x, F.word(-0x100000000n));

/** log2 of a positive finite number, as the sum of two. */
function log2(F: Real, a: Reg): readonly [Reg, Reg] {
  const tiny = F.lt(a, F.c(2 ** -1022));
  const lifted = F.select(tiny, F.mul(a, F.c(2 ** 53)), a);
  // The mantissa between √3/2 and √3, and whether it is nearer to 3/2 than to 1.
  const above = F.subBits(lifted, F.word(0x3febb67ae8584caan));
  const exponent = F.shr(above, 52);
  const m = F.subBits(lifted, F.shl(exponent, 52));
  const n = F.sub(F.sub(F.addBits(exponent, F.magic), F.magic), F.lanes.and(tiny, F.c(53)));
  const nearer = F.ge(m, F.c(1.224744871391589));
  const base = F.select(nearer, F.c(1.5), F.c(1));
  const difference = F.sub(m, base);
  const sum = F.add(m, base);
  const v = F.div(F.c(1), sum);
  const s = F.mul(difference, v);
  const sHigh = upper(F, s);
  const sumHigh = upper(F, sum);
  const sumLow = F.sub(m, F.sub(sumHigh, base));
  const sLow = F.mul(v, F.sub(F.sub(difference, F.mul(sHigh, sumHigh)), F.mul(sHigh, sumLow)));
  const s2 = F.mul(s, s);
  const series = F.mul(F.mul(s2, s2), F.polynomial(s2, LOG));
  const r = F.add(series, F.mul(sLow, F.add(sHigh, s)));
  const square = F.mul(sHigh, sHigh);
  const tHigh = upper(F, F.add(F.add(square, F.c(3)), r));
  const tLow = F.sub(r, F.sub(F.sub(tHigh, F.c(3)), square));
  const u = F.mul(sHigh, tHigh);
  const w = F.add(F.mul(sLow, tHigh), F.mul(tLow, s));
  const pHigh = upper(F, F.add(u, w));
  const pLow = F.sub(w, F.sub(pHigh, u));
  const zHigh = F.mul(pHigh, F.c(CP_HIGH));
  const dpLow = F.lanes.and(nearer, F.c(DP_LOW));
  const zLow = F.add(F.add(F.mul(pHigh, F.c(CP_LOW)), F.mul(pLow, F.c(CP))), dpLow);
  const dpHigh = F.lanes.and(nearer, F.c(DP_HIGH));
  const high = upper(F, F.add(F.add(F.add(zHigh, zLow), dpHigh), n));
  const low = F.sub(zLow, F.sub(F.sub(F.sub(high, n), dpHigh), zHigh));
  return [high, low];
}

/** `a^y` of a positive finite `a` and a finite `y`. */
function magnitude64(F: Real, a: Reg, y: Reg): Reg {
  const [high, low] = log2(F, a);
  // Exponents beyond this end in 0, 1 or infinity all the same, and their products stay finite.
  const within = F.most(F.least(y, F.c(2 ** 70)), F.c(-(2 ** 70)));
  const yHigh = upper(F, within);
  const pLow = F.add(F.mul(F.sub(within, yHigh), high), F.mul(within, low));
  const pHigh = F.mul(yHigh, high);
  const z = F.add(pLow, pHigh);
  const bounded = F.most(F.least(z, F.c(1100)), F.c(-1200));
  const inside = F.eq(z, bounded);
  const bits = F.add(bounded, F.magic);
  const n = F.sub(bits, F.magic);
  const head = F.sub(pHigh, n);
  const t = upper(F, F.add(pLow, head));
  const u = F.mul(t, F.c(LN2_HIGH));
  const v = F.add(F.mul(F.sub(pLow, F.sub(t, head)), F.c(LN2)), F.mul(t, F.c(LN2_LOW)));
  const x = F.add(u, v);
  const w = F.sub(v, F.sub(x, u));
  const x2 = F.mul(x, x);
  const t1 = F.sub(x, F.mul(x2, F.polynomial(x2, EXP)));
  const r = F.sub(F.div(F.mul(x, t1), F.sub(t1, F.c(2))), F.add(w, F.mul(x, w)));
  const result = F.sub(F.c(1), F.sub(r, x));
  return scaled(F, F.select(inside, result, F.c(1)), bits);
}

/**
 * C's pow, in float64. `short` is enough for results that are rounded to float32: there the error of the logarithm
 * in float64 does not show.
 */
export function pow(F: Real, x: Reg, y: Reg, short: boolean): Reg {
  const { lanes } = F;
  const a = F.abs(x);
  let size: Reg;
  if (short) size = exp(F, F.mul(log(F, a), y));
  else {
    const one = F.c(1);
    const infinity = F.c(Number.POSITIVE_INFINITY);
    const regular = lanes.and(F.gt(a, F.c(0)), F.lt(a, infinity));
    const limit = F.select(lanes.xor(F.gt(a, one), F.gt(y, F.c(0))), F.c(0), infinity);
    const extreme = lanes.or(lanes.not(regular), F.eq(F.abs(y), infinity));
    size = F.select(extreme, limit, magnitude64(F, F.select(regular, a, one), y));
  }
  const unbounded = F.subBits(F.c(Number.MAX_VALUE), F.abs(y));
  F.rarely(lanes.or(isOdd(F, x), unbounded), size, () => atEdges(F, x, y, size));
  return size;
}

/** `|x|^y` with the sign that it has, and what has no power, or 1 for one. */
function atEdges(F: Real, x: Reg, y: Reg, size: Reg): Reg {
  const { lanes } = F;
  const isNumber = lanes.and(F.eq(x, x), F.eq(y, y));
  const whole = F.eq(F.nearest(y), y);
  const halved = F.mul(y, F.c(0.5));
  const odd = lanes.andnot(whole, F.eq(F.nearest(halved), halved));
  const signed = lanes.or(size, lanes.and(F.signOf(x), odd));
  const infinity = F.c(Number.POSITIVE_INFINITY);
  // A negative base has no power of a broken exponent.
  const broken = lanes.andnot(lanes.and(F.lt(x, F.c(0)), F.gt(x, F.c(Number.NEGATIVE_INFINITY))), whole);
  const y1 = F.select(lanes.andnot(isNumber, broken), signed, F.c(Number.NaN));
  const one = F.c(1);
  const flat = lanes.or(
    F.eq(x, one),
    lanes.or(F.eq(y, F.c(0)), lanes.and(F.eq(x, F.c(-1)), F.eq(F.abs(y), infinity))),
  );
  return F.select(flat, one, y1);
}
