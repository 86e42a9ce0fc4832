import { Type, v128 } from '../assembler/index.ts';
import type { Reg } from '../lanes/lanes.ts';
import type { Real } from '../lanes/real.ts';
import { byLane } from './host.ts';

// The kernels of fdlibm on |x| <= π/4.
const SIN = [
  8.33333333332248946124e-3, -1.98412698298579493134e-4, 2.75573137070700676789e-6, -2.50507602534068634195e-8,
  1.58969099521155010221e-10,
];
const SIN_FIRST = -1.66666666666666324348e-1;
const COS = [
  4.16666666666666019037e-2, -1.38888888888741095749e-3, 2.48015872894767294178e-5, -2.75573143513906633035e-7,
  2.0875723212981748279e-9, -1.13596475577881948265e-11,
];
// π/2 in parts of 33 bits, so that their multiples up to 2²⁰ are exact, and what is left of the last.
const HALF_PI = [1.57079632673412561417, 6.0771005063039659766e-11, 2.02226624879595063154e-21] as const;
/** Up to here the parts suffice; the host's function takes what lies beyond. */
const FAR = 2 ** 19;

interface Kernels {
  readonly sin: Reg;
  readonly cos: Reg;
  /** Which quarter of the circle, in the lowest bits. */
  readonly quarter: Reg;
}

/** Sine and cosine of what `x` leaves above a multiple of π/2, which is the sum of `y` and a small rest. */
function kernels(F: Real, x: Reg): Kernels {
  const quarter = F.add(F.mul(x, F.c(2 / Math.PI)), F.magic);
  const n = F.sub(quarter, F.magic);
  const first = F.sub(x, F.mul(n, F.c(HALF_PI[0])));
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

/** `near` for arguments up to `FAR`, and the host's function for all lanes where one lies beyond. */
function within(F: Real, x: Reg, host: number, near: () => Reg): Reg {
  const { f } = F.lanes;
  const y = f.local(Type.v128);
  f.get(F.gt(F.abs(x), F.c(FAR))).op(v128.anyTrue);
  f.if(
    () => f.get(byLane(F.lanes, 'f64', host, [x])).set(y),
    () => f.get(near()).set(y),
  );
  return y;
}

/** All ones where bit `bit` of the quarter is set. */
const bitOf = (F: Real, quarter: Reg, bit: number): Reg => F.shr(F.shl(quarter, 63 - bit), 63);

/** In float64 alone. `host` is the index of the host's function of the same name. */
export const sin = (F: Real, x: Reg, host: number): Reg =>
  within(F, x, host, () => {
    const { sin: s, cos: c, quarter } = kernels(F, x);
    const y = F.flip(F.select(bitOf(F, quarter, 0), c, s), F.shl(quarter, 62));
    // -0 stays.
    return F.select(F.eq(x, F.c(0)), x, y);
  });

export const cos = (F: Real, x: Reg, host: number): Reg =>
  within(F, x, host, () => {
    const { sin: s, cos: c, quarter } = kernels(F, x);
    const next = F.addBits(quarter, F.word(1n));
    return F.flip(F.select(bitOf(F, quarter, 0), s, c), F.shl(next, 62));
  });

export const tan = (F: Real, x: Reg, host: number): Reg =>
  within(F, x, host, () => {
    const { sin: s, cos: c, quarter } = kernels(F, x);
    const odd = bitOf(F, quarter, 0);
    const y = F.flip(F.div(F.select(odd, c, s), F.select(odd, s, c)), odd);
    return F.select(F.eq(x, F.c(0)), x, y);
  });

// R(z) with asin x = x + x R(x²) on |x| <= 1/2, from fdlibm.
const ASIN_P = [
  1.66666666666666657415e-1, -3.25565818622400915405e-1, 2.01212532134862925881e-1, -4.00555345006794114027e-2,
  7.91534994289814532176e-4, 3.47933107596021167570e-5,
];
const ASIN_Q = [
  1, -2.40339491173441421878, 2.02094576023350569471, -6.88283971605453293030e-1, 7.70381505559019352791e-2,
];
const PI_LOW = 1.22464679914735317722e-16;

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
  3.33333333333329318027e-1, -1.99999999998764832476e-1, 1.42857142725034663711e-1, -1.11111104054623557880e-1,
  9.09088713343650656196e-2, -7.69187620504482999495e-2, 6.66107313738753120669e-2, -5.83357013379057348645e-2,
  4.97687799461593236017e-2, -3.65315727442169155270e-2, 1.62858201153657823623e-2,
];
/** From which |x| on, the tangent `t` that is taken off, its arc in two parts. */
const ARCS: readonly (readonly [from: number, t: number, high: number, low: number])[] = [
  [7 / 16, 0.5, 4.63647609000806093515e-1, 2.26987774529616870924e-17],
  [11 / 16, 1, 7.85398163397448278999e-1, 3.06161699786838301793e-17],
  [19 / 16, 1.5, 9.82793723247329054082e-1, 1.39033110312309984516e-17],
];

/** atan a - x where the arc is `high + low` more than that of what is left. */
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

export const atan = (F: Real, x: Reg): Reg => F.flip(arctangent(F, F.abs(x)), x);

/** The angle of the point (x, y). */
export function atan2(F: Real, y: Reg, x: Reg): Reg {
  const [ax, ay] = [F.abs(x), F.abs(y)];
  const steep = F.gt(ay, ax);
  const ratio = F.div(F.select(steep, ax, ay), F.select(steep, ay, ax));
  // 0/0 and ∞/∞ are no numbers, and the angles of those points are.
  const zero = F.eq(F.lanes.or(ax, ay), F.c(0));
  const same = F.select(zero, F.c(0), F.c(1));
  const t = F.select(F.eq(ax, ay), same, ratio);
  const a = arctangent(F, t);
  const upright = F.sub(F.c(Math.PI / 2), F.sub(a, F.c(PI_LOW / 2)));
  const quadrant = F.select(steep, upright, a);
  const behind = F.sub(F.c(Math.PI), F.sub(quadrant, F.c(PI_LOW)));
  const left = F.shr(x, 63);
  return F.lanes.or(F.select(left, behind, quadrant), F.signOf(y));
}
