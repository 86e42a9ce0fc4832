import { checkIndices, checkReach, checkSameDType, checkTensor } from '../dispatch/checks.ts';
import { composite, pointwise } from '../dispatch/declare.ts';
import { isDifferentiable, RANGES, type Scalar } from '../dtype.ts';
import { ArgumentError, checkOptions, describe } from '../errors.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { sameShape, sizeOf, wrapDim } from '../shape.ts';
import { onesOf, zerosOf } from './filling.ts';
import { reshape } from './reshape.ts';
import { addAt, assignAt, maximumAt, minimumAt, multiplyAt, valueAt } from './scatter-at.ts';
import { sliceView } from './slicing.ts';

/** Checks what all of the family take; gives `dim` from the front and `src` cut to the index's sizes. */
function prepare(
  op: string,
  x: Tensor,
  dim: number,
  index: Tensor,
  src: Tensor,
): { at: number; source: Tensor } {
  checkTensor(op, 'x', x);
  checkIndices(op, index);
  checkTensor(op, 'src', src);
  checkSameDType(op, 'src', src.dtype, x.dtype);
  const at = wrapDim(op, dim, x);
  if (sizeOf(index.shape) === 0) return { at, source: valueAt(x, index, 0) };
  checkReach(op, x.shape, index.shape, at);
  checkReach(op, src.shape, index.shape, null, 'src');
  return { at, source: cut(src, index.shape) };
}

/** The first elements of `src` along each dimension, as many as `shape` has. */
function cut(src: Tensor, shape: readonly number[]): Tensor {
  if (sameShape(src.shape, shape)) return src;
  if (src.shape.length !== shape.length) return reshape(sliceView(reshape(src, [-1]), 0, 0, 1, 1), shape);
  return shape.reduce(
    (part, size, dim) => (part.shape[dim] === size ? part : sliceView(part, dim, 0, size, 1)),
    src,
  );
}

export interface ScatterOptions {
  /** What to do with the value that is there: replace it (the default), add to it, or multiply it. */
  readonly reduce?: 'add' | 'multiply' | null;
}

/**
 * Writes `src` into a copy of `x`, each element to its own place along `dim`: for `dim` 1, `y[i, index[i, j]] = src[i, j]`.
 * Where an index repeats, one of the values stays.
 *
 * - `x`: `[..., n, ...]`; `index`: int32 or int64 of as many dimensions, not larger than `x` in any but `dim`
 * - `src`: a number, or a tensor of the dtype of `x`, at least as large as `index`
 *
 * @throws {ShapeError} `index` does not fit `x` or `src`.
 * @throws {DTypeError} `index` is not of integers, or `src` has another dtype than `x`.
 * @throws {BackendError} an index is negative or too large; on some devices only when a value is read.
 * @example scatter(zeros([3]), 0, tensor([2, 0], { dtype: 'int32' }), tensor([5, 6])) // tensor([6., 0., 5.])
 */
export const scatter = composite(
  'scatter',
  (x: Tensor, dim: number, index: Tensor, src: Tensor | Scalar, options?: ScatterOptions): Tensor => {
    checkOptions('scatter', options, ['reduce']);
    const write = scatterWay(options?.reduce);
    checkTensor('scatter', 'x', x);
    checkTensor('scatter', 'index', index);
    const { at, source } = prepare(
      'scatter',
      x,
      dim,
      index,
      isTensor(src) ? src : valueAt(x, index, checkScalar('scatter', src)),
    );
    return write(x, at, index, source);
  },
  { inPlace: true },
);

function scatterWay(reduce: unknown): typeof assignAt {
  switch (reduce ?? null) {
    case null:
      return assignAt;
    case 'add':
      return addAt;
    case 'multiply':
      return multiplyAt;
    default:
      throw new ArgumentError(
        `scatter: reduce must be 'add' or 'multiply', got ${describe(reduce)}; scatterReduce has more`,
        { op: 'scatter' },
      );
  }
}

function checkScalar(op: string, value: unknown): Scalar {
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return value;
  throw new ArgumentError(`${op}: src must be a tensor or a number, got ${describe(value)}`, { op });
}

/**
 * Adds `src` to a copy of `x`, each element at its own place along `dim`: for `dim` 1, `y[i, index[i, j]] += src[i, j]`.
 *
 * - `x`: `[..., n, ...]`; `index`: int32 or int64 of as many dimensions, not larger than `x` in any but `dim`
 * - `src`: of the dtype of `x`, at least as large as `index`
 *
 * @throws {ShapeError} `index` does not fit `x` or `src`.
 * @throws {DTypeError} `index` is not of integers, or `src` has another dtype than `x`.
 * @throws {BackendError} an index is negative or too large; on some devices only when a value is read.
 * @example scatterAdd(zeros([2]), 0, tensor([1, 1, 0], { dtype: 'int32' }), tensor([1, 2, 3])) // tensor([3., 3.])
 */
export const scatterAdd = composite(
  'scatterAdd',
  (x: Tensor, dim: number, index: Tensor, src: Tensor): Tensor => {
    const { at, source } = prepare('scatterAdd', x, dim, index, src);
    return addAt(x, at, index, source);
  },
  { inPlace: true },
);

/** How several values at one place become one. */
export type ScatterReduction = 'sum' | 'prod' | 'mean' | 'amax' | 'amin';

export interface ScatterReduceOptions {
  /** Whether the value of `x` takes part. Default true. */
  readonly includeSelf?: boolean;
}

/**
 * Reduces `src` into a copy of `x`, each element at its own place along `dim`: for `dim` 1 and `sum`,
 * `y[i, index[i, j]] += src[i, j]`. Ties of `amax` and `amin` share their gradient equally; the gradient of `prod` is right at zeros.
 *
 * - `x`: `[..., n, ...]`; `index`: int32 or int64 of as many dimensions, not larger than `x` in any but `dim`
 * - `src`: of the dtype of `x`, at least as large as `index`
 *
 * @throws {ShapeError} `index` does not fit `x` or `src`.
 * @throws {DTypeError} `index` is not of integers, or `src` has another dtype than `x`.
 * @throws {ArgumentError} `reduce` is unknown.
 * @throws {BackendError} an index is negative or too large; on some devices only when a value is read.
 * @example scatterReduce(zeros([2]), 0, tensor([0, 0, 1], { dtype: 'int32' }), tensor([1, 3, 5]), 'mean', { includeSelf: false }) // tensor([2., 5.])
 */
export const scatterReduce = composite(
  'scatterReduce',
  (
    x: Tensor,
    dim: number,
    index: Tensor,
    src: Tensor,
    reduce: ScatterReduction,
    options?: ScatterReduceOptions,
  ): Tensor => {
    checkOptions('scatterReduce', options, ['includeSelf']);
    const { at, source } = prepare('scatterReduce', x, dim, index, src);
    const includeSelf = options?.includeSelf ?? true;
    // Places that are written to begin at the reduction's neutral value.
    const from = (neutral: Scalar): Tensor =>
      includeSelf ? x : assignAt(x, at, index, valueAt(x, index, neutral));
    switch (reduce) {
      case 'sum':
        return addAt(from(0), at, index, source);
      case 'prod':
        return multiplyAt(from(1), at, index, source);
      case 'mean':
        return average(addAt(from(0), at, index, source), counts(x, at, index, includeSelf));
      case 'amax':
        return maximumAt(from(RANGES[x.dtype][0]), at, index, source);
      case 'amin':
        return minimumAt(from(RANGES[x.dtype][1]), at, index, source);
      default:
        throw new ArgumentError(
          `scatterReduce: reduce must be 'sum', 'prod', 'mean', 'amax' or 'amin', got ${describe(reduce)}`,
          { op: 'scatterReduce' },
        );
    }
  },
  { inPlace: true },
);

const divide = pointwise('scatterMean', (total, count) => total.div(count));
const divideDown = pointwise('scatterMean', (total, count) => total.floorDiv(count));

/** As in PyTorch, means of integers are rounded down. */
const average = (total: Tensor, count: Tensor): Tensor =>
  isDifferentiable(total.dtype) ? divide(total, count) : divideDown(total, count);

const atLeastOne = pointwise('atLeastOne', (count) => count.max(1));

/** How many values meet at each place. */
function counts(x: Tensor, dim: number, index: Tensor, includeSelf: boolean): Tensor {
  const count = addAt(includeSelf ? onesOf(x) : zerosOf(x), dim, index, valueAt(x, index, 1));
  return includeSelf ? count : atLeastOne(count);
}
