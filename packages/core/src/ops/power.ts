import { choice, use } from '../dispatch/choice.ts';
import { composite, pointwise } from '../dispatch/declare.ts';
import type { Value } from '../dispatch/pointwise-operands.ts';
import { isDifferentiable } from '../dtype.ts';
import { ArgumentError } from '../errors.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { reciprocal } from './arithmetic.ts';
import { cast } from './copying.ts';

/** Square root: `sqrt(x)`, NaN below 0. */
export const sqrt = pointwise('sqrt', (x) => x.sqrt(), { promote: 'float' });

/** `1 / sqrt(x)`. */
export const rsqrt = pointwise('rsqrt', (x) => x.rsqrt(), {
  promote: 'float',
  grad: ({ dy, y }) => dy.mul(y.mul(y).mul(y)).mul(-0.5),
});

const squareOf = pointwise('square', (x) => x.square(), { grad: ({ dy, x }) => dy.mul(x).mul(2) });

const cube = pointwise('cube', (x) => x.square().mul(x), { grad: ({ dy, x }) => dy.mul(x.square()).mul(3) });

const power = pointwise('pow', (x, exponent) => x.pow(exponent), {
  refuse: { bool: "convert one side first: to({ dtype: 'int32' })" },
});

/**
 * `x * x`; booleans give integers.
 *
 * @example square(tensor([1, -3])) // tensor([1., 9.])
 */
export const square = choice('square', (x: Tensor) =>
  isTensor(x) && x.dtype === 'bool' ? use(power, x, 2) : use(squareOf, x),
);

/**
 * `x ^ exponent`, broadcast; either side may be a number.
 *
 * Integers stay integers; an integer raised to a negative exponent in a tensor gives the reciprocal, cut to an
 * integer. `0 ^ 0` is 1.
 *
 * @throws {ArgumentError} integers raised to a negative number.
 * @throws {DTypeError} both sides are bool.
 * @example pow(tensor([1, 2, 3]), 2) // tensor([1., 4., 9.])
 */
export const pow = choice('pow', (x: Value, exponent: Value) => {
  if (!isTensor(x) || typeof exponent !== 'number') return use(power, x, exponent);
  if (!isDifferentiable(x.dtype) && exponent < 0 && Number.isInteger(exponent)) {
    throw new ArgumentError(
      `pow: integers to negative integer powers are no integers; convert first: to({ dtype: 'float32' }); x is ${x.dtype}, the exponent ${exponent}`,
      { op: 'pow' },
    );
  }
  switch (exponent) {
    case 2:
      return use(square, x);
    case 3:
      return x.dtype === 'bool' ? use(power, x, exponent) : use(cube, x);
    case 0.5:
      return use(sqrt, x);
    case -0.5:
      return use(rsqrt, x);
    case -1:
      return use(reciprocal, x);
    default:
      return use(power, x, exponent);
  }
});

/** `x ^ exponent` in float64. @throws {DTypeError} the device has no float64. */
export const floatPower = composite(
  'floatPower',
  (x: Value, exponent: Value): Tensor =>
    pow(isTensor(x) ? cast(x, 'float64') : x, isTensor(exponent) ? cast(exponent, 'float64') : exponent),
);
