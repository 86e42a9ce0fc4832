import { Type, v128 } from '../assembler/index.ts';
import type { Reg } from '../lanes/lanes.ts';
import type { Real } from '../lanes/real.ts';

// The kernels of fdlibm on |x| <= π/4.
const SIN = [
  0.00833333333332249, -0.0001984126982985795, 2.7557313707070068e-6, -2.5050760253406863e-8,
  1.58969099521155e-10,
];
const SIN_FIRST = -0.16666666666666632;
const COS = [
  0.0416666666666666, -0.001388888888887411, 2.480158728947673e-5, -2.7557314351390663e-7,
  2.087572321298175e-9, -1.1359647557788195e-11,
];
// π/2 in parts of 33 bits, so that their multiples up to 2²⁰ are exact, and what is left of the last.
const HALF_PI = [1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21] as const;
/** The same in float32, in parts of 16 and 17 bits. */
const SINGLE_HALF_PI = [1.570770263671875, 2.6063062250614166e-5, 6.077100506506192e-11] as const;
/** Up to here the parts suffice. */
const FAR = { 32: 200, 64: 2 ** 19 } as const;

// musl's kernels for results that are rounded to float32.
const SHORT_SIN = [
  -0.16666666641626524, 0.008333329385889463, -0.00019839334836096632, 0.000002718311493989822,
];
const SHORT_COS = [1, -0.499999997251031, 0.04166662332373906, -0.001388676377460993, 0.00002439044879627741];

// The kernels of Cephes.
const SINGLE_SIN = [-0.16666654611, 0.0083321608736, -0.00019515295891];
const SINGLE_COS = [0.04166664568298827, -0.001388731625493765, 0.00002443315711809948];

interface Kernels {
  readonly sin: Reg;
  readonly cos: Reg;
  /** Which quarter of the circle, in the lowest bits. */
  readonly quarter: Reg;
}

/** Sine and cosine of what `x` leaves above a multiple of π/2, which is the sum of `y` and a small rest. */
function kernels(F: Real, x: Reg, short: boolean): Kernels {
  if (F.width === 32) return singleKernels(F, x);
  const quarter = F.add(F.mul(x, F.c(2 / Math.PI)), F.magic);
  const n = F.sub(quarter, F.magic);
  const first = F.sub(x, F.mul(n, F.c(HALF_PI[0])));
  if (short) {
    const y = F.nmadd(n, F.c(HALF_PI[1] + HALF_PI[2]), first);
    const z = F.mul(y, y);
    const sin = F.madd(F.mul(y, z), F.polynomial(z, SHORT_SIN), y);
    return { sin, cos: F.polynomial(z, SHORT_COS), quarter };
  }
  const second = F.mul(n, F.c(HALF_PI[1]));
  const r = F.sub(first, second);
  const last = F.sub(F.mul(n, F.c(HALF_PI[2])), F.sub(F.sub(first, r), second));
  const y = F.sub(r, last);
  const rest = F.sub(F.sub(r, y), last);

  const z = F.mul(y, y);
  const v = F.mul(z, y);
  const half = F.mul(z, F.c(0.5));
  const series = F.polynomial(z, SIN);
  const bent = F.sub(F.mul(z, F.sub(F.mul(rest, F.c(0.5)), F.mul(v, series))), rest);
  const sin = F.sub(y, F.sub(bent, F.mul(v, F.c(SIN_FIRST))));
  const w = F.sub(F.c(1), half);
  const curve = F.sub(F.mul(z, F.mul(z, F.polynomial(z, COS))), F.mul(y, rest));
  const cos = F.add(w, F.add(F.sub(F.sub(F.c(1), w), half), curve));
  return { sin, cos, quarter };
}

/** `kernels` in float32. */
function singleKernels(F: Real, x: Reg): Kernels {
  const quarter = F.add(F.mul(x, F.c(2 / Math.PI)), F.magic);
  const n = F.sub(quarter, F.magic);
  const first = F.nmadd(n, F.c(SINGLE_HALF_PI[0]), x);
  const y = F.nmadd(n, F.c(SINGLE_HALF_PI[1]), first);
  const rest = F.nmadd(n, F.c(SINGLE_HALF_PI[2]), F.nmadd(n, F.c(SINGLE_HALF_PI[1]), F.sub(first, y)));
  const z = F.mul(y, y);
  const sin = F.add(y, F.madd(F.mul(y, z), F.polynomial(z, SINGLE_SIN), rest));
  const curve = F.nmadd(y, rest, F.mul(F.mul(z, z), F.polynomial(z, SINGLE_COS)));
  const cos = F.add(F.nmadd(z, F.c(0.5), F.c(1)), curve);
  return { sin, cos, quarter };
}

/** A function of arguments beyond `FAR`, which all lanes go through where one lies there. */
export type Beyond = () => Reg;

function within(F: Real, x: Reg, beyond: Beyond, near: () => Reg): Reg {
  const { f } = F.lanes;
  const y = f.local(Type.v128);
  f.get(F.gt(F.abs(x), F.c(FAR[F.width]))).op(v128.anyTrue);
  f.if(
    () => f.get(beyond()).set(y),
    () => f.get(near()).set(y),
  );
  return y;
}

/** All ones where bit `bit` of the quarter is set. */
const bitOf = (F: Real, quarter: Reg, bit: number): Reg =>
  F.shr(F.shl(quarter, F.width - 1 - bit), F.width - 1);

/** `short` is enough for results in float64 that are rounded to float32. */
export const sin = (F: Real, x: Reg, beyond: Beyond, short: boolean): Reg =>
  within(F, x, beyond, () => {
    const { sin: s, cos: c, quarter } = kernels(F, x, short);
    const y = F.flip(F.select(bitOf(F, quarter, 0), c, s), F.shl(quarter, F.width - 2));
    // -0 stays.
    return F.select(F.eq(x, F.c(0)), x, y);
  });

export const cos = (F: Real, x: Reg, beyond: Beyond, short: boolean): Reg =>
  within(F, x, beyond, () => {
    const { sin: s, cos: c, quarter } = kernels(F, x, short);
    const next = F.addBits(quarter, F.word(1n));
    return F.flip(F.select(bitOf(F, quarter, 0), s, c), F.shl(next, F.width - 2));
  });

/** In float64 alone. */
export const tan = (F: Real, x: Reg, beyond: Beyond, short: boolean): Reg =>
  within(F, x, beyond, () => {
    const { sin: s, cos: c, quarter } = kernels(F, x, short);
    const odd = bitOf(F, quarter, 0);
    const y = F.flip(F.div(F.select(odd, c, s), F.select(odd, s, c)), odd);
    return F.select(F.eq(x, F.c(0)), x, y);
  });

// R(z) with asin x = x + x R(x²) on |x| <= 1/2, from fdlibm.
const ASIN_P = [
  0.16666666666666666, -0.3255658186224009, 0.20121253213486293, -0.04005553450067941, 0.0007915349942898145,
  3.479331075960212e-5,
];
const ASIN_Q = [1, -2.403394911734414, 2.0209457602335057, -0.6882839716054533, 0.07703815055590194];
const PI_LOW = 1.2246467991473532e-16;

interface Arc {
  /** Whether |x| < 1/2. */
  readonly inner: Reg;
  /** asin |x| where inner, otherwise its distance to π/2, half of it in two parts. */
  readonly head: Reg;
  readonly tail: Reg;
}

function arc(F: Real, x: Reg): Arc {
  const a = F.abs(x);
  const inner = F.lt(a, F.c(0.5));
  const z = F.select(inner, F.mul(a, a), F.mul(F.sub(F.c(1), a), F.c(0.5)));
  const R = F.div(F.mul(z, F.polynomial(z, ASIN_P)), F.polynomial(z, ASIN_Q));
  const root = F.sqrt(z);
  // The root in two parts: the square of the first is exact.
  const high = F.lanes.and(root, F.word(-0x100000000n));
  const low = F.div(F.sub(z, F.mul(high, high)), F.add(root, high));
  const correction = F.select(F.gt(root, F.c(0)), low, F.c(0));
  const head = F.select(inner, a, high);
  const tail = F.select(inner, F.mul(a, R), F.madd(root, R, correction));
  return { inner, head, tail };
}

export function asin(F: Real, x: Reg): Reg {
  const { inner, head, tail } = arc(F, x);
  const doubled = F.add(head, head);
  const rest = F.sub(F.add(tail, tail), F.c(PI_LOW / 2));
  const outer = F.sub(F.c(Math.PI / 4), F.sub(rest, F.sub(F.c(Math.PI / 4), doubled)));
  return F.flip(F.select(inner, F.add(head, tail), outer), x);
}

export function acos(F: Real, x: Reg): Reg {
  const { inner, head, tail } = arc(F, x);
  const negative = F.lt(x, F.c(0));
  const sum = F.add(head, tail);
  const near = F.sub(F.c(Math.PI / 2), F.sub(F.flip(head, x), F.sub(F.c(PI_LOW / 2), F.flip(tail, x))));
  const doubled = F.add(sum, sum);
  const left = F.sub(F.c(Math.PI), F.sub(doubled, F.c(PI_LOW)));
  return F.select(inner, near, F.select(negative, left, doubled));
}

// fdlibm's series for atan on |x| <= 7/16, and the arcs that bring larger arguments there.
const ATAN = [
  0.3333333333333293, -0.19999999999876483, 0.14285714272503466, -0.11111110405462356, 0.09090887133436507,
  -0.0769187620504483, 0.06661073137387531, -0.058335701337905735, 0.049768779946159324,
  -0.036531572744216916, 0.016285820115365782,
];
/** From which |x| on, the tangent `t` that is taken off, its arc in two parts. */
const ARCS: readonly (readonly [from: number, t: number, high: number, low: number])[] = [
  [7 / 16, 0.5, 0.4636476090008061, 2.2698777452961687e-17],
  [11 / 16, 1, 0.7853981633974483, 3.061616997868383e-17],
  [19 / 16, 1.5, 0.982793723247329, 1.3903311031230998e-17],
];

/** The arc of `a` >= 0 in float64. */
function arctangent(F: Real, a: Reg): Reg {
  let top = a;
  let bottom = F.c(1);
  let high = F.c(0);
  let low = F.c(0);
  for (const [from, t, h, l] of ARCS) {
    const beyond = F.ge(a, F.c(from));
    top = F.select(beyond, F.sub(a, F.c(t)), top);
    bottom = F.select(beyond, F.madd(a, F.c(t), F.c(1)), bottom);
    high = F.select(beyond, F.c(h), high);
    low = F.select(beyond, F.c(l), low);
  }
  const far = F.ge(a, F.c(39 / 16));
  const y = F.div(F.select(far, F.c(-1), top), F.select(far, a, bottom));
  const z = F.mul(y, y);
  const bent = F.mul(y, F.mul(z, F.polynomial(z, ATAN)));
  const arcHigh = F.select(far, F.c(Math.PI / 2), high);
  const arcLow = F.select(far, F.c(PI_LOW / 2), low);
  return F.sub(arcHigh, F.sub(F.sub(bent, arcLow), y));
}

// (atan t - t) / t³ for 0 <= t <= 1, as a polynomial of t².
const SHORT_ATAN = [
  -0.33333152532577515, 0.19993773102760315, -0.14211052656173706, 0.10665996372699738, -0.07552199065685272,
  0.043211713433265686, -0.016367852687835693, 0.0029206774197518826,
];

/** The arc of 0 <= `t` <= 1 in float32. */
function shortArctangent(F: Real, t: Reg): Reg {
  const z = F.mul(t, t);
  return F.madd(F.mul(t, z), F.polynomial(z, SHORT_ATAN), t);
}

/** What `share` makes of π, given in two parts, and `angle`, which is taken off where `back` has its sign bit set. */
function turned(F: Real, share: (pi: number) => Reg, angle: Reg, back: Reg): Reg {
  const high = F.width === 64 ? Math.PI : Math.fround(Math.PI);
  const low = F.width === 64 ? PI_LOW : Math.PI - high;
  return F.add(share(high), F.add(share(low), F.flip(angle, back)));
}

export function atan(F: Real, x: Reg): Reg {
  const a = F.abs(x);
  if (F.width === 64) return F.flip(arctangent(F, a), x);
  const one = F.c(1);
  const steep = F.gt(a, one);
  const angle = shortArctangent(F, F.div(F.least(a, one), F.most(a, one)));
  const share = (pi: number): Reg => F.lanes.and(steep, F.c(pi / 2));
  return F.flip(turned(F, share, angle, steep), x);
}

/** The angle of the point (x, y). */
export function atan2(F: Real, y: Reg, x: Reg): Reg {
  const { lanes } = F;
  const [ax, ay] = [F.abs(x), F.abs(y)];
  const steep = F.gt(ay, ax);
  const left = F.shr(x, F.width - 1);
  // In this order a NaN in either stays.
  const ratio = F.div(F.least(ax, ay), F.most(ay, ax));
  // 0/0 and ∞/∞ are no numbers, and the angles of those points are.
  const t = F.select(F.eq(ax, ay), lanes.and(F.ne(ax, F.c(0)), F.c(1)), ratio);
  const angle = F.width === 64 ? arctangent(F, t) : shortArctangent(F, t);
  const share = (pi: number): Reg => F.select(steep, F.c(pi / 2), lanes.and(left, F.c(pi)));
  return F.flip(turned(F, share, angle, lanes.xor(steep, left)), y);
}
