import { checkTensors } from '../dispatch/checks.ts';
import { composite, primitive } from '../dispatch/declare.ts';
import { copyInto } from '../dispatch/in-place.ts';
import { resultType } from '../dtype.ts';
import { ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sameShape, wrapDim } from '../shape.ts';
import { scope } from '../storage/scope.ts';
import { atleast1d, atleast2d, atleast3d } from './at-least.ts';
import { filled } from './filling.ts';
import { reshape, unsqueeze } from './reshape.ts';
import { sliceView } from './slicing.ts';

/** PyTorch lets an empty list of numbers stand among tensors of any shape. */
const isBlank = (x: Tensor): boolean => x.shape.length === 1 && x.shape[0] === 0;

const withoutDim = (shape: readonly number[], dim: number): readonly number[] => shape.toSpliced(dim, 1);

/**
 * The tensors one after the other along `dim`, in the dtype to which all promote. Tensors of shape `[0]` are passed over.
 *
 * - `tensors`: `[..., n_i, ...]`, equal in every dimension but `dim`
 * - returns: `[..., sum of n_i, ...]`
 *
 * @throws {ShapeError} the shapes differ elsewhere, or a tensor has no dimensions.
 * @example cat([tensor([1, 2]), tensor([3])]) // tensor([1., 2., 3.])
 */
export const cat = primitive('cat', {
  infer(tensors: readonly Tensor[], dim?: number) {
    checkTensors('cat', tensors);
    const scalar = tensors.findIndex((x) => x.shape.length === 0);
    if (scalar >= 0)
      throw new ShapeError(`cat: tensor ${scalar} has no dimensions; use stack, or reshape it to [1]`, {
        op: 'cat',
      });
    const first = tensors.find((x) => !isBlank(x)) ?? tensors[0]!;
    const at = wrapDim('cat', dim ?? 0, first);
    let length = 0;
    const ends = tensors.map((x, i) => {
      if (isBlank(x)) return length;
      if (
        x.shape.length !== first.shape.length ||
        !sameShape(withoutDim(x.shape, at), withoutDim(first.shape, at))
      ) {
        throw new ShapeError(
          `cat: tensor ${i} has shape ${showShape(x.shape)}, which must equal ${showShape(first.shape)} in every dim but ${at}`,
          { op: 'cat' },
        );
      }
      length += x.shape[at]!;
      return length;
    });
    return {
      inputs: { tensors },
      attrs: { dim: at, ends, blank: tensors.map(isBlank) },
      outputs: { y: { shape: first.shape.with(at, length), dtype: resultType(tensors) } },
    };
  },
  run(_kernels, { y }, { tensors }, { dim, ends }) {
    scope(() => {
      tensors.forEach((x, i) => {
        const start = ends[i - 1] ?? 0;
        if (start < ends[i]!) copyInto(sliceView(y, dim, start, ends[i]!, 1), x);
      });
    });
  },
  vjp({ y: dy }, _saved, { dim, ends, blank }) {
    if (dy === undefined) return {};
    const part = (end: number, i: number): Tensor =>
      blank[i] ? filled(dy.entry, [0], dy.dtype, 0) : sliceView(dy, dim, ends[i - 1] ?? 0, end, 1);
    return { tensors: ends.map(part) };
  },
});

/**
 * The tensors side by side along a new dimension.
 *
 * - `tensors`: all of one shape `[..., ...]`
 * - returns: `[..., count, ...]`, the new dimension at `dim`
 *
 * @throws {ShapeError} the shapes differ, or `dim` is out of range.
 * @example stack([tensor([1, 2]), tensor([3, 4])]) // tensor([[1., 2.], [3., 4.]])
 */
export const stack = composite('stack', (tensors: readonly Tensor[], dim?: number): Tensor => {
  checkTensors('stack', tensors);
  const { shape } = tensors[0]!;
  const at = wrapDim('stack', dim ?? 0, shape.length + 1);
  tensors.forEach((x, i) => {
    if (!sameShape(x.shape, shape))
      throw new ShapeError(
        `stack: tensor ${i} has shape ${showShape(x.shape)}, the first ${showShape(shape)}; they must be equal`,
        { op: 'stack' },
      );
  });
  return cat(
    tensors.map((x) => unsqueeze(x, at)),
    at,
  );
});

/** The tensors side by side: along dim 1, or dim 0 where they have one dimension. @example hstack([tensor([1]), tensor([2])]) // tensor([1., 2.]) */
export const hstack = composite('hstack', (tensors: readonly Tensor[]): Tensor => {
  checkTensors('hstack', tensors);
  const rows = atleast1d(tensors);
  return cat(rows, rows[0]!.shape.length === 1 ? 0 : 1);
});

/** The tensors below each other, lists taken as rows. @example vstack([tensor([1, 2]), tensor([3, 4])]) // tensor([[1., 2.], [3., 4.]]) */
export const vstack = composite('vstack', (tensors: readonly Tensor[]): Tensor => {
  checkTensors('vstack', tensors);
  return cat(atleast2d(tensors), 0);
});

/** The tensors behind each other, along dim 2. @example dstack([tensor([1, 2]), tensor([3, 4])]).shape // [1, 2, 2] */
export const dstack = composite('dstack', (tensors: readonly Tensor[]): Tensor => {
  checkTensors('dstack', tensors);
  return cat(atleast3d(tensors), 2);
});

/** The tensors as columns side by side, lists standing upright. @example columnStack([tensor([1, 2]), tensor([3, 4])]) // tensor([[1., 3.], [2., 4.]]) */
export const columnStack = composite('columnStack', (tensors: readonly Tensor[]): Tensor => {
  checkTensors('columnStack', tensors);
  return cat(
    tensors.map((x) => (x.shape.length < 2 ? reshape(x, [x.size, 1]) : x)),
    1,
  );
});
