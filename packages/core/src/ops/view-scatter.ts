import { checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { copyInto } from '../dispatch/in-place.ts';
import { checkOptions, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sameShape } from '../shape.ts';
import { asStrided, checkGeometry, endOf } from './as-strided.ts';
import { clone } from './copying.ts';
import { filled } from './filling.ts';
import { type DiagonalOptions, diagonal, select, sliceView } from './slicing.ts';

/** Writes `src` into a part of a tensor that nothing else has seen. */
function fillPart(op: string, part: Tensor, src: Tensor): void {
  checkTensor(op, 'src', src);
  if (!sameShape(part.shape, src.shape)) {
    throw new ShapeError(
      `${op}: src has shape ${showShape(src.shape)}, the part it replaces ${showShape(part.shape)}`,
      { op },
    );
  }
  copyInto(part, src);
}

/** A copy of `x` with the part that a view shows replaced by `src`. */
function replaced(op: string, x: Tensor, src: Tensor, part: (whole: Tensor) => Tensor): Tensor {
  checkTensor(op, 'x', x);
  const whole = clone(x);
  fillPart(op, part(whole), src);
  return whole;
}

/**
 * A copy of `x` with one slice along `dim` replaced by `src`.
 *
 * @throws {ShapeError} `src` has not the slice's shape.
 * @example selectScatter(zeros([2, 2]), tensor([1, 2]), 0, 1) // tensor([[0., 0.], [1., 2.]])
 */
export const selectScatter = composite(
  'selectScatter',
  (x: Tensor, src: Tensor, dim: number, index: number): Tensor =>
    replaced('selectScatter', x, src, (whole) => select(whole, dim, index)),
);

export interface SliceScatterOptions {
  /** Counts from the end when negative. Default 0. */
  readonly start?: number | null;
  /** Counts from the end when negative. Default: the dimension's size. */
  readonly end?: number | null;
  /** Default 1. */
  readonly step?: number;
}

/**
 * A copy of `x` with the elements `start, start + step, …` before `end` along `dim` (0 by default) replaced by `src`.
 *
 * @throws {ShapeError} `src` has not the part's shape.
 * @example sliceScatter(zeros([3]), tensor([1, 2]), 0, { start: 1 }) // tensor([0., 1., 2.])
 */
export const sliceScatter = composite(
  'sliceScatter',
  (x: Tensor, src: Tensor, dim?: number, options?: SliceScatterOptions): Tensor => {
    checkOptions('sliceScatter', options, ['start', 'end', 'step']);
    const { start, end, step } = options ?? {};
    return replaced('sliceScatter', x, src, (whole) =>
      sliceView(whole, dim ?? 0, start ?? 0, end ?? Number.POSITIVE_INFINITY, step ?? 1),
    );
  },
);

/**
 * A copy of `x` with a diagonal replaced by `src`.
 *
 * @throws {ShapeError} `src` has not the diagonal's shape.
 * @example diagonalScatter(zeros([2, 2]), tensor([1, 2])) // tensor([[1., 0.], [0., 2.]])
 */
export const diagonalScatter = composite(
  'diagonalScatter',
  (x: Tensor, src: Tensor, options?: DiagonalOptions): Tensor =>
    replaced('diagonalScatter', x, src, (whole) => diagonal(whole, options)),
);

/**
 * A copy of `x`, lying in memory as `x` does, with what `asStrided` shows of it replaced by `src`.
 *
 * @throws {ShapeError} `src` has not the shape `size`, or the geometry reaches beyond the storage.
 * @example asStridedScatter(zeros([2, 2]), tensor([1, 2]), [2], [3]) // tensor([[1., 0.], [0., 2.]])
 */
export const asStridedScatter = composite(
  'asStridedScatter',
  (
    x: Tensor,
    src: Tensor,
    size: readonly number[],
    stride: readonly number[],
    storageOffset?: number | null,
  ): Tensor => {
    checkTensor('asStridedScatter', 'x', x);
    const part = checkGeometry('asStridedScatter', x, size, stride, storageOffset);
    const line = filled(x.entry, [Math.max(endOf(x), endOf(part))], x.dtype, 0);
    copyInto(asStrided(line, x.shape, x.strides, x.offset), x);
    fillPart('asStridedScatter', asStrided(line, part.shape, part.strides, part.offset), src);
    return asStrided(line, x.shape, x.strides, x.offset);
  },
);
