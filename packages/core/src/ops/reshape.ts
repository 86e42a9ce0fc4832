import { composite, type ViewOperator, view } from '../dispatch/declare.ts';
import type { Geometry } from '../dispatch/view.ts';
import { ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { inferReshape, MAX_RANK, reshapeStrides, wrapDim, wrapDims } from '../shape.ts';
import { clone } from './copying.ts';

/**
 * The tensor with its dimensions in another order; shares memory.
 *
 * @throws {ShapeError} `dims` is no permutation.
 * @example permute(zeros([2, 3, 4]), [2, 0, 1]).shape // [4, 2, 3]
 */
export const permute: ViewOperator<[dims: readonly number[]]> = view('permute', {
  infer(x, dims: readonly number[]): Geometry {
    const order = wrapDims('permute', dims, x);
    if (order.length !== x.shape.length) {
      throw new ShapeError(
        `permute: ${showShape(dims)} must name each of the ${x.shape.length} dimensions of ${showShape(x.shape)} once`,
        { op: 'permute' },
      );
    }
    return {
      shape: order.map((dim) => x.shape[dim]!),
      strides: order.map((dim) => x.strides[dim]!),
      offset: x.offset,
    };
  },
  vjp(dy, x, dims) {
    const inverse: number[] = [];
    for (const [i, dim] of wrapDims('permute', dims, x).entries()) inverse[dim] = i;
    return permute(dy, inverse);
  },
});

/**
 * The tensor with two dimensions exchanged; shares memory.
 *
 * @throws {ShapeError} a dim is out of range.
 */
export const transpose: ViewOperator<[dim0: number, dim1: number]> = view('transpose', {
  infer(x, dim0: number, dim1: number): Geometry {
    const a = wrapDim('transpose', dim0, x);
    const b = wrapDim('transpose', dim1, x);
    const swap = <T>(values: readonly T[]): T[] =>
      values.map((value, i) => (i === a ? values[b]! : i === b ? values[a]! : value));
    return { shape: swap(x.shape), strides: swap(x.strides), offset: x.offset };
  },
  vjp: (dy, _x, dim0, dim1) => transpose(dy, dim0, dim1),
});

/**
 * The same elements in another shape, sharing memory.
 *
 * @throws {ShapeError} the sizes do not fit, or the strides do not allow it (use `reshape`).
 */
export const viewAs = composite('viewAs', (x: Tensor, other: Tensor): Tensor => asShape(x, other.shape));

/** `view` with a shape. */
export const asShape: ViewOperator<[shape: readonly number[]]> = view('view', {
  infer(x, shape: readonly number[]): Geometry {
    const target = inferReshape('view', x.shape, shape);
    const strides = reshapeStrides(x.shape, x.strides, target);
    if (strides === undefined) {
      throw new ShapeError(
        `view: the elements of ${showShape(x.shape)} with strides ${showShape(x.strides)} do not lie as ${showShape(target)} needs; use reshape, which copies where it must`,
        { op: 'view' },
      );
    }
    return { shape: target, strides, offset: x.offset };
  },
  vjp: (dy, x) => reshape(dy, x.shape),
});

/**
 * The same elements in another shape; one size may be -1. Shares memory where the strides allow, else copies.
 *
 * @throws {ShapeError} the sizes do not give the number of elements.
 * @example reshape(arange(6), [2, -1]).shape // [2, 3]
 */
export const reshape = composite('reshape', (x: Tensor, shape: readonly number[]): Tensor => {
  const target = inferReshape('reshape', x.shape, shape);
  return reshapeStrides(x.shape, x.strides, target) === undefined
    ? asShape(clone(x), target)
    : asShape(x, target);
});

/** The tensor itself if its elements lie in row-major order, else a copy that does. */
export const contiguous = composite('contiguous', (x: Tensor): Tensor => (x.rowMajor ? x : clone(x)));

/**
 * The tensor without dimensions of size 1: all of them, or those named.
 *
 * @throws {ShapeError} a dim is out of range.
 */
export const squeeze = composite('squeeze', (x: Tensor, dim?: number | readonly number[]): Tensor => {
  const dims =
    dim === undefined
      ? x.shape.map((_, i) => i)
      : wrapDims('squeeze', typeof dim === 'number' ? [dim] : dim, x);
  return pick(
    x,
    x.shape.map((_, i) => i).filter((i) => !(dims.includes(i) && x.shape[i] === 1)),
  );
});

const pick: ViewOperator<[dims: readonly number[]]> = view('squeeze', {
  infer: (x, dims: readonly number[]): Geometry => ({
    shape: dims.map((dim) => x.shape[dim]!),
    strides: dims.map((dim) => x.strides[dim]!),
    offset: x.offset,
  }),
  vjp: (dy, x) => reshape(dy, x.shape),
});

/** The tensor with a dimension of size 1 put in before `dim`. @throws {ShapeError} `dim` is out of range. */
export const unsqueeze: ViewOperator<[dim: number]> = view('unsqueeze', {
  infer(x, dim: number): Geometry {
    if (x.shape.length === MAX_RANK)
      throw new ShapeError(`unsqueeze: ${showShape(x.shape)} has ${MAX_RANK} dimensions, which is the most`, {
        op: 'unsqueeze',
      });
    const at = wrapDim('unsqueeze', dim, x.shape.length + 1);
    const stride = at < x.shape.length ? x.shape[at]! * x.strides[at]! : 1;
    return {
      shape: x.shape.toSpliced(at, 0, 1),
      strides: x.strides.toSpliced(at, 0, stride),
      offset: x.offset,
    };
  },
  vjp: (dy, x) => reshape(dy, x.shape),
});
