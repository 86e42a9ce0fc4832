import { along } from '../dispatch/along.ts';
import { checkTensor } from '../dispatch/checks.ts';
import { composite, primitive } from '../dispatch/declare.ts';
import { operandWith } from '../dispatch/operands.ts';
import { dimAndOptions } from '../dispatch/reduction.ts';
import { ArgumentError, checkOptions, DTypeError, describe, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { contiguousStrides, sizeOf, wrapDim } from '../shape.ts';
import { reshape } from './reshape.ts';

export interface KeepdimOptions {
  /** Keeps the reduced dimension with size 1. */
  readonly keepdim?: boolean;
}

/** Of a checked tensor and dim: the index of the extremum, with the dim kept at size 1; the first of ties, NaN wins. */
export const extremumIndex = primitive('argReduce', {
  infer(x: Tensor, dim: number, mode: 'max' | 'min') {
    const shape = x.shape.map((size, i) => (i === dim ? 1 : size));
    return { inputs: { x }, attrs: { dim, mode }, outputs: { y: { shape, dtype: 'int32' as const } } };
  },
  run(kernels, { y }, { x }, { dim, mode }) {
    const { shape, strides } = along(x.shape, dim, x.strides, contiguousStrides(y.shape));
    kernels.argReduce(mode, shape, operandWith(y, strides[1]!.slice(0, -1)), operandWith(x, strides[0]!));
  },
});

/** A dim to search along. @throws {ShapeError} it has no elements, or is out of range. */
export function searchedDim(op: string, x: Tensor, dim: number): number {
  if (typeof dim !== 'number')
    throw new ArgumentError(`${op}: dim must be a number, got ${describe(dim)}`, { op });
  const at = wrapDim(op, dim, x);
  if (x.shape[at] === 0)
    throw new ShapeError(`${op}: dim ${dim} of ${showShape(x.shape)} has no elements to choose from`, { op });
  return at;
}

function search(
  op: 'argmax' | 'argmin',
  x: Tensor,
  dimOrOptions: number | null | KeepdimOptions | undefined,
  given: KeepdimOptions | undefined,
): Tensor {
  checkTensor(op, 'x', x);
  const [dim, options] = dimAndOptions(dimOrOptions, given);
  checkOptions(op, options, ['keepdim']);
  if (x.dtype === 'bool')
    throw new DTypeError(`${op}: bool is not supported; convert it: to({ dtype: 'int32' })`, { op });
  const mode = op === 'argmax' ? 'max' : 'min';
  const keepdim = options?.keepdim ?? false;
  if (dim === null || dim === undefined) {
    if (sizeOf(x.shape) === 0)
      throw new ShapeError(
        `${op}: ${showShape(x.shape)} has no elements to choose from; name a dim that has some`,
        { op },
      );
    const index = extremumIndex(reshape(x, [-1]), 0, mode);
    return reshape(index, keepdim ? x.shape.map(() => 1) : []);
  }
  const at = searchedDim(op, x, dim as number);
  const index = extremumIndex(x, at, mode);
  return keepdim ? index : reshape(index, x.shape.toSpliced(at, 1));
}

/**
 * The index of the largest value along `dim`, or in the flattened tensor: int32. The first of ties; NaN counts as
 * the largest.
 *
 * @throws {ShapeError} there are no elements to choose from, or `dim` is out of range.
 * @throws {DTypeError} on bool.
 * @example argmax(tensor([[1, 3], [4, 2]]), 1) // tensor([1, 0], dtype=torch.int32)
 */
export const argmax = composite(
  'argmax',
  (x: Tensor, dim?: number | null | KeepdimOptions, options?: KeepdimOptions): Tensor =>
    search('argmax', x, dim, options),
);

/**
 * The index of the smallest value along `dim`, or in the flattened tensor: int32. The first of ties; NaN counts as
 * the smallest.
 *
 * @throws {ShapeError} there are no elements to choose from, or `dim` is out of range.
 * @throws {DTypeError} on bool.
 */
export const argmin = composite(
  'argmin',
  (x: Tensor, dim?: number | null | KeepdimOptions, options?: KeepdimOptions): Tensor =>
    search('argmin', x, dim, options),
);
