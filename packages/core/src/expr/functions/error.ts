import { type Expr, literal, scalarFunction } from '../expr.ts';
import { falling } from './polynomial.ts';

// Rational approximations of W. J. Cody's kind, from Cephes: relative error below 4e-16.
const SMALL_P = [
  9.604973739870516, 90.02601972038427, 2232.005345946843, 7003.325141128051, 55592.30130103949,
];
const SMALL_Q = [
  1, 33.56171416475031, 521.3579497801527, 4594.323829709801, 22629.000061389095, 49267.39426086359,
];
const MIDDLE_P = [
  2.461969814735305e-10, 0.5641895648310689, 7.463210564422699, 48.63719709856814, 196.5208329560771,
  526.4451949954773, 934.5285271719576, 1027.5518868951572, 557.5353353693994,
];
const MIDDLE_Q = [
  1, 13.228195115474499, 86.70721408859897, 354.9377788878199, 975.7085017432055, 1823.9091668790973,
  2246.3376081871097, 1656.6630919416134, 557.5353408177277,
];
const LARGE_P = [
  0.5641895835477551, 1.275366707599781, 5.019050422511805, 6.160210979930536, 7.4097426995044895,
  2.9788666537210022,
];
const LARGE_Q = [
  1, 2.2605286322011726, 9.396035249380015, 12.048953980809666, 17.08144507475659, 9.608968090632859,
  3.369076451000815,
];

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/** `erf(x)` for `|x| <= 1`. */
function erfSmall(x: Expr): Expr {
  const square = x.square();
  return x.mul(falling(square, SMALL_P)).div(falling(square, SMALL_Q));
}

/** `exp(a²) erfc(a)` for `a >= 1`. */
function scaledTail(a: Expr): Expr {
  const middle = falling(a, MIDDLE_P).div(falling(a, MIDDLE_Q));
  // In falling powers of 1/a, so that nothing overflows however large a is.
  const inverse = literal(1).div(a);
  const large = falling(inverse, LARGE_P.toReversed())
    .div(falling(inverse, LARGE_Q.toReversed()))
    .mul(inverse);
  return a.lt(8).select(middle, large);
}

/**
 * `exp(-a²)`. The square of `a` rounded to sixteenths is exact; the rest is small, so no digits are lost where a²
 * is large.
 */
function gaussian(a: Expr): Expr {
  const head = a.mul(16).round().div(16);
  return head
    .square()
    .neg()
    .exp()
    .mul(head.sub(a).mul(a.add(head)).exp());
}

const density = (x: Expr): Expr => x.square().neg().exp().mul(TWO_OVER_SQRT_PI);

/** The error function: `2/√π ∫₀ˣ exp(-t²) dt`. */
export const erf = scalarFunction(
  'erf',
  (x: Expr) => {
    const a = x.abs();
    const tail = literal(1).sub(gaussian(a).mul(scaledTail(a)));
    const beyond = a.gt(6).select(1, tail);
    return a.le(1).select(erfSmall(x), x.isnan().select(x, x.lt(0).select(beyond.neg(), beyond)));
  },
  (dy, [x]) => [dy.mul(density(x))],
);

/** `1 - erf(x)`, exact far above 0. */
export const erfc = scalarFunction(
  'erfc',
  (x: Expr) => {
    const a = x.abs();
    const tail = a.gt(28).select(0, gaussian(a).mul(scaledTail(a)));
    const outside = x.lt(0).select(literal(2).sub(tail), tail);
    return a.le(1).select(literal(1).sub(erfSmall(x)), x.isnan().select(x, outside));
  },
  (dy, [x]) => [dy.mul(density(x)).neg()],
);

/** `exp(x²) erfc(x)`. */
export const erfcx = scalarFunction(
  'erfcx',
  (x: Expr) => {
    const a = x.abs();
    const growth = x.square().exp();
    const outside = x.lt(0).select(growth.mul(2).sub(scaledTail(a)), scaledTail(a));
    return a.le(1).select(growth.mul(literal(1).sub(erfSmall(x))), outside);
  },
  (dy, [x], y) => [dy.mul(x.mul(y).mul(2).sub(TWO_OVER_SQRT_PI))],
);

/** The inverse of `erf`: infinities at -1 and 1, NaN beyond. */
export const erfinv = scalarFunction(
  'erfinv',
  (y: Expr) => {
    const a = y.abs();
    // Winitzki's approximation, good to three digits, and two steps of Halley's method, which treble them.
    const c = 0.147;
    const logarithm = literal(1).sub(a).mul(a.add(1)).log();
    const half = logarithm.mul(0.5).add(2 / (Math.PI * c));
    const start = half.square().sub(logarithm.div(c)).sqrt().sub(half).sqrt();
    let x = start;
    for (let step = 0; step < 2; step++) {
      // Near 1 the distance to 1 is exact, and `erf` is not.
      const excess = a.lt(0.5).select(erf(x).sub(a), literal(1).sub(a).sub(erfc(x)));
      const newton = excess.div(density(x));
      x = x.sub(newton.div(x.mul(newton).add(1)));
    }
    const value = a.lt(1).select(x, a.eq(1).select(Number.POSITIVE_INFINITY, Number.NaN));
    return y.lt(0).select(value.neg(), value);
  },
  (dy, _args, x) => [
    dy.mul(
      x
        .square()
        .exp()
        .mul(Math.sqrt(Math.PI) / 2),
    ),
  ],
);
