import type { Reg } from '../lanes/lanes.ts';
import type { Real } from '../lanes/real.ts';

// Cephes' logf, and Lg1 to Lg7 of fdlibm.
const LOG32 = [
  3.3333331174e-1, -2.4999993993e-1, 2.0000714765e-1, -1.6668057665e-1, 1.4249322787e-1, -1.2420140846e-1,
  1.167699874e-1, -1.151461031e-1, 7.0376836292e-2,
];
const LOG64 = [
  0.6666666666666735, 0.3999999999940942, 0.2857142874366239, 0.22222198432149784, 0.1818357216161805,
  0.15313837699209373, 0.14798198605116586,
];
const LN2 = {
  32: [0.693359375, -2.1219444e-4],
  64: [0.6931471803691238, 1.9082149292705877e-10],
} as const;

/** `x = 2^k m` with `m` between √½ and √2; `k` as a float. */
function split(F: Real, x: Reg): { readonly k: Reg; readonly m: Reg } {
  const [normal, lift] = F.width === 32 ? [2 ** -126, 23] : [2 ** -1022, 52];
  const tiny = F.lt(x, F.c(normal));
  const lifted = F.select(tiny, F.mul(x, F.c(2 ** lift)), x);
  const root = F.word(F.width === 32 ? 0x3f3504f3n : 0x3fe6a09e667f3bcdn);
  const above = F.subBits(lifted, root);
  const exponent = F.shr(above, F.fraction);
  const m = F.subBits(lifted, F.shl(exponent, F.fraction));
  const k = F.sub(F.addBits(exponent, F.magic), F.magic);
  return { k: F.sub(k, F.lanes.and(tiny, F.c(lift))), m };
}

/** What a logarithm of any base makes of 0, of numbers below, of infinity and NaN. */
function atEdges(F: Real, x: Reg, y: Reg): Reg {
  const infinity = F.c(Number.POSITIVE_INFINITY);
  const finite = F.select(F.eq(x, infinity), x, y);
  const defined = F.select(F.eq(x, F.c(0)), F.c(Number.NEGATIVE_INFINITY), finite);
  // All bits set are a NaN.
  return F.lanes.or(defined, F.lanes.not(F.ge(x, F.c(0))));
}

export function log(F: Real, x: Reg): Reg {
  const { k, m } = split(F, x);
  return atEdges(F, x, ofParts(F, k, m));
}

function ofParts(F: Real, k: Reg, m: Reg): Reg {
  const [high, low] = LN2[F.width];
  const f = F.sub(m, F.c(1));
  const square = F.mul(f, f);
  if (F.width === 32) {
    const tail = F.madd(k, F.c(low), F.mul(F.mul(F.polynomial(f, LOG32), f), square));
    return F.madd(k, F.c(high), F.add(f, F.nmadd(F.c(0.5), square, tail)));
  }
  const s = F.div(f, F.add(f, F.c(2)));
  const z = F.mul(s, s);
  const R = F.mul(F.polynomial(z, LOG64), z);
  const half = F.mul(square, F.c(0.5));
  const small = F.madd(k, F.c(low), F.mul(s, F.add(half, R)));
  return F.sub(F.mul(k, F.c(high)), F.sub(F.sub(half, small), f));
}

/** The logarithm to another base: the exponent counts by itself, so that powers of the base come out right. */
function toBase(F: Real, x: Reg, perPower: readonly [number, number], scale: readonly [number, number]): Reg {
  const { k, m } = split(F, x);
  const natural = ofParts(F, F.c(0), m);
  // The product of the high parts is exact.
  const head = F.lanes.and(natural, F.word(-0x8000000n));
  const tail = F.sub(natural, head);
  const rest = F.add(
    F.mul(k, F.c(perPower[1])),
    F.add(F.mul(tail, F.c(scale[0] + scale[1])), F.mul(head, F.c(scale[1]))),
  );
  const heads = F.mul(head, F.c(scale[0]));
  return atEdges(F, x, F.add(F.add(rest, heads), F.mul(k, F.c(perPower[0]))));
}

// 1 / ln 2, 1 / ln 10 and log10 2 in two parts, the first of few bits.
export const log2 = (F: Real, x: Reg): Reg =>
  toBase(F, x, [1, 0], [1.4426950216293335, 1.9259629911266175e-8]);
export const log10 = (F: Real, x: Reg): Reg =>
  toBase(F, x, [0.30102999566383914, 1.42050232272661e-13], [0.4342944771051407, 4.798111141615973e-9]);

/** The logarithm of `u = 1 + x`, corrected for what `u` lost. */
export function log1p(F: Real, x: Reg): Reg {
  const u = F.add(x, F.c(1));
  const lost = F.div(F.sub(x, F.sub(u, F.c(1))), u);
  const number = F.eq(lost, lost);
  const y = F.add(log(F, u), F.lanes.and(lost, number));
  return F.select(F.eq(u, F.c(1)), x, y);
}
