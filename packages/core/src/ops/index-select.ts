import { checkIndex, checkSameDType, checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { isInteger, type Scalar } from '../dtype.ts';
import { ArgumentError, checkOptions, describe, ShapeError, showShape } from '../errors.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { sameShape, wrapDim } from '../shape.ts';
import { mul } from './arithmetic.ts';
import { cast } from './copying.ts';
import { filled } from './filling.ts';
import { gather } from './gather.ts';
import { alongLine } from './positions.ts';
import { reshape } from './reshape.ts';
import { scatterReduce } from './scatter.ts';
import { addAt, assignAt, valueAt } from './scatter-at.ts';
import { where } from './where.ts';

/** Checks a tensor and a line of indices; gives `dim` from the front and the line laid along it. */
function prepare(op: string, x: Tensor, dim: number, index: Tensor): { at: number; line: Tensor } {
  checkTensor(op, 'x', x);
  checkIndex(op, 'index', index);
  const at = wrapDim(op, dim, x);
  if (index.shape.length > 1)
    throw new ShapeError(`${op}: index must have one dimension at most, got ${showShape(index.shape)}`, {
      op,
    });
  if (x.shape.length === 0 && index.size !== 1) {
    throw new ShapeError(`${op}: a tensor without dimensions takes one index, got ${index.size}`, { op });
  }
  if (index.size > 0 && x.shape[at] === 0)
    throw new ShapeError(`${op}: dim ${at} of ${showShape(x.shape)} has no elements to index`, { op });
  return { at, line: alongLine(index, at, x.shape) };
}

/** `source` as the slices of `x` that the line names. */
function slices(op: string, x: Tensor, source: Tensor, line: Tensor): Tensor {
  checkTensor(op, 'source', source);
  checkSameDType(op, 'source', source.dtype, x.dtype);
  if (sameShape(source.shape, line.shape)) return source;
  if (source.size === 1 && line.size === 1 && source.shape.length < 2 && line.shape.length < 2)
    return reshape(source, line.shape);
  throw new ShapeError(
    `${op}: source has shape ${showShape(source.shape)}; for x ${showShape(x.shape)} and this index it must have ${showShape(line.shape)}`,
    { op },
  );
}

/**
 * The slices of `x` along `dim` that `index` names, in its order; a copy.
 *
 * - `x`: `[..., n, ...]`; `index`: int32 or int64 `[m]`, values in `0..n-1`
 * - returns: `[..., m, ...]`
 *
 * @throws {ShapeError} `index` has several dimensions.
 * @throws {BackendError} an index is negative or too large; on some devices only when a value is read.
 * @example indexSelect(tensor([[1, 2], [3, 4]]), 1, tensor([1], { dtype: 'int32' })) // tensor([[2.], [4.]])
 */
export const indexSelect = composite('indexSelect', (x: Tensor, dim: number, index: Tensor): Tensor => {
  const { at, line } = prepare('indexSelect', x, dim, index);
  return gather(x, at, line);
});

export interface IndexAddOptions {
  /** A factor for `source`. Default 1. */
  readonly alpha?: number | boolean;
}

/**
 * `x` with `alpha * source` added to the slices along `dim` that `index` names; an index that repeats adds each time.
 *
 * - `x`: `[..., n, ...]`; `index`: int32 or int64 `[m]`; `source`: `[..., m, ...]` of the dtype of `x`
 *
 * @throws {ShapeError} `source` does not fit.
 * @throws {BackendError} an index is negative or too large; on some devices only when a value is read.
 * @example indexAdd(zeros([2]), 0, tensor([1, 1], { dtype: 'int32' }), tensor([2, 3])) // tensor([0., 5.])
 */
export const indexAdd = composite(
  'indexAdd',
  (x: Tensor, dim: number, index: Tensor, source: Tensor, options?: IndexAddOptions): Tensor => {
    checkOptions('indexAdd', options, ['alpha']);
    const alpha = Number(options?.alpha ?? 1);
    const { at, line } = prepare('indexAdd', x, dim, index);
    const added = slices('indexAdd', x, source, line);
    if (isInteger(x.dtype) && !Number.isInteger(alpha)) {
      throw new ArgumentError(`indexAdd: alpha must be an integer for ${x.dtype}, got ${alpha}`, {
        op: 'indexAdd',
      });
    }
    return addAt(x, at, line, alpha === 1 ? added : cast(mul(added, alpha), x.dtype));
  },
  { inPlace: true },
);

/**
 * `x` with the slices along `dim` that `index` names replaced by those of `source`.
 *
 * - `x`: `[..., n, ...]`; `index`: int32 or int64 `[m]`; `source`: `[..., m, ...]` of the dtype of `x`
 *
 * @throws {ShapeError} `source` does not fit.
 * @throws {BackendError} an index is negative or too large; on some devices only when a value is read.
 * @example indexCopy(zeros([3]), 0, tensor([2, 0], { dtype: 'int32' }), tensor([5, 6])) // tensor([6., 0., 5.])
 */
export const indexCopy = composite(
  'indexCopy',
  (x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor => {
    const { at, line } = prepare('indexCopy', x, dim, index);
    return assignAt(x, at, line, slices('indexCopy', x, source, line));
  },
  { inPlace: true },
);

/**
 * `x` with the slices along `dim` that `index` names filled with one value: a number, or a tensor without dimensions.
 *
 * @throws {ShapeError} `value` has dimensions.
 * @throws {BackendError} an index is negative or too large; on some devices only when a value is read.
 * @example indexFill(zeros([3]), 0, tensor([0, 2], { dtype: 'int32' }), 7) // tensor([7., 0., 7.])
 */
export const indexFill = composite(
  'indexFill',
  (x: Tensor, dim: number, index: Tensor, value: Tensor | Scalar): Tensor => {
    const { at, line } = prepare('indexFill', x, dim, index);
    if (!isTensor(value)) {
      if (typeof value === 'object' || typeof value === 'string' || value === undefined) {
        throw new ArgumentError(
          `indexFill: value must be a number or a tensor without dimensions, got ${describe(value)}`,
          { op: 'indexFill' },
        );
      }
      return assignAt(x, at, line, valueAt(x, line, value));
    }
    if (value.shape.length > 0)
      throw new ShapeError(
        `indexFill: value must be a number or a tensor without dimensions, got shape ${showShape(value.shape)}`,
        { op: 'indexFill' },
      );
    // By a mask, so that a place named twice counts once in the gradient of the value.
    const untouched = filled(x.entry, x.shape, 'bool', false);
    const touched = assignAt(untouched, at, line, valueAt(untouched, line, true));
    return where(touched, cast(value, x.dtype), x);
  },
  { inPlace: true },
);

export type IndexReduction = 'prod' | 'mean' | 'amax' | 'amin';

export interface IndexReduceOptions {
  /** Whether the value of `x` takes part. Default true. */
  readonly includeSelf?: boolean;
}

/**
 * `x` with the slices of `source` reduced into those along `dim` that `index` names.
 *
 * - `x`: `[..., n, ...]`; `index`: int32 or int64 `[m]`; `source`: `[..., m, ...]` of the dtype of `x`
 *
 * @throws {ShapeError} `source` does not fit.
 * @throws {ArgumentError} `reduce` is unknown.
 * @example indexReduce(ones([2]), 0, tensor([1, 1], { dtype: 'int32' }), tensor([2, 3]), 'prod') // tensor([1., 6.])
 */
export const indexReduce = composite(
  'indexReduce',
  (
    x: Tensor,
    dim: number,
    index: Tensor,
    source: Tensor,
    reduce: IndexReduction,
    options?: IndexReduceOptions,
  ): Tensor => {
    checkOptions('indexReduce', options, ['includeSelf']);
    if (!['prod', 'mean', 'amax', 'amin'].includes(reduce)) {
      throw new ArgumentError(
        `indexReduce: reduce must be 'prod', 'mean', 'amax' or 'amin', got ${describe(reduce)}`,
        { op: 'indexReduce' },
      );
    }
    const { at, line } = prepare('indexReduce', x, dim, index);
    return scatterReduce(x, at, line, slices('indexReduce', x, source, line), reduce, {
      includeSelf: options?.includeSelf ?? true,
    });
  },
  { inPlace: true },
);
