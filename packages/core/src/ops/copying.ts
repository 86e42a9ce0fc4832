import { pointwise, type UnaryOperator } from '../dispatch/declare.ts';
import { provideCopying } from '../dispatch/in-place.ts';
import { DTYPES, type DType } from '../dtype.ts';
import { literal } from '../expr/expr.ts';
import type { Tensor } from '../graph/tensor.ts';

/**
 * A copy of the tensor in memory of its own, contiguous. Gradients flow through.
 *
 * @example clone(tensor([1, 2])) // tensor([1., 2.])
 */
export const clone = pointwise('clone', (x) => x, { inPlace: false });

/** `copy(x, source)`: the values of `source` in the shape and dtype of `x`. As a method, `x.copy_(source)`. */
export const copy = pointwise('copy', (_x, source) => source, {
  promoted: [true, false],
  converts: true,
  grad: ({ dy }) => [null, dy],
});

/** Zeros of the tensor's shape and dtype, without a gradient. As a method, `x.zero_()`. */
export const zero = pointwise('zero', (_x) => literal(0), { grad: () => [null] });

const casts = Object.fromEntries(
  Object.keys(DTYPES).map((dtype) => [
    dtype,
    pointwise('to', (x) => x.cast(dtype as DType), { output: dtype as DType }),
  ]),
) as Record<DType, UnaryOperator>;

/** The tensor in another dtype; itself where it has it already. Gradients come back in the tensor's own dtype. */
export const cast = (x: Tensor, dtype: DType): Tensor => (x.dtype === dtype ? x : casts[dtype](x));

provideCopying({
  clone,
  copy_: copy.inPlace as (target: Tensor, source: Tensor) => Tensor,
  zeroLike: zero,
});
