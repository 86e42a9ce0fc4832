import { pointwise } from '../dispatch/declare.ts';
import { type Expr, literal } from '../expr/expr.ts';
import { polynomial } from '../expr/functions/polynomial.ts';

/** The sine, of radians. */
export const sin = pointwise('sin', (x) => x.sin(), { promote: 'float' });

/** The cosine, of radians. */
export const cos = pointwise('cos', (x) => x.cos(), { promote: 'float' });

/** The tangent, of radians. */
export const tan = pointwise('tan', (x) => x.tan(), { promote: 'float' });

/** The angle whose sine is `x`, in `-π/2..π/2`; NaN outside -1..1. */
export const asin = pointwise('asin', (x) => x.asin(), { promote: 'float' });

/** The angle whose cosine is `x`, in `0..π`; NaN outside -1..1. */
export const acos = pointwise('acos', (x) => x.acos(), { promote: 'float' });

/** The angle whose tangent is `x`, in `-π/2..π/2`. */
export const atan = pointwise('atan', (x) => x.atan(), { promote: 'float' });

/**
 * The angle of the point `(x, y)`, in `-π..π`: `atan2(y, x)`, broadcast.
 *
 * @example atan2(tensor([1]), tensor([-1])) // tensor([2.3562])
 */
export const atan2 = pointwise('atan2', (y, x) => y.atan2(x), { promote: 'float' });

/** The hyperbolic sine. */
export const sinh = pointwise('sinh', (x) => x.sinh(), { promote: 'float' });

/** The hyperbolic cosine. */
export const cosh = pointwise('cosh', (x) => x.cosh(), { promote: 'float' });

/** The hyperbolic tangent. */
export const tanh = pointwise('tanh', (x) => x.tanh(), { promote: 'float' });

// From here on x² adds nothing, or would overflow.
const LARGE = 1e9;

/** The number whose hyperbolic sine is `x`. */
export const asinh = pointwise(
  'asinh',
  (x) => {
    const a = x.abs();
    const squared = a.square();
    const near = a.add(squared.div(squared.add(1).sqrt().add(1))).log1p();
    const y = a.gt(LARGE).select(a.log().add(Math.LN2), near);
    return x.lt(0).select(y.neg(), y);
  },
  { promote: 'float', grad: ({ dy, x }) => dy.mul(x.square().add(1).rsqrt()) },
);

/** The number from 0 on whose hyperbolic cosine is `x`; NaN below 1. */
export const acosh = pointwise(
  'acosh',
  (x) => {
    const above = x.sub(1);
    const near = above.add(above.mul(2).add(above.square()).sqrt()).log1p();
    return x.lt(1).select(Number.NaN, x.gt(LARGE).select(x.log().add(Math.LN2), near));
  },
  { promote: 'float', grad: ({ dy, x }) => dy.mul(x.square().sub(1).rsqrt()) },
);

/** The number whose hyperbolic tangent is `x`; NaN outside -1..1. */
export const atanh = pointwise(
  'atanh',
  (x) => {
    const a = x.abs();
    const y = a.mul(2).div(literal(1).sub(a)).log1p().mul(0.5);
    return x.lt(0).select(y.neg(), y);
  },
  { promote: 'float', grad: ({ dy, x }) => dy.div(literal(1).sub(x.square())) },
);

/**
 * The length of the hypotenuse: `sqrt(x² + y²)`, broadcast, without overflow.
 *
 * @throws {DTypeError} integers and booleans.
 * @example hypot(tensor([3]), tensor([4])) // tensor([5.])
 */
export const hypot = pointwise(
  'hypot',
  (x, y) => {
    const a = x.abs();
    const b = y.abs();
    const larger = a.max(b);
    const ratio = a.min(b).div(larger);
    const length = larger.eq(0).select(larger, larger.mul(ratio.square().add(1).sqrt()));
    return a.isinf().or(b.isinf()).select(Number.POSITIVE_INFINITY, length);
  },
  {
    refuse: {
      bool: "convert it to a floating dtype first: to({ dtype: 'float32' })",
      integer: "convert it to a floating dtype first: to({ dtype: 'float32' })",
    },
    grad: ({ dy, inputs, y: length }) => inputs.map((side) => dy.mul(side.div(length))),
  },
);

/** The derivative of `sin(a) / a`; near 0, where its two terms cancel, by its series. */
function sincSlope(a: Expr): Expr {
  const series = a.mul(
    polynomial(a.square(), [-1 / 3, 1 / 30, -1 / 840, 1 / 45360, -1 / 3991680, 1 / 518918400]),
  );
  return a
    .abs()
    .lt(0.5)
    .select(series, a.cos().sub(a.sin().div(a)).div(a));
}

/** `sin(πx) / πx`, which is 1 at 0. */
export const sinc = pointwise(
  'sinc',
  (x) => {
    const angle = x.mul(Math.PI);
    return x.eq(0).select(1, angle.sin().div(angle));
  },
  { promote: 'float', grad: ({ dy, x }) => dy.mul(sincSlope(x.mul(Math.PI)).mul(Math.PI)) },
);

/** Degrees to radians. */
export const deg2rad = pointwise('deg2rad', (x) => x.mul(Math.PI / 180), { promote: 'float' });

/** Radians to degrees. */
export const rad2deg = pointwise('rad2deg', (x) => x.mul(180 / Math.PI), { promote: 'float' });
