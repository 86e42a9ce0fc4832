import { type Expr, literal, scalarFunction } from '../expr.ts';
import { polynomial } from './polynomial.ts';

/** The distance of `x` to the nearest integer, with its sign: `sin πx` and `tan πx` have its exact period. */
const fromInteger = (x: Expr): Expr => x.sub(x.round());

// log Γ around its zeros and its minimum, and between; from FreeBSD's msun (Sun's fdlibm): relative error below 1e-15.
const NEAR_TWO_EVEN = [
  7.72156649015328655494e-2, 6.73523010531292681824e-2, 7.38555086081402883957e-3, 1.19270763183362067845e-3,
  2.20862790713908385557e-4, 2.52144565451257326939e-5,
];
const NEAR_TWO_ODD = [
  3.22467033424113591611e-1, 2.0580808432516733281e-2, 2.89051383673415629091e-3, 5.10069792153511336608e-4,
  1.08011567247583939954e-4, 4.4864094961891516015e-5,
];
const MINIMUM = 1.46163214496836224576;
const MINIMUM_VALUE = -1.21486290535849611461e-1;
const NEAR_MINIMUM = [
  3.63867699703950536541e-18, 0, 4.83836122723810047042e-1, -1.47587722994593911752e-1,
  6.46249402391333854778e-2, -3.27885410759859649565e-2, 1.79706750811820387126e-2, -1.0314224129834143745e-2,
  6.10053870246291332635e-3, -3.6845201678113825676e-3, 2.2596478090061247225e-3, -1.40346469989232843813e-3,
  8.81081882437654011382e-4, -5.38595305356740546715e-4, 3.15632070903625950361e-4,
  -3.12754168375120860518e-4, 3.35529192635519073543e-4,
];
const NEAR_ONE_P = [
  -7.72156649015328655494e-2, 6.32827064025093366517e-1, 1.45492250137234768737, 9.77717527963372745603e-1,
  2.28963728064692451092e-1, 1.33810918536787660377e-2,
];
const NEAR_ONE_Q = [
  1, 2.45597793713041134822, 2.12848976379893395361, 7.69285150456672783825e-1, 1.04222645593369134254e-1,
  3.2170924228242391181e-3,
];
const FROM_TWO_P = [
  -7.72156649015328655494e-2, 2.14982415960608852501e-1, 3.25778796408930981787e-1, 1.46350472652464452805e-1,
  2.6642270303363860956e-2, 1.84028451407337715652e-3, 3.19475326584100867617e-5,
];
const FROM_TWO_Q = [
  1, 1.39200533467621045958, 7.21935547567138069525e-1, 1.71933865632803078993e-1, 1.86459191715652901344e-2,
  7.77942496381893596434e-4, 7.32668430744625636189e-6,
];
const STIRLING = [
  8.33333333333329678849e-2, -2.7777777772877553647e-3, 7.936505586430195585e-4, -5.95187557450339963135e-4,
  8.36339918996282139126e-4, -1.63092934096575273989e-3,
];

/** `log Γ(2 - y)` and its like around a zero of log Γ. */
function aroundTwo(y: Expr): Expr {
  const square = y.square();
  const even = polynomial(square, NEAR_TWO_EVEN);
  const odd = square.mul(polynomial(square, NEAR_TWO_ODD));
  return y.mul(even).add(odd).sub(y.mul(0.5));
}

const aroundMinimum = (y: Expr): Expr => polynomial(y, NEAR_MINIMUM).add(MINIMUM_VALUE);

const aroundOne = (y: Expr): Expr =>
  y.mul(polynomial(y, NEAR_ONE_P)).div(polynomial(y, NEAR_ONE_Q)).sub(y.mul(0.5));

/** `log Γ(a)` for `0 < a < 2`. */
function belowTwo(a: Expr): Expr {
  const low = a.le(0.9);
  // Γ(a) = Γ(a + 1) / a brings the lower part up.
  const shifted = low.select(a.add(1), a);
  const value = shifted
    .gt(1.7316)
    .select(
      aroundTwo(literal(2).sub(shifted)),
      shifted.gt(1.23164).select(aroundMinimum(shifted.sub(MINIMUM)), aroundOne(shifted.sub(1))),
    );
  return low.select(value.sub(a.log()), value);
}

/** `log Γ(a)` for `2 <= a < 8`: down to 2..3 by Γ(a + 1) = a Γ(a). */
function belowEight(a: Expr): Expr {
  const whole = a.floor();
  const y = a.sub(whole);
  const value = y.mul(0.5).add(y.mul(polynomial(y, FROM_TWO_P)).div(polynomial(y, FROM_TWO_Q)));
  let product = literal(1);
  for (let i = 3; i < 8; i++) product = whole.ge(i).select(product.mul(y.add(i - 1)), product);
  return value.add(product.log());
}

/** Stirling's series, for `a >= 8`. */
function fromEight(a: Expr): Expr {
  const inverse = literal(1).div(a);
  const series = inverse.mul(polynomial(inverse.square(), STIRLING)).add(4.18938533204672725052e-1);
  return a.gt(1e17).select(a.mul(a.log().sub(1)), a.sub(0.5).mul(a.log().sub(1)).add(series));
}

/** The logarithm of `|Γ(x)|`. */
export const lgamma = scalarFunction(
  'lgamma',
  (x: Expr) => {
    const a = x.abs();
    const value = a.lt(2).select(belowTwo(a), a.lt(8).select(belowEight(a), fromEight(a)));
    const sine = fromInteger(a).mul(Math.PI).sin().abs();
    const reflected = literal(Math.PI).div(a.mul(sine)).log().sub(value);
    const infinite = a.isinf().or(x.le(0).and(x.eq(x.floor())));
    return infinite.select(Number.POSITIVE_INFINITY, x.lt(0).select(reflected, value));
  },
  (dy, [x]) => [dy.mul(digamma(x))],
);

/** Bernoulli numbers B₂, B₄, … B₁₄. */
const BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6];

/** How far the argument is moved up before an asymptotic series is used. */
const SHIFT = 10;

/** The derivative of `log Γ`: `Γ'(x) / Γ(x)`. NaN at negative integers, an infinity of the other sign at ±0. */
export const digamma = scalarFunction(
  'digamma',
  (x: Expr) => {
    // ψ(1 - x) = ψ(x) + π / tan πx brings negative arguments over.
    const mirrored = x.lt(0);
    const a = mirrored.select(literal(1).sub(x), x);
    let sum = literal(0);
    for (let i = 0; i < SHIFT; i++) sum = sum.add(literal(1).div(a.add(i)));
    const far = a.add(SHIFT);
    const inverse = literal(1).div(far);
    const square = inverse.square();
    const series = square.mul(
      polynomial(
        square,
        BERNOULLI.map((b, i) => b / (2 * (i + 1))),
      ),
    );
    const value = far.log().sub(inverse.mul(0.5)).sub(series).sub(sum);
    const cotangent = literal(Math.PI).div(fromInteger(x).mul(Math.PI).tan());
    return mirrored.select(x.eq(x.floor()).select(Number.NaN, value.sub(cotangent)), value);
  },
  (dy, [x]) => [dy.mul(polygamma(1)(x))],
);

const polygammas = new Map<number, (x: Expr) => Expr>();

/** The `order`-th derivative of `digamma`. */
export function polygamma(order: number): (x: Expr) => Expr {
  if (order === 0) return digamma;
  let known = polygammas.get(order);
  if (known === undefined) {
    known = scalarFunction(
      `polygamma${order}`,
      (x: Expr) => polygammaOf(order, x),
      (dy, [x]) => [dy.mul(polygamma(order + 1)(x))],
    );
    polygammas.set(order, known);
  }
  return known;
}

/** `(-1)^(n+1) n! ζ(n + 1, x)`, with ψₙ(1 - x) = (-1)ⁿ (ψₙ(x) + dⁿ/dxⁿ π cot πx) for negative arguments. */
function polygammaOf(n: number, x: Expr): Expr {
  const mirrored = x.lt(0);
  const a = mirrored.select(literal(1).sub(x), x);
  let factorial = 1;
  for (let i = 2; i <= n; i++) factorial *= i;
  const even = n % 2 === 0;
  const value = hurwitz(n + 1, a).mul(even ? -factorial : factorial);
  const angle = fromInteger(x).mul(Math.PI);
  const slope = polynomial(literal(1).div(angle.tan()), cotangentDerivative(n)).mul(Math.PI ** (n + 1));
  const pole = even ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const reflected = (even ? value : value.neg()).sub(slope);
  return mirrored.select(x.eq(x.floor()).select(pole, reflected), value);
}

/** The `n`-th derivative of `cot` as a polynomial in `cot`, rising: cot' = -1 - cot². */
function cotangentDerivative(n: number): number[] {
  let p = [0, 1];
  for (let k = 0; k < n; k++) {
    const next = new Array<number>(p.length + 1).fill(0);
    for (let i = 1; i < p.length; i++) {
      next[i - 1]! -= i * p[i]!;
      next[i + 1]! -= i * p[i]!;
    }
    p = next;
  }
  return p;
}

/** `ζ(s, q) = Σ (q + k)^-s` for a whole `s` from 2 on and `q > 0`, by the sum of the first terms and Euler and Maclaurin's series. */
function hurwitz(s: number, q: Expr): Expr {
  let sum = literal(0);
  for (let k = 0; k < SHIFT; k++) sum = sum.add(whole(literal(1).div(q.add(k)), s));
  const inverse = literal(1).div(q.add(SHIFT));
  const lead = whole(inverse, s - 1);
  let rising = s;
  let factorial = 2;
  const series = BERNOULLI.map((b, j) => {
    const term = (b * rising) / factorial;
    rising *= (s + 2 * j + 1) * (s + 2 * j + 2);
    factorial *= (2 * j + 3) * (2 * j + 4);
    return term;
  });
  const tail = inverse
    .square()
    .mul(polynomial(inverse.square(), series))
    .add(inverse.mul(0.5))
    .add(1 / (s - 1));
  return sum.add(lead.mul(tail));
}

/** `xⁿ` by multiplication. */
function whole(x: Expr, n: number): Expr {
  if (n === 1) return x;
  const half = whole(x, Math.floor(n / 2));
  return n % 2 === 0 ? half.mul(half) : half.mul(half).mul(x);
}
