import { pointwise } from '../dispatch/declare.ts';

/** Whether `x` equals `y`, broadcast: bool. NaN equals nothing. */
export const eq = pointwise('eq', (x, y) => x.eq(y));

/** Whether `x` differs from `y`, broadcast: bool. */
export const ne = pointwise('ne', (x, y) => x.ne(y));

/** Whether `x` is below `y`, broadcast: bool. */
export const lt = pointwise('lt', (x, y) => x.lt(y));

/** Whether `x` is at most `y`, broadcast: bool. */
export const le = pointwise('le', (x, y) => x.le(y));

/** Whether `x` is above `y`, broadcast: bool. */
export const gt = pointwise('gt', (x, y) => x.gt(y));

/**
 * Whether `x` is at least `y`, broadcast: bool.
 *
 * @example ge(tensor([1, 2]), 2) // tensor([False, True])
 */
export const ge = pointwise('ge', (x, y) => x.ge(y));

/** Questions about numbers have no in-place forms. */
const QUESTION = { promote: 'float', inPlace: false } as const;

/** Whether `x` is NaN: bool; false for integers. */
export const isnan = pointwise('isnan', (x) => x.isnan(), QUESTION);

/** Whether `x` is an infinity: bool; false for integers. */
export const isinf = pointwise('isinf', (x) => x.isinf(), QUESTION);

/** Whether `x` is positive infinity: bool. */
export const isposinf = pointwise('isposinf', (x) => x.eq(Number.POSITIVE_INFINITY), QUESTION);

/** Whether `x` is negative infinity: bool. */
export const isneginf = pointwise('isneginf', (x) => x.eq(Number.NEGATIVE_INFINITY), QUESTION);

/** Whether `x` is neither NaN nor an infinity: bool; true for integers. */
export const isfinite = pointwise('isfinite', (x) => x.abs().lt(Number.POSITIVE_INFINITY), QUESTION);

/**
 * Whether `|x - other| <= atol + rtol * |other|`, broadcast: bool. Infinities are close to themselves, NaN is only
 * with `equalNan`.
 *
 * @example isclose(tensor([1, 2]), tensor([1.000001, 2.1])) // tensor([True, False])
 */
export const isclose = pointwise(
  'isclose',
  (x, other, { rtol, atol, equalNan }) => {
    const distance = x.sub(other).abs();
    const close = distance.le(other.mul(rtol).abs().add(atol)).and(distance.lt(Number.POSITIVE_INFINITY));
    const bothNaN = x.isnan().and(other.isnan()).and(equalNan.ne(0));
    return x.eq(other).or(close).or(bothNaN);
  },
  { ...QUESTION, params: { rtol: 1e-5, atol: 1e-8, equalNan: false } },
);
