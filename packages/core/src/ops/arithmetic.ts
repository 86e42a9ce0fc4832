import { choice, use } from '../dispatch/choice.ts';
import { pointwise } from '../dispatch/declare.ts';
import type { Value } from '../dispatch/pointwise-operands.ts';
import { ArgumentError, checkOptions, describe } from '../errors.ts';
import { literal } from '../expr/expr.ts';

const NOT_BOOL = { bool: "convert it first: to({ dtype: 'int32' })" } as const;
const FLOATING_ONLY = {
  bool: "convert it to a floating dtype first: to({ dtype: 'float32' })",
  integer: "convert it to a floating dtype first: to({ dtype: 'float32' })",
} as const;

/**
 * `x + alpha * y`, broadcast.
 *
 * @example add(tensor([1, 2]), 10) // tensor([11., 12.])
 */
export const add = pointwise('add', (x, y, { alpha }) => x.add(y.mul(alpha)), { params: { alpha: 1 } });

/**
 * `x - alpha * y`, broadcast.
 *
 * @throws {DTypeError} on bool.
 * @example sub(tensor([1, 2]), 1) // tensor([0., 1.])
 */
export const sub = pointwise('sub', (x, y, { alpha }) => x.sub(y.mul(alpha)), {
  params: { alpha: 1 },
  refuse: { bool: 'use logicalXor, or logicalNot for the inverse' },
});

/**
 * `y - alpha * x`: `sub` with the operands exchanged.
 *
 * @throws {DTypeError} on bool.
 */
export const rsub = pointwise('rsub', (x, y, { alpha }) => y.sub(x.mul(alpha)), {
  params: { alpha: 1 },
  refuse: { bool: 'use logicalXor, or logicalNot for the inverse' },
});

/**
 * `x * y`, broadcast.
 *
 * @example mul(tensor([1, 2]), 3) // tensor([3., 6.])
 */
export const mul = pointwise('mul', (x, y) => x.mul(y));

/**
 * `x / y`, broadcast; integers and booleans are divided as floating numbers.
 *
 * @example trueDivide(tensor([1, 2]), 2) // tensor([0.5000, 1.0000])
 */
export const trueDivide = pointwise('div', (x, y) => x.div(y), { promote: 'float' });

/**
 * `floor(x / y)`, broadcast, in the operands' dtype. The gradient is zero.
 *
 * @throws {DTypeError} on bool.
 * @throws {BackendError} an integer is divided by zero.
 * @example floorDivide(tensor([-7, 7]), 2) // tensor([-4., 3.])
 */
export const floorDivide = pointwise('floorDivide', (x, y) => x.floorDiv(y), { refuse: NOT_BOOL });

const truncDivide = pointwise('truncDivide', (x, y) => x.truncDiv(y), { refuse: NOT_BOOL });

export interface DivOptions {
  /** `'floor'` and `'trunc'` round the quotient and keep integers; absent or null divides exactly. */
  readonly roundingMode?: 'floor' | 'trunc' | null;
}

/**
 * `x / y`, broadcast; with `roundingMode`, rounded down or towards zero in the operands' dtype.
 *
 * @throws {ArgumentError} another `roundingMode`.
 * @throws {BackendError} an integer is divided by zero with rounding.
 * @example div(tensor([-7, 7]), 2, { roundingMode: 'trunc' }) // tensor([-3., 3.])
 */
export const div = choice('div', (x: Value, y: Value, options?: DivOptions) => {
  if (options === undefined) return use(trueDivide, x, y);
  checkOptions('div', options, ['roundingMode']);
  switch (options.roundingMode) {
    case undefined:
    case null:
      return use(trueDivide, x, y);
    case 'floor':
      return use(floorDivide, x, y);
    case 'trunc':
      return use(truncDivide, x, y);
    default:
      throw new ArgumentError(
        `div: roundingMode must be 'floor', 'trunc' or null, got ${describe(options.roundingMode)}`,
        { op: 'div' },
      );
  }
});

/**
 * What division rounded towards zero leaves: `x - trunc(x / y) * y`, with the sign of `x`.
 *
 * @throws {DTypeError} on bool.
 * @throws {BackendError} an integer is divided by zero.
 * @example fmod(tensor([-7, 7]), 3) // tensor([-1., 1.])
 */
export const fmod = pointwise('fmod', (x, y) => x.rem(y), { refuse: NOT_BOOL });

/**
 * What division rounded down leaves: `x - floor(x / y) * y`, with the sign of `y`.
 *
 * @throws {DTypeError} on bool.
 * @throws {BackendError} an integer is divided by zero.
 * @example remainder(tensor([-7, 7]), 3) // tensor([2., 1.])
 */
export const remainder = pointwise('remainder', (x, y) => x.mod(y), { refuse: NOT_BOOL });

/** `-x`. @throws {DTypeError} on bool. */
export const neg = pointwise('neg', (x) => x.neg(), { refuse: { bool: 'use logicalNot' } });

/** `x` as it is, in new memory. @throws {DTypeError} on bool. */
export const positive = pointwise('positive', (x) => x, { refuse: NOT_BOOL, inPlace: false });

/** `|x|`. The gradient at 0 is 0. @throws {DTypeError} on bool. */
export const abs = pointwise('abs', (x) => x.abs(), { refuse: NOT_BOOL });

/** -1, 0 or 1 by the sign of `x`; 0 for NaN. The gradient is zero. */
export const sign = pointwise('sign', (x) => x.sign());

/** `sign`, under the name that also serves complex numbers. */
export const sgn = pointwise('sgn', (x) => x.sign());

/** Whether the sign bit is set: true for negative numbers and for -0. */
export const signbit = pointwise('signbit', (x) => x.lt(0).or(x.eq(0).and(literal(1).div(x).lt(0))), {
  promote: 'float',
  inPlace: false,
});

/**
 * `|x|` with the sign of `y`, that of a zero included.
 *
 * @example copysign(tensor([1, -2]), -0) // tensor([-1., -2.])
 */
export const copysign = pointwise(
  'copysign',
  (x, y) =>
    y
      .lt(0)
      .or(y.eq(0).and(literal(1).div(y).lt(0)))
      .select(x.abs().neg(), x.abs()),
  {
    promote: 'float',
    grad: ({ dy, x, y }) => [x.eq(0).select(0, dy.mul(y.div(x))), literal(0)],
  },
);

/** `1 / x`. */
export const reciprocal = pointwise('reciprocal', (x) => x.reciprocal(), {
  promote: 'float',
  grad: ({ dy, y }) => dy.mul(y.square()).neg(),
});

/**
 * `x + value * tensor1 * tensor2`, broadcast.
 *
 * @example addcmul(tensor([1]), tensor([2]), tensor([3]), { value: 0.5 }) // tensor([4.])
 */
export const addcmul = pointwise('addcmul', (x, a, b, { value }) => x.add(a.mul(b).mul(value)), {
  params: { value: 1 },
});

/**
 * `x + value * tensor1 / tensor2`, broadcast.
 *
 * @throws {DTypeError} integers and booleans.
 */
export const addcdiv = pointwise('addcdiv', (x, a, b, { value }) => x.add(a.div(b).mul(value)), {
  params: { value: 1 },
  refuse: FLOATING_ONLY,
});

/**
 * `x + weight * (end - x)`, from `end` for weights of a half and more, so that both ends are met exactly.
 *
 * @throws {DTypeError} integers and booleans.
 * @example lerp(tensor([0, 10]), tensor([10, 20]), 0.5) // tensor([5., 15.])
 */
export const lerp = pointwise(
  'lerp',
  (x, end, weight) => {
    const way = end.sub(x);
    return weight
      .abs()
      .lt(0.5)
      .select(x.add(weight.mul(way)), end.sub(way.mul(literal(1).sub(weight))));
  },
  { refuse: FLOATING_ONLY },
);

/**
 * The step function: 0 below 0, `values` at 0, 1 above; 0 for NaN. No gradient flows.
 *
 * @example heaviside(tensor([-1, 0, 2]), 0.5) // tensor([0.0000, 0.5000, 1.0000])
 */
export const heaviside = pointwise('heaviside', (x, values) => x.eq(0).select(values, x.gt(0).select(1, 0)), {
  grad: () => [null, null],
});
