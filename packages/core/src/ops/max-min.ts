import { checkTensor } from '../dispatch/checks.ts';
import { composite, type Declared } from '../dispatch/declare.ts';
import { dimAndOptions } from '../dispatch/reduction.ts';
import { checkOptions } from '../errors.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { extremumIndex, type KeepdimOptions, searchedDim } from './arg-reduce.ts';
import { maximum, minimum } from './extremum.ts';
import { gather } from './gather.ts';
import { amax, amin } from './reductions.ts';
import { reshape } from './reshape.ts';

/** Values chosen along a dimension, and where they stood: int32 indices. */
export interface ValuesAndIndices {
  readonly values: Tensor;
  readonly indices: Tensor;
}

/** One extremum of all elements, of those along a dimension, or of two tensors element by element. */
export interface ExtremumOperator extends Declared {
  (x: Tensor): Tensor;
  (x: Tensor, other: Tensor): Tensor;
  (x: Tensor, dim: number, options?: KeepdimOptions): ValuesAndIndices;
}

/** The extremum along `dim`, with its index; its gradient goes to that element alone. */
function extremumAlong(
  op: string,
  mode: 'max' | 'min',
  x: Tensor,
  dim: number,
  keepdim: boolean,
): ValuesAndIndices {
  const at = searchedDim(op, x, dim);
  const indices = extremumIndex(x, at, mode);
  const values = gather(x, at, indices);
  if (keepdim || x.shape.length === 0) return { values, indices };
  const shape = x.shape.toSpliced(at, 1);
  return { values: reshape(values, shape), indices: reshape(indices, shape) };
}

function extremum(op: 'max' | 'min'): ExtremumOperator {
  const find = (x: Tensor, by?: Tensor | number, options?: KeepdimOptions): Tensor | ValuesAndIndices => {
    checkTensor(op, 'x', x);
    if (by === undefined) return op === 'max' ? amax(x) : amin(x);
    if (isTensor(by)) return op === 'max' ? maximum(x, by) : minimum(x, by);
    checkOptions(op, options, ['keepdim']);
    return extremumAlong(op, op, x, by, options?.keepdim ?? false);
  };
  // One function serves the three forms; which result belongs to which is written in the interface.
  return composite(op, find) as unknown as ExtremumOperator;
}

/**
 * The largest value: of the whole tensor, `max(x)`; along a dimension with its index, `max(x, dim)`; of two tensors
 * element by element, `max(x, other)`. NaN spreads.
 *
 * In `max(x)` ties share the gradient; in `max(x, dim)` the element at the index gets it.
 *
 * @throws {ShapeError} there are no elements to choose from, or `dim` is out of range.
 * @example max(tensor([[1, 3], [4, 2]]), 1).values // tensor([3., 4.])
 */
export const max: ExtremumOperator = extremum('max');

/**
 * The smallest value: of the whole tensor, `min(x)`; along a dimension with its index, `min(x, dim)`; of two tensors
 * element by element, `min(x, other)`. NaN spreads. Gradients as of `max`.
 *
 * @throws {ShapeError} there are no elements to choose from, or `dim` is out of range.
 */
export const min: ExtremumOperator = extremum('min');

export interface AminmaxOptions extends KeepdimOptions {
  /** Default: the whole tensor. */
  readonly dim?: number | null;
}

/**
 * The smallest and the largest value, along `dim` or of the whole tensor. Ties share the gradient.
 *
 * @throws {ShapeError} there are no elements to choose from, or `dim` is out of range.
 */
export const aminmax = composite(
  'aminmax',
  (
    x: Tensor,
    dimOrOptions?: number | null | AminmaxOptions,
    given?: KeepdimOptions,
  ): { readonly min: Tensor; readonly max: Tensor } => {
    checkTensor('aminmax', 'x', x);
    const [dim, options] = dimAndOptions<AminmaxOptions>(dimOrOptions, given);
    checkOptions('aminmax', options, ['dim', 'keepdim']);
    const keepdim = options?.keepdim ?? false;
    const along = dim ?? options?.dim;
    return { min: amin(x, along, { keepdim }), max: amax(x, along, { keepdim }) };
  },
);
