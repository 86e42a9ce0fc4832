import { along } from '../dispatch/along.ts';
import { checkTensor } from '../dispatch/checks.ts';
import { composite, primitive } from '../dispatch/declare.ts';
import { operandWith } from '../dispatch/operands.ts';
import { ArgumentError, checkOptions, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { wrapDim } from '../shape.ts';
import type { KeepdimOptions } from './arg-reduce.ts';
import { clone } from './copying.ts';
import { filled, zerosOf } from './filling.ts';
import type { ValuesAndIndices } from './max-min.ts';
import { reshape } from './reshape.ts';
import { scatterAdd } from './scatter.ts';
import { narrow } from './slicing.ts';

export interface SortOptions {
  /** From the largest. Default false. */
  readonly descending?: boolean;
  /** Equal values keep their order; they always do. */
  readonly stable?: boolean;
}

/** Of a checked tensor with dimensions: sorted along `dim`, stably, NaN as the largest. */
const sortAlong = primitive('sort', {
  infer: (x: Tensor, dim: number, descending: boolean) => ({
    inputs: { x },
    attrs: { dim, descending, shape: x.shape },
    outputs: {
      values: { shape: x.shape, dtype: x.dtype },
      indices: { shape: x.shape, dtype: 'int32' as const },
    },
  }),
  run(kernels, { values, indices }, { x }, { dim, descending }) {
    const { shape, strides } = along(x.shape, dim, values.strides, indices.strides, x.strides);
    kernels.sort(
      shape,
      operandWith(values, strides[0]!),
      operandWith(indices, strides[1]!),
      operandWith(x, strides[2]!),
      descending,
    );
  },
  saves: ['indices', 'x'],
  vjp: ({ values: dy }, { indices, x }, { dim }) =>
    dy === undefined ? {} : { x: scatterAdd(zerosOf(x), dim, indices, dy) },
});

/** `sortAlong`, also of a tensor without dimensions. */
function sorted(
  op: string,
  x: Tensor,
  dim: number,
  descending: boolean,
): ValuesAndIndices & { readonly dim: number } {
  checkTensor(op, 'x', x);
  const at = wrapDim(op, dim, x);
  if (x.shape.length > 0) return { ...sortAlong(x, at, descending), dim: at };
  return { values: clone(x), indices: filled(x.entry, [], 'int32', 0), dim: 0 };
}

/**
 * Sorts along `dim`, stably; NaN counts as the largest.
 *
 * - `x`: `[..., n, ...]`
 * - returns: `values` and int32 `indices`, both of the shape of `x`
 *
 * @throws {ShapeError} `dim` is out of range.
 * @example sort(tensor([3, 1, 2])).values // tensor([1., 2., 3.])
 */
export const sort = composite(
  'sort',
  (x: Tensor, dim: number = -1, options: SortOptions = {}): ValuesAndIndices => {
    checkOptions('sort', options, ['descending', 'stable']);
    const { values, indices } = sorted('sort', x, dim, options.descending ?? false);
    return { values, indices };
  },
);

/** The indices that `sort` gives. */
export const argsort = composite(
  'argsort',
  (x: Tensor, dim: number = -1, options: SortOptions = {}): Tensor => {
    checkOptions('argsort', options, ['descending', 'stable']);
    return sorted('argsort', x, dim, options.descending ?? false).indices;
  },
);

/** Sorts along the first dimension. */
export const msort = composite('msort', (x: Tensor): Tensor => sorted('msort', x, 0, false).values);

export interface TopkOptions {
  /** The largest, or the smallest. Default true. */
  readonly largest?: boolean;
  /** In order; they always are. */
  readonly sorted?: boolean;
}

/**
 * The `k` largest values along `dim`, in order, with their indices.
 *
 * @throws {ShapeError} `k` is not in `0..n`, or `dim` is out of range.
 * @example topk(tensor([1, 4, 2]), 2).values // tensor([4., 2.])
 */
export const topk = composite(
  'topk',
  (x: Tensor, k: number, dim: number = -1, options: TopkOptions = {}): ValuesAndIndices => {
    checkOptions('topk', options, ['largest', 'sorted']);
    checkTensor('topk', 'x', x);
    const size = x.shape[wrapDim('topk', dim, x)] ?? 1;
    if (!Number.isInteger(k) || k < 0 || k > size)
      throw new ShapeError(`topk: k is ${k}, but dim ${dim} of ${showShape(x.shape)} has ${size} elements`, {
        op: 'topk',
      });
    const { values, indices, dim: at } = sorted('topk', x, dim, options.largest ?? true);
    if (x.shape.length === 0) return { values, indices };
    return { values: clone(narrow(values, at, 0, k)), indices: clone(narrow(indices, at, 0, k)) };
  },
);

/** The element at `rank`, from 0, of a sorted tensor. */
function nth(op: string, x: Tensor, rank: number, dim: number, keepdim: boolean): ValuesAndIndices {
  const { values, indices, dim: at } = sorted(op, x, dim, false);
  if (x.shape.length === 0) return { values, indices };
  const shape = keepdim ? x.shape.with(at, 1) : x.shape.toSpliced(at, 1);
  return {
    values: reshape(clone(narrow(values, at, rank, 1)), shape),
    indices: reshape(clone(narrow(indices, at, rank, 1)), shape),
  };
}

/**
 * The `k`-th smallest value along `dim`, counted from 1, and its index.
 *
 * @throws {ShapeError} `k` is not in `1..n`.
 */
export const kthvalue = composite(
  'kthvalue',
  (x: Tensor, k: number, dim: number = -1, options: KeepdimOptions = {}): ValuesAndIndices => {
    checkOptions('kthvalue', options, ['keepdim']);
    checkTensor('kthvalue', 'x', x);
    const size = x.shape[wrapDim('kthvalue', dim, x)] ?? 1;
    if (!Number.isInteger(k) || k < 1 || k > size)
      throw new ShapeError(
        `kthvalue: k is ${k}, but dim ${dim} of ${showShape(x.shape)} has ${size} elements`,
        { op: 'kthvalue' },
      );
    return nth('kthvalue', x, k - 1, dim, options.keepdim ?? false);
  },
);

/** The median of all elements, or along a dimension with its index. */
export interface MedianOperator {
  (x: Tensor): Tensor;
  (x: Tensor, dim: number, options?: KeepdimOptions): ValuesAndIndices;
}

function lowerMedian(x: Tensor, dim?: number, options: KeepdimOptions = {}): Tensor | ValuesAndIndices {
  checkTensor('median', 'x', x);
  checkOptions('median', options, ['keepdim']);
  const whole = dim === undefined;
  const flat = whole ? reshape(x, [-1]) : x;
  const size = flat.shape[wrapDim('median', dim ?? 0, flat)] ?? 1;
  if (size === 0)
    throw new ArgumentError(`median: ${showShape(x.shape)} has no elements to choose from`, { op: 'median' });
  const found = nth('median', flat, (size - 1) >> 1, dim ?? 0, options.keepdim ?? false);
  return whole ? found.values : found;
}

/**
 * The median: of an even number of values the lower of the two in the middle, as in PyTorch.
 *
 * @throws {ArgumentError} there are no elements.
 * @example median(tensor([3, 1, 2])) // tensor(2.)
 */
export const median = composite('median', lowerMedian) as unknown as MedianOperator & {
  readonly opName: string;
};
