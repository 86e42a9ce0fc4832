import { along } from '../dispatch/along.ts';
import { checkInteger, checkTensor } from '../dispatch/checks.ts';
import { composite, primitive } from '../dispatch/declare.ts';
import { operandWith } from '../dispatch/operands.ts';
import { checkOptions, ShapeError, showShape } from '../errors.ts';
import { withRecording } from '../graph/mode.ts';
import type { Tensor } from '../graph/tensor.ts';
import { wrapDim } from '../shape.ts';
import type { KeepdimOptions } from './arg-reduce.ts';
import { clone } from './copying.ts';
import { filled } from './filling.ts';
import { gather, gatherBackward } from './gather.ts';
import type { ValuesAndIndices } from './max-min.ts';
import { reshape } from './reshape.ts';
import { assignAt } from './scatter-at.ts';
import { narrow } from './slicing.ts';

export interface SortOptions {
  /** From the largest. Default false. */
  readonly descending?: boolean;
  /** Equal values keep their order; they always do. */
  readonly stable?: boolean;
}

/** Of a checked tensor and dim: sorted stably, NaN as the largest. */
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
  saves: ['indices'],
  // The indices are a permutation: each element is written once.
  vjp: ({ values: dy }, { indices }, { dim, shape }) =>
    dy === undefined ? {} : { x: assignAt(filled(dy.entry, shape, dy.dtype, 0), dim, indices, dy) },
});

function checked(
  op: string,
  x: Tensor,
  dim: number,
  options: SortOptions | undefined,
): [Tensor, number, boolean] {
  checkTensor(op, 'x', x);
  checkOptions(op, options, ['descending', 'stable']);
  return [x, wrapDim(op, dim, x), options?.descending ?? false];
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
  (x: Tensor, dim: number = -1, options?: SortOptions): ValuesAndIndices =>
    sortAlong(...checked('sort', x, dim, options)),
);

/** The indices alone; not recorded, as nothing would ever ask for the gradient of the values. */
const orderAlong = (x: Tensor, dim: number, descending: boolean): Tensor =>
  withRecording(false, () => sortAlong(x, dim, descending).indices);

/**
 * The int32 indices that would sort along `dim`, stably; NaN counts as the largest.
 *
 * @throws {ShapeError} `dim` is out of range.
 * @example argsort(tensor([3, 1, 2])) // tensor([1, 2, 0], dtype=torch.int32)
 */
export const argsort = composite(
  'argsort',
  (x: Tensor, dim: number = -1, options?: SortOptions): Tensor =>
    orderAlong(...checked('argsort', x, dim, options)),
);

/** Sorts along the first dimension, stably. */
export const msort = composite(
  'msort',
  (x: Tensor): Tensor => sortAlong(...checked('msort', x, 0, undefined)).values,
);

export interface TopkOptions {
  /** The largest, or the smallest. Default true. */
  readonly largest?: boolean;
  /** In order; they always are. */
  readonly sorted?: boolean;
}

/** Of a checked tensor and dim: `count` of the sorted elements from `start` on, with their indices. */
const rankedAlong = composite('rankedAlong', {
  infer(x: Tensor, dim: number, descending: boolean, start: number, count: number) {
    const shape = x.shape.length === 0 ? x.shape : x.shape.with(dim, count);
    return {
      inputs: { x },
      attrs: { dim, descending, start, count, shape: x.shape },
      outputs: { values: { shape, dtype: x.dtype }, indices: { shape, dtype: 'int32' as const } },
    };
  },
  decompose({ x }, { dim, descending, start, count }): ValuesAndIndices {
    const order = orderAlong(x, dim, descending);
    // A copy, so that the rest is not kept.
    const indices = x.shape.length === 0 ? order : clone(narrow(order, dim, start, count));
    return { values: gather(x, dim, indices), indices };
  },
  saves: ['indices'],
  vjp: ({ values: dy }, { indices }, { dim, shape }) => ({
    x: dy && gatherBackward(dy, dim, indices, shape),
  }),
});

/**
 * The `k` largest values along `dim`, in order, with their int32 indices; NaN counts as the largest.
 *
 * - `x`: `[..., n, ...]`
 * - returns: `values` and `indices`, `[..., k, ...]`
 *
 * @throws {ShapeError} `k` is not in `0..n`, or `dim` is out of range.
 * @example topk(tensor([1, 4, 2]), 2).values // tensor([4., 2.])
 */
export const topk = composite(
  'topk',
  (x: Tensor, k: number, dim: number = -1, options?: TopkOptions): ValuesAndIndices => {
    checkTensor('topk', 'x', x);
    checkInteger('topk', 'k', k);
    checkOptions('topk', options, ['largest', 'sorted']);
    const at = wrapDim('topk', dim, x);
    const size = x.shape[at] ?? 1;
    if (k < 0 || k > size) {
      throw new ShapeError(`topk: k is ${k}, but dim ${dim} of ${showShape(x.shape)} has ${size} elements`, {
        op: 'topk',
      });
    }
    return rankedAlong(x, at, options?.largest ?? true, 0, k);
  },
);

/**
 * The `k`-th smallest value along `dim`, counted from 1, and its int32 index; NaN counts as the largest.
 *
 * @throws {ShapeError} `k` is not in `1..n`, or `dim` is out of range.
 * @example kthvalue(tensor([3, 1, 2]), 2).values // tensor(2.)
 */
export const kthvalue = composite(
  'kthvalue',
  (x: Tensor, k: number, dim: number = -1, options?: KeepdimOptions): ValuesAndIndices => {
    checkTensor('kthvalue', 'x', x);
    checkInteger('kthvalue', 'k', k);
    checkOptions('kthvalue', options, ['keepdim']);
    const at = wrapDim('kthvalue', dim, x);
    const size = x.shape[at] ?? 1;
    if (k < 1 || k > size) {
      throw new ShapeError(
        `kthvalue: k is ${k}, but dim ${dim} of ${showShape(x.shape)} has ${size} elements`,
        { op: 'kthvalue' },
      );
    }
    const { values, indices } = rankedAlong(x, at, false, k - 1, 1);
    if (options?.keepdim || x.shape.length === 0) return { values, indices };
    const shape = x.shape.toSpliced(at, 1);
    return { values: reshape(values, shape), indices: reshape(indices, shape) };
  },
);
