import { pointwise, reduction } from '../dispatch/declare.ts';
import type { ReduceAttrs } from '../dispatch/reduction.ts';
import type { Tensor } from '../graph/tensor.ts';
import { div } from './arithmetic.ts';
import { sum, unreduce } from './broadcast.ts';
import { where } from './where.ts';

/**
 * The mean over `dim`, several dims, or all; NaN over no elements.
 *
 * @throws {DTypeError} integers and booleans, unless `dtype` names a floating one.
 * @throws {ShapeError} a dim is out of range.
 * @example mean(tensor([[1, 2], [3, 4]]), 0) // tensor([2., 3.])
 */
export const mean = reduction('mean', {
  combiner: 'sum',
  result: 'float',
  empty: Number.NaN,
  post: (total, { count }) => total.div(count),
  vjp: (dy, _saved, attrs) => unreduce(div(dy, attrs.count), attrs),
});

const sameValue = pointwise('isExtremum', (x, y) => x.eq(y).or(x.isnan().and(y.isnan())));

/** The gradient of a value that was chosen, shared equally by the elements that have it. */
export function shareAmongTies(
  dy: Tensor,
  { x, y }: { readonly x: Tensor; readonly y: Tensor },
  attrs: Pick<ReduceAttrs, 'shape' | 'dims' | 'keepdim'>,
): Tensor {
  const ties = sameValue(x, unreduce(y, attrs));
  const count = sum(ties, attrs.dims, { keepdim: attrs.keepdim });
  return where(ties, unreduce(div(dy, count), attrs), 0);
}

/**
 * The largest value over `dim`, several dims, or all; NaN spreads. Ties share the gradient.
 *
 * @throws {ShapeError} a dim is out of range, or has no elements.
 * @example amax(tensor([[1, 4], [3, 2]]), 1) // tensor([4., 3.])
 */
export const amax = reduction('amax', {
  combiner: 'max',
  result: 'same',
  saves: ['x', 'y'],
  vjp: shareAmongTies,
});

/**
 * The smallest value over `dim`, several dims, or all; NaN spreads. Ties share the gradient.
 *
 * @throws {ShapeError} a dim is out of range, or has no elements.
 */
export const amin = reduction('amin', {
  combiner: 'min',
  result: 'same',
  saves: ['x', 'y'],
  vjp: shareAmongTies,
});

/**
 * Whether all elements over `dim`, several dims, or the whole tensor are other than zero: bool; true over none.
 *
 * @example all(tensor([[1, 0], [1, 1]]), 1) // tensor([False, True])
 */
export const all = reduction('all', { combiner: 'all', result: 'bool', empty: true });

/** Whether any element over `dim`, several dims, or the whole tensor is other than zero: bool; false over none. */
export const any = reduction('any', { combiner: 'any', result: 'bool', empty: false });
