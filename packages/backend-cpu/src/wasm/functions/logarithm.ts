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

/** What is computed of `x = 2^k m` with `m` between √½ and √2; `k` is a float. */
type OfParts = (k: Reg, m: Reg) => Reg;

/** What lies between √½ and 1, the bits of the number whose lowest are the exponent above that of 0, and the normal numbers. */
const PARTS = {
  32: {
    toOne: 0x4afb0dn,
    exponents: 0x4b400000n - 127n,
    least: 2 ** -126,
    most: 2 ** 128 - 2 ** 104,
    lift: 23,
  },
  64: {
    toOne: 0x95f619980c433n,
    exponents: 0x4338000000000000n - 1023n,
    least: 2 ** -1022,
    most: Number.MAX_VALUE,
    lift: 52,
  },
} as const;

/** For a positive normal `x`. */
function split(F: Real, x: Reg, of: OfParts, lifted?: Reg): Reg {
  const { toOne, exponents } = PARTS[F.width];
  const above = F.addBits(x, F.word(toOne));
  const k = F.sub(F.addBits(F.shrU(above, F.fraction), F.word(exponents)), F.magic);
  const fraction = F.lanes.and(above, F.word((1n << BigInt(F.fraction)) - 1n));
  const m = F.addBits(fraction, F.c(Math.SQRT1_2));
  return of(lifted === undefined ? k : F.sub(k, lifted), m);
}

/** Sets the sign bit of what is no positive normal number: as whole numbers negative ones come out negative here or there. */
export function isOdd(F: Real, x: Reg): Reg {
  const { least, most } = PARTS[F.width];
  return F.lanes.or(F.subBits(x, F.c(least)), F.subBits(F.c(most), x));
}

/** A logarithm of any base by parts. What is no positive normal number is looked at only where a lane has it. */
function byParts(F: Real, x: Reg, of: OfParts): Reg {
  const { least, lift } = PARTS[F.width];
  const y = split(F, x, of);
  F.rarely(isOdd(F, x), y, () => {
    const tiny = F.lt(x, F.c(least));
    const normal = F.select(tiny, F.mul(x, F.c(2 ** lift)), x);
    return atEdges(F, x, split(F, normal, of, F.lanes.and(tiny, F.c(lift))));
  });
  return y;
}

/** What a logarithm makes of 0, of numbers below, of infinity and NaN. */
function atEdges(F: Real, x: Reg, y: Reg): Reg {
  const infinity = F.c(Number.POSITIVE_INFINITY);
  const finite = F.select(F.eq(x, infinity), x, y);
  const defined = F.select(F.eq(x, F.c(0)), F.c(Number.NEGATIVE_INFINITY), finite);
  // All bits set are a NaN.
  return F.lanes.or(defined, F.lanes.not(F.ge(x, F.c(0))));
}

export const log = (F: Real, x: Reg): Reg => byParts(F, x, (k, m) => ofParts(F, k, m));

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
  return byParts(F, x, (k, m) => {
    const natural = ofParts(F, F.c(0), m);
    // The product of the high parts is exact.
    const head = F.lanes.and(natural, F.word(-0x8000000n));
    const tail = F.sub(natural, head);
    const rest = F.add(
      F.mul(k, F.c(perPower[1])),
      F.add(F.mul(tail, F.c(scale[0] + scale[1])), F.mul(head, F.c(scale[1]))),
    );
    const heads = F.mul(head, F.c(scale[0]));
    return F.add(F.add(rest, heads), F.mul(k, F.c(perPower[0])));
  });
}

// 1 / ln 2, 1 / ln 10 and log10 2 in two parts, the first of few bits.
export const log2 = (F: Real, x: Reg): Reg =>
  toBase(F, x, [1, 0], [1.4426950216293335, 1.9259629911266175e-8]);
export const log10 = (F: Real, x: Reg): Reg =>
  toBase(F, x, [0.30102999566383914, 1.42050232272661e-13], [0.4342944771051407, 4.798111141615973e-9]);

/** The logarithm of `u = 1 + x`, corrected for what `u` lost. It has the sign of `x`. */
export function log1p(F: Real, x: Reg): Reg {
  const u = F.add(x, F.c(1));
  const lost = F.div(F.sub(x, F.sub(u, F.c(1))), u);
  const y = byParts(F, u, (k, m) => F.add(ofParts(F, k, m), lost));
  return F.lanes.or(y, F.signOf(x));
}
