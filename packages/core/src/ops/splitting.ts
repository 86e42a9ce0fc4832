import { checkInteger, checkIntegers, checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { ViewOp } from '../dispatch/view.ts';
import { ArgumentError, DTypeError, ShapeError, showShape } from '../errors.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { readSync } from './reading.ts';
import { alongDim, select, sliceView } from './slicing.ts';

/** Views of consecutive parts, each from one bound to the next. While recording, none may be changed in place. */
function partsBetween(op: string, x: Tensor, dim: number, bounds: readonly number[]): Tensor[] {
  const parts = bounds.slice(1).map((end, i) => sliceView(x, dim, bounds[i]!, Math.max(end, bounds[i]!), 1));
  ViewOp.freeze(op, parts);
  return parts;
}

/** Views of parts that have the given sizes. */
function partsOf(op: string, x: Tensor, dim: number, sizes: readonly number[]): Tensor[] {
  const bounds = [0];
  for (const size of sizes) bounds.push(bounds.at(-1)! + size);
  return partsBetween(op, x, dim, bounds);
}

const repeated = (size: number, total: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.max(0, Math.min(size, total - i * size)));

/** Parts of `splitSize` each, the last one smaller where it does not divide. */
function evenSizes(op: string, splitSize: unknown, size: number): number[] {
  checkInteger(op, 'splitSize', splitSize);
  if (splitSize < 0 || (splitSize === 0 && size > 0)) {
    throw new ArgumentError(`${op}: splitSize must be a positive integer, got ${splitSize}`, { op });
  }
  return repeated(splitSize, size, splitSize === 0 ? 1 : Math.max(1, Math.ceil(size / splitSize)));
}

function givenSizes(op: string, sizes: unknown, x: Tensor, dim: number): readonly number[] {
  checkIntegers(op, 'the sizes', sizes);
  const sum = sizes.reduce((total, size) => total + size, 0);
  if (sizes.some((size) => size < 0) || sum !== x.shape[dim]) {
    throw new ShapeError(
      `${op}: sizes ${showShape(sizes)} must be 0 or more and sum to ${x.shape[dim]}, the size of dim ${dim} of ${showShape(x.shape)}`,
      { op },
    );
  }
  return sizes;
}

function dimOf(op: string, x: Tensor, dim: number | null | undefined): number {
  checkTensor(op, 'x', x);
  return alongDim(op, x, dim ?? 0);
}

/**
 * Views of parts along `dim`: each of `splitSize` (the last one smaller where it does not divide), or of the given sizes.
 *
 * @throws {ShapeError} the sizes do not sum to that of the dimension.
 * @example split(arange(5), 2).map((part) => part.shape) // [[2], [2], [1]]
 */
export const split = composite(
  'split',
  (x: Tensor, splitSize: number | readonly number[], dim?: number): Tensor[] => {
    const at = dimOf('split', x, dim);
    return partsOf(
      'split',
      x,
      at,
      Array.isArray(splitSize)
        ? givenSizes('split', splitSize, x, at)
        : evenSizes('split', splitSize, x.shape[at]!),
    );
  },
);

/** Views of parts of the given sizes along `dim`. @throws {ShapeError} they do not sum to that of the dimension. */
export const splitWithSizes = composite(
  'splitWithSizes',
  (x: Tensor, sizes: readonly number[], dim?: number): Tensor[] => {
    const at = dimOf('splitWithSizes', x, dim);
    return partsOf('splitWithSizes', x, at, givenSizes('splitWithSizes', sizes, x, at));
  },
);

/**
 * Views of at most `chunks` parts along `dim`, equal but for the last.
 *
 * @throws {ArgumentError} `chunks` is not a positive integer.
 * @example chunk(arange(7), 3).map((part) => part.shape) // [[3], [3], [1]]
 */
export const chunk = composite('chunk', (x: Tensor, chunks: number, dim?: number): Tensor[] => {
  const at = dimOf('chunk', x, dim);
  checkCount('chunk', 'chunks', chunks);
  const size = x.shape[at]!;
  const each = Math.ceil(size / chunks);
  return partsOf('chunk', x, at, each === 0 ? repeated(0, 0, chunks) : evenSizes('chunk', each, size));
});

function checkCount(op: string, name: string, count: unknown): asserts count is number {
  checkInteger(op, name, count);
  if (count < 1) throw new ArgumentError(`${op}: ${name} must be a positive integer, got ${count}`, { op });
}

/**
 * Views of `sections` parts along `dim`, sizes differing by one at most; or of the parts between the given indices,
 * which count from the end when negative and are cut to the size. A tensor of sections or indices is read on the host.
 *
 * @throws {ArgumentError} `sections` is not a positive integer.
 * @example tensorSplit(arange(7), 3).map((part) => part.shape) // [[3], [2], [2]]
 */
export const tensorSplit = composite(
  'tensorSplit',
  (x: Tensor, sections: number | readonly number[] | Tensor, dim?: number): Tensor[] =>
    splitAt(
      'tensorSplit',
      x,
      isTensor(sections) ? valuesOf('tensorSplit', sections) : sections,
      dimOf('tensorSplit', x, dim),
    ),
);

function splitAt(op: string, x: Tensor, sections: number | readonly number[], dim: number): Tensor[] {
  const size = x.shape[dim]!;
  if (!Array.isArray(sections)) {
    checkCount(op, 'sections', sections);
    const small = Math.floor(size / sections);
    return partsOf(
      op,
      x,
      dim,
      Array.from({ length: sections }, (_, i) => small + (i < size % sections ? 1 : 0)),
    );
  }
  checkIntegers(op, 'the indices', sections);
  const clip = (index: number): number => Math.min(Math.max(index < 0 ? index + size : index, 0), size);
  return partsBetween(op, x, dim, [0, ...sections.map(clip), size]);
}

function valuesOf(op: string, sections: Tensor): number | readonly number[] {
  if (sections.dtype !== 'int32' && sections.dtype !== 'int64') {
    throw new DTypeError(`${op}: sections must be int32 or int64, got ${sections.dtype}`, { op });
  }
  if (sections.shape.length > 1)
    throw new ShapeError(`${op}: sections must have no dimension or one, got ${showShape(sections.shape)}`, {
      op,
    });
  const needed = { what: 'the values of sections', instead: 'give a number or an array' };
  const values = Array.from(readSync(op, sections, needed), Number);
  return sections.shape.length === 0 ? values[0]! : values;
}

/** PyTorch's `hsplit`, `vsplit` and `dsplit`: `tensorSplit` along a fixed dimension, into equal parts where a number is given. */
function splitEqually(op: string, x: Tensor, sections: number | readonly number[], dim: number): Tensor[] {
  if (!Array.isArray(sections)) {
    checkCount(op, 'sections', sections);
    if (x.shape[dim]! % sections !== 0) {
      throw new ArgumentError(
        `${op}: dim ${dim} of ${showShape(x.shape)} does not divide into ${sections} equal parts; tensorSplit makes unequal ones`,
        { op },
      );
    }
  }
  return splitAt(op, x, sections, dim);
}

function atLeastRank(op: string, x: Tensor, rank: number): void {
  checkTensor(op, 'x', x);
  if (x.shape.length < rank)
    throw new ShapeError(
      `${op}: the tensor must have ${rank} dimensions or more, got ${showShape(x.shape)}`,
      { op },
    );
}

/** Views of parts along dim 1, or dim 0 of a tensor of one dimension: as many as `sections` says, or between indices. */
export const hsplit = composite('hsplit', (x: Tensor, sections: number | readonly number[]): Tensor[] => {
  atLeastRank('hsplit', x, 1);
  return splitEqually('hsplit', x, sections, x.shape.length === 1 ? 0 : 1);
});

/** Views of parts along dim 0 of at least two: as many as `sections` says, or between indices. */
export const vsplit = composite('vsplit', (x: Tensor, sections: number | readonly number[]): Tensor[] => {
  atLeastRank('vsplit', x, 2);
  return splitEqually('vsplit', x, sections, 0);
});

/** Views of parts along dim 2: as many as `sections` says, or between indices. */
export const dsplit = composite('dsplit', (x: Tensor, sections: number | readonly number[]): Tensor[] => {
  atLeastRank('dsplit', x, 3);
  return splitEqually('dsplit', x, sections, 2);
});

/**
 * Views of all slices along `dim`, without that dimension.
 *
 * @throws {ShapeError} `dim` is out of range, or the tensor has no dimensions.
 * @example unbind(tensor([[1, 2], [3, 4]])) // [tensor([1., 2.]), tensor([3., 4.])]
 */
export const unbind = composite('unbind', (x: Tensor, dim?: number): Tensor[] => {
  const at = dimOf('unbind', x, dim);
  const slices = Array.from({ length: x.shape[at]! }, (_, i) => select(x, at, i));
  ViewOp.freeze('unbind', slices);
  return slices;
});
