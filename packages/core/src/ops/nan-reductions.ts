import { checkTensor } from '../dispatch/checks.ts';
import { composite, pointwise, reduction } from '../dispatch/declare.ts';
import { type Dims, dimAndOptions, type ReduceOptions } from '../dispatch/reduction.ts';
import { getDefaultDtype, isDifferentiable } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { div } from './arithmetic.ts';
import { sum, unreduce } from './broadcast.ts';
import { ne } from './comparison.ts';

const withoutNaN = pointwise('withoutNaN', (dy, x) => x.isnan().select(0, dy), { promoted: [true, false] });
const isNumber = pointwise('isNumber', (x) => x.isnan().not());

/**
 * The sum over `dim`, several dims, or all, of what is not NaN. Integers narrower than int64, and bool, are summed as
 * int32.
 *
 * @throws {ShapeError} a dim is out of range.
 * @example nansum(tensor([1, NaN, 2])) // tensor(3.)
 */
export const nansum = reduction('nansum', {
  combiner: 'sum',
  pre: (x) => x.isnan().select(0, x),
  result: 'sum',
  empty: 0,
  saves: ['x'],
  vjp: (dy, { x }, attrs) => withoutNaN(unreduce(dy, attrs), x),
});

/**
 * The mean over `dim`, several dims, or all, of what is not NaN; NaN where there is nothing else.
 *
 * @throws {DTypeError} integers and booleans. @throws {ShapeError} a dim is out of range.
 * @example nanmean(tensor([1, NaN, 2])) // tensor(1.5000)
 */
export const nanmean = composite(
  'nanmean',
  (x: Tensor, dimOrOptions?: Dims | ReduceOptions, given?: ReduceOptions): Tensor => {
    checkTensor('nanmean', 'x', x);
    const [dim, options] = dimAndOptions<ReduceOptions>(dimOrOptions, given);
    if (!isDifferentiable(x.dtype)) {
      throw new DTypeError(
        `nanmean: ${x.dtype} has no NaN; use mean with a floating dtype: { dtype: '${getDefaultDtype()}' }`,
        { op: 'nanmean' },
      );
    }
    const count = sum(isNumber(x), dim, { keepdim: options?.keepdim ?? false });
    return div(nansum(x, dim, options), count);
  },
);

/**
 * How many elements over `dim`, several dims, or all, are other than zero: int32.
 *
 * @throws {ShapeError} a dim is out of range.
 * @example countNonzero(tensor([[1, 0], [2, 3]]), 1) // tensor([1, 2], dtype=torch.int32)
 */
export const countNonzero = composite('countNonzero', (x: Tensor, dim?: Dims): Tensor => {
  checkTensor('countNonzero', 'x', x);
  return sum(ne(x, 0), dim);
});
