import { checkIntegers, checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { ArgumentError, checkOptions, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sizeOf, wrapDim, wrapDims } from '../shape.ts';
import { permute, reshape, transpose } from './reshape.ts';

export interface FlattenOptions {
  /** The first dimension to join. Default 0. */
  readonly startDim?: number;
  /** The last dimension to join. Default -1. */
  readonly endDim?: number;
}

/**
 * The tensor with dimensions `startDim` to `endDim` joined into one. Shares memory where the strides allow, else copies.
 *
 * @throws {ShapeError} a dim is out of range, or `startDim` lies behind `endDim`.
 * @example flatten(zeros([2, 3, 4]), { startDim: 1 }).shape // [2, 12]
 */
export const flatten = composite('flatten', (x: Tensor, options?: FlattenOptions): Tensor => {
  checkTensor('flatten', 'x', x);
  checkOptions('flatten', options, ['startDim', 'endDim']);
  const start = wrapDim('flatten', options?.startDim ?? 0, x);
  const end = wrapDim('flatten', options?.endDim ?? -1, x);
  if (start > end)
    throw new ShapeError(`flatten: startDim ${start} lies behind endDim ${end} of ${showShape(x.shape)}`, {
      op: 'flatten',
    });
  const { shape } = x;
  return reshape(x, [...shape.slice(0, start), sizeOf(shape.slice(start, end + 1)), ...shape.slice(end + 1)]);
});

/** All elements in one dimension. @example ravel(tensor([[1, 2], [3, 4]])) // tensor([1., 2., 3., 4.]) */
export const ravel = composite('ravel', (x: Tensor): Tensor => {
  checkTensor('ravel', 'x', x);
  return reshape(x, [x.size]);
});

/** The tensor in the shape of another. Shares memory where the strides allow, else copies. */
export const reshapeAs = composite('reshapeAs', (x: Tensor, other: Tensor): Tensor => {
  checkTensor('reshapeAs', 'other', other);
  return reshape(x, other.shape);
});

/**
 * The tensor with one dimension laid out as several; one size may be -1. Shares memory.
 *
 * @throws {ShapeError} the sizes do not multiply to that of the dimension.
 * @example unflatten(zeros([2, 12]), 1, [3, -1]).shape // [2, 3, 4]
 */
export const unflatten = composite(
  'unflatten',
  (x: Tensor, dim: number, sizes: readonly number[]): Tensor => {
    checkTensor('unflatten', 'x', x);
    checkIntegers('unflatten', 'sizes', sizes);
    if (x.shape.length === 0)
      throw new ShapeError('unflatten: a tensor without dimensions has none to lay out', { op: 'unflatten' });
    const at = wrapDim('unflatten', dim, x);
    if (sizes.length === 0)
      throw new ArgumentError('unflatten: sizes must not be empty', { op: 'unflatten' });
    const size = x.shape[at]!;
    const known = sizeOf(sizes.filter((s) => s !== -1));
    const holes = sizes.filter((s) => s === -1).length;
    const fits =
      sizes.every((s) => s >= -1) &&
      (holes === 0 ? known === size : holes === 1 && known > 0 && size % known === 0);
    if (!fits)
      throw new ShapeError(
        `unflatten: sizes ${showShape(sizes)} do not multiply to ${size}, the size of dim ${at} of ${showShape(x.shape)}`,
        { op: 'unflatten' },
      );
    const filled = sizes.map((s) => (s === -1 ? size / known : s));
    return reshape(x, [...x.shape.slice(0, at), ...filled, ...x.shape.slice(at + 1)]);
  },
);

function moved(
  op: string,
  x: Tensor,
  source: number | readonly number[],
  destination: number | readonly number[],
): Tensor {
  checkTensor(op, 'x', x);
  const list = (dims: number | readonly number[]): readonly number[] =>
    Array.isArray(dims) ? dims : [dims as number];
  const from = wrapDims(op, list(source), x);
  const to = wrapDims(op, list(destination), x);
  if (from.length !== to.length) {
    throw new ShapeError(
      `${op}: ${showShape(list(source))} and ${showShape(list(destination))} must name as many dimensions each`,
      { op },
    );
  }
  if (x.shape.length === 0) return permute(x, []);
  const order = new Array<number>(x.shape.length).fill(-1);
  from.forEach((dim, i) => {
    order[to[i]!] = dim;
  });
  const rest = x.shape.map((_, dim) => dim).filter((dim) => !from.includes(dim));
  return permute(
    x,
    order.map((dim) => (dim === -1 ? rest.shift()! : dim)),
  );
}

/**
 * The tensor with dimensions moved to other places, the rest in their order; shares memory.
 *
 * @throws {ShapeError} a dim is out of range or repeated, or the lists differ in length.
 * @example movedim(zeros([2, 3, 4]), 0, -1).shape // [3, 4, 2]
 */
export const movedim = composite(
  'movedim',
  (x: Tensor, source: number | readonly number[], destination: number | readonly number[]): Tensor =>
    moved('movedim', x, source, destination),
);

/** `movedim`, under NumPy's name. */
export const moveaxis = composite(
  'moveaxis',
  (x: Tensor, source: number | readonly number[], destination: number | readonly number[]): Tensor =>
    moved('moveaxis', x, source, destination),
);

/** `transpose`, under NumPy's name. */
export const swapaxes = composite(
  'swapaxes',
  (x: Tensor, axis0: number, axis1: number): Tensor => transpose(x, axis0, axis1),
);

/** `transpose`, under its other name. */
export const swapdims = composite(
  'swapdims',
  (x: Tensor, dim0: number, dim1: number): Tensor => transpose(x, dim0, dim1),
);

/**
 * The transpose of a matrix; a tensor of fewer dimensions as it is. Shares memory.
 *
 * @throws {ShapeError} the tensor has more than two dimensions.
 * @example t(tensor([[1, 2], [3, 4]])) // tensor([[1., 3.], [2., 4.]])
 */
export const t = composite('t', (x: Tensor): Tensor => {
  checkTensor('t', 'x', x);
  if (x.shape.length > 2)
    throw new ShapeError(
      `t: the tensor must have two dimensions at most, got ${showShape(x.shape)}; use transpose(dim0, dim1), or mT`,
      { op: 't' },
    );
  return reverseDims(x);
});

/** The tensor with its dimensions in reverse: what `x.T` gives. Shares memory. */
export const reverseDims = composite('reverseDims', (x: Tensor): Tensor => {
  checkTensor('reverseDims', 'x', x);
  return permute(x, x.shape.map((_, i) => i).reverse());
});

/**
 * The last two dimensions exchanged: what `x.mT` gives. Shares memory.
 *
 * @throws {ShapeError} the tensor has one dimension.
 */
export const matrixTranspose = composite('matrixTranspose', (x: Tensor): Tensor => {
  checkTensor('matrixTranspose', 'x', x);
  if (x.shape.length === 0) return permute(x, []);
  if (x.shape.length === 1)
    throw new ShapeError(`matrixTranspose: a matrix has two dimensions, got ${showShape(x.shape)}`, {
      op: 'matrixTranspose',
    });
  return transpose(x, -2, -1);
});
