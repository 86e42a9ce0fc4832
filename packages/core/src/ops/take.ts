import { checkIndex, checkSameDType, checkTensor } from '../dispatch/checks.ts';
import { composite, pointwise } from '../dispatch/declare.ts';
import { checkOptions, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { broadcastShapes, wrapDim } from '../shape.ts';
import { expand } from './broadcast.ts';
import { gather } from './gather.ts';
import { reshape } from './reshape.ts';
import { addAt, assignAt } from './scatter-at.ts';

/** Indices of `0..size-1`, those from the end made to count from the front. What is out of range stays so. */
export const fromFront = pointwise(
  'fromFront',
  (index, { size }) => index.lt(0).and(index.ge(size.neg())).select(index.add(size), index),
  { params: { size: 0 } },
);

const flat = (x: Tensor): Tensor => reshape(x, [x.size]);

/**
 * The elements of `x` at positions in row-major order, which count from the end when negative.
 *
 * - `index`: int32 or int64 of any shape
 * - returns: the shape of `index`, the dtype of `x`
 *
 * @throws {BackendError} a position lies outside; on some devices only when a value is read.
 * @example take(tensor([[1, 2], [3, 4]]), tensor([0, -1], { dtype: 'int32' })) // tensor([1., 4.])
 */
export const take = composite('take', (x: Tensor, index: Tensor): Tensor => {
  checkTensor('take', 'x', x);
  checkIndex('take', 'index', index);
  if (x.size === 0 && index.size > 0)
    throw new ShapeError(`take: ${showShape(x.shape)} has no elements to take`, { op: 'take' });
  return reshape(gather(flat(x), 0, fromFront(flat(index), { size: x.size })), index.shape);
});

export interface PutOptions {
  /** Adds to the elements instead of replacing them. Default false. */
  readonly accumulate?: boolean;
}

/**
 * `x` with the elements of `source` written to positions in row-major order, which count from the end when negative.
 *
 * - `index`: int32 or int64; `source`: as many elements, of the dtype of `x`
 *
 * @throws {ShapeError} `index` and `source` differ in size.
 * @throws {BackendError} a position lies outside; on some devices only when a value is read.
 * @example put(zeros([2, 2]), tensor([0, -1], { dtype: 'int32' }), tensor([5, 6])) // tensor([[5., 0.], [0., 6.]])
 */
export const put = composite(
  'put',
  (x: Tensor, index: Tensor, source: Tensor, options?: PutOptions): Tensor => {
    checkTensor('put', 'x', x);
    checkIndex('put', 'index', index);
    checkTensor('put', 'source', source);
    checkOptions('put', options, ['accumulate']);
    checkSameDType('put', 'source', source.dtype, x.dtype);
    if (index.size !== source.size)
      throw new ShapeError(
        `put: index ${showShape(index.shape)} and source ${showShape(source.shape)} must have as many elements`,
        { op: 'put' },
      );
    if (x.size === 0 && index.size > 0)
      throw new ShapeError(`put: ${showShape(x.shape)} has no elements to replace`, { op: 'put' });
    const write = options?.accumulate ? addAt : assignAt;
    return reshape(write(flat(x), 0, fromFront(flat(index), { size: x.size }), flat(source)), x.shape);
  },
  { inPlace: true },
);

/**
 * Takes elements along `dim` as `gather` does, with `x` and `indices` broadcast in all other dimensions; without `dim`,
 * from all elements in row-major order. Indices count from the end when negative.
 *
 * @throws {ShapeError} the shapes do not broadcast, or differ in the number of dimensions.
 * @throws {BackendError} an index is out of range; on some devices only when a value is read.
 * @example takeAlongDim(tensor([[3, 1, 2]]), tensor([[1, 2, 0]], { dtype: 'int32' }), 1) // tensor([[1., 2., 3.]])
 */
export const takeAlongDim = composite('takeAlongDim', (x: Tensor, indices: Tensor, dim?: number): Tensor => {
  checkTensor('takeAlongDim', 'x', x);
  checkIndex('takeAlongDim', 'indices', indices);
  if (dim === undefined || dim === null)
    return gather(flat(x), 0, fromFront(flat(indices), { size: x.size }));
  if (x.shape.length !== indices.shape.length) {
    throw new ShapeError(
      `takeAlongDim: x ${showShape(x.shape)} and indices ${showShape(indices.shape)} must have the same number of dimensions`,
      { op: 'takeAlongDim' },
    );
  }
  if (x.shape.length === 0)
    return gather(x, wrapDim('takeAlongDim', dim, x), fromFront(indices, { size: 1 }));
  const at = wrapDim('takeAlongDim', dim, x);
  const shape = broadcastShapes('takeAlongDim', x.shape.with(at, 1), indices.shape.with(at, 1));
  return gather(
    expand(x, shape.with(at, x.shape[at]!)),
    at,
    expand(fromFront(indices, { size: x.shape[at]! }), shape.with(at, indices.shape[at]!)),
  );
});
