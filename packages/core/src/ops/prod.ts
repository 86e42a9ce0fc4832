import { reduction } from '../dispatch/declare.ts';
import type { ReduceAttrs } from '../dispatch/reduction.ts';
import type { Tensor } from '../graph/tensor.ts';
import { mul } from './arithmetic.ts';
import { unreduce } from './broadcast.ts';
import { productOfOthers } from './cumulative.ts';
import { permute, reshape } from './reshape.ts';

/** For each element, the product of the others that went into the same result: no division, so zeros do no harm. */
function othersOf(x: Tensor, { dims, shape, count }: ReduceAttrs): Tensor {
  const kept = shape.map((_, dim) => dim).filter((dim) => !dims.includes(dim));
  const order = [...kept, ...dims];
  const lined = reshape(permute(x, order), [...kept.map((dim) => shape[dim]!), count]);
  const others = mul(productOfOthers(lined, kept.length, false), productOfOthers(lined, kept.length, true));
  const inverse = order.map((_, dim) => order.indexOf(dim));
  return permute(
    reshape(
      others,
      order.map((dim) => shape[dim]!),
    ),
    inverse,
  );
}

/**
 * The product over `dim`, several dims, or all; 1 over no elements. Integers narrower than int64, and bool, are
 * multiplied as int32. The gradient is right where there are zeros, too.
 *
 * @throws {ShapeError} a dim is out of range.
 * @example prod(tensor([[1, 2], [3, 4]]), 1) // tensor([2., 12.])
 */
export const prod = reduction('prod', {
  combiner: 'prod',
  result: 'sum',
  empty: 1,
  saves: ['x'],
  vjp: (dy, { x }, attrs) => mul(unreduce(dy, attrs), othersOf(x, attrs)),
});
