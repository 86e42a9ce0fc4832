import { checkTensor } from '../dispatch/checks.ts';
import { composite, type Declared, pointwise } from '../dispatch/declare.ts';
import { isFloating } from '../dtype.ts';
import { checkOptions } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sizeOf } from '../shape.ts';
import { type KeepdimOptions, searchedDim } from './arg-reduce.ts';
import { sum } from './broadcast.ts';
import { isnan } from './comparison.ts';
import { filled } from './filling.ts';
import { gather, gatherBackward } from './gather.ts';
import type { ValuesAndIndices } from './max-min.ts';
import { shareAmongTies } from './reductions.ts';
import { reshape } from './reshape.ts';
import { argsort } from './sorting.ts';

/** The median of all elements, or along a dimension with its index. */
export interface MedianOperator extends Declared {
  (x: Tensor): Tensor;
  (x: Tensor, dim: number, options?: KeepdimOptions): ValuesAndIndices;
}

/** The place of the median among `n` sorted values, the last `nans` of which are NaN: the first NaN where there is one. */
const medianPlace = pointwise(
  'medianPlace',
  (nans, { n }) => nans.gt(0).select(n.sub(nans), n.sub(1).floorDiv(2)),
  {
    params: { n: 0 },
  },
);

/** The place of the median among the numbers; that of a NaN where there is nothing else. */
const numberPlace = pointwise('numberPlace', (nans, { n }) => n.sub(nans).sub(1).max(0).floorDiv(2), {
  params: { n: 0 },
});

/** Along a checked dim, which stays with size 1. */
const medianAlong = composite('medianAlong', {
  infer(x: Tensor, dim: number, op: 'median' | 'nanmedian') {
    const shape = x.shape.length === 0 ? x.shape : x.shape.with(dim, 1);
    return {
      inputs: { x },
      attrs: { dim, op, shape: x.shape },
      outputs: { values: { shape, dtype: x.dtype }, indices: { shape, dtype: 'int32' as const } },
    };
  },
  decompose({ x }, { dim, op }): ValuesAndIndices {
    const n = x.shape[dim] ?? 1;
    if (x.shape.length === 0) {
      const indices = filled(x.entry, [], 'int32', 0);
      return { values: gather(x, 0, indices), indices };
    }
    const nans = isFloating(x.dtype)
      ? sum(isnan(x), dim, { keepdim: true })
      : filled(x.entry, x.shape.with(dim, 1), 'int32', 0);
    const place = op === 'median' ? medianPlace(nans, { n }) : numberPlace(nans, { n });
    const indices = gather(argsort(x, dim), dim, place);
    return { values: gather(x, dim, indices), indices };
  },
  saves: ['indices'],
  vjp: ({ values: dy }, { indices }, { dim, shape }) => ({
    x: dy && gatherBackward(dy, dim, indices, shape),
  }),
});

/** Of the whole tensor: elements of one value share the gradient, as in `max(x)`. NaN, or 0, of no elements. */
const medianOfAll = composite('median', {
  infer: (x: Tensor, op: 'median' | 'nanmedian') => ({
    inputs: { x },
    attrs: { op, shape: x.shape, dims: x.shape.map((_, dim) => dim), keepdim: false },
    outputs: { y: { shape: [], dtype: x.dtype } },
  }),
  decompose({ x }, { op }) {
    if (sizeOf(x.shape) === 0) return filled(x.entry, [], x.dtype, isFloating(x.dtype) ? Number.NaN : 0);
    return reshape(medianAlong(reshape(x, [-1]), 0, op).values, []);
  },
  saves: ['x', 'y'],
  vjp: ({ y: dy }, saved, attrs) => ({ x: dy && shareAmongTies(dy, saved, attrs) }),
});

function medianOf(
  op: 'median' | 'nanmedian',
  x: Tensor,
  dim: number | undefined,
  options: KeepdimOptions | undefined,
): Tensor | ValuesAndIndices {
  checkTensor(op, 'x', x);
  if (dim === undefined) return medianOfAll(x, op);
  checkOptions(op, options, ['keepdim']);
  const at = searchedDim(op, x, dim);
  const { values, indices } = medianAlong(x, at, op);
  if (options?.keepdim || x.shape.length === 0) return { values, indices };
  const shape = x.shape.toSpliced(at, 1);
  return { values: reshape(values, shape), indices: reshape(indices, shape) };
}

/**
 * The median of all elements, or of those along `dim` with its index: of an even number of values the lower of the two
 * in the middle; NaN where there is one. Along `dim` the gradient goes to the element at the index; of all elements,
 * those of the median's value share it.
 *
 * @throws {ShapeError} `dim` is out of range, or has no elements.
 * @example median(tensor([3, 1, 2, 4])) // tensor(2.)
 */
// One function serves both forms; which result belongs to which is written in the interface.
export const median: MedianOperator = composite(
  'median',
  (x: Tensor, dim?: number, options?: KeepdimOptions) => medianOf('median', x, dim, options),
) as unknown as MedianOperator;

/**
 * The median of the elements that are not NaN, of all or of those along `dim` with its index; NaN where there are none.
 *
 * @throws {ShapeError} `dim` is out of range, or has no elements.
 */
export const nanmedian: MedianOperator = composite(
  'nanmedian',
  (x: Tensor, dim?: number, options?: KeepdimOptions) => medianOf('nanmedian', x, dim, options),
) as unknown as MedianOperator;
