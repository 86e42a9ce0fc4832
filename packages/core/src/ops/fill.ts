import { choice, use } from '../dispatch/choice.ts';
import { pointwise } from '../dispatch/declare.ts';
import type { Value } from '../dispatch/pointwise-operands.ts';
import { ShapeError, showShape } from '../errors.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { cast } from './copying.ts';
import { checkMask } from './where.ts';

const filling = pointwise('fill', (_x, value) => value, { promoted: [true, false] });

const masked = pointwise('maskedFill', (x, mask, value) => mask.select(value, x), {
  promoted: [true, false, false],
});

/** A value to write into a tensor: a number, or a tensor without dimensions in the tensor's dtype. */
function single(op: string, x: Tensor, value: Value): Value {
  if (!isTensor(value)) return value;
  if (value.shape.length > 0) {
    throw new ShapeError(
      `${op}: value must be a number or a tensor without dimensions, got shape ${showShape(value.shape)}`,
      { op },
    );
  }
  return cast(value, x.dtype);
}

/**
 * A tensor of the shape and dtype of `x`, filled with `value`: a number or a tensor without dimensions, which gets
 * the sum of the gradient.
 *
 * @throws {ShapeError} `value` has dimensions.
 * @example fill(tensor([1, 2]), 7) // tensor([7., 7.])
 */
export const fill = choice('fill', (x: Tensor, value: Value) => use(filling, x, single('fill', x, value)));

/**
 * `x` with `value`, a number or a tensor without dimensions, where the mask holds; mask and `x` broadcast. The dtype
 * stays that of `x`.
 *
 * @throws {DTypeError} `mask` is not bool.
 * @throws {ShapeError} `value` has dimensions.
 * @example maskedFill(tensor([1, 2]), tensor([true, false]), 0) // tensor([0., 2.])
 */
export const maskedFill = choice('maskedFill', (x: Tensor, mask: Tensor, value: Value) => {
  checkMask('maskedFill', 'mask', mask);
  return use(masked, x, mask, single('maskedFill', x, value));
});
