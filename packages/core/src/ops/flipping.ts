import { checkInteger, checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { checkOptions, describe, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { wrapDims } from '../shape.ts';
import { clone } from './copying.ts';
import { positions, takeSlices } from './positions.ts';
import { transpose } from './reshape.ts';

const backwards = positions({ last: 0 }, (i, { last }) => last.sub(i));

/**
 * A copy with the order of elements reversed along `dims`.
 *
 * @throws {ShapeError} a dim is out of range or repeated.
 * @example flip(tensor([1, 2, 3]), 0) // tensor([3., 2., 1.])
 */
export const flip = composite('flip', {
  infer(x: Tensor, dims: number | readonly number[]) {
    checkTensor('flip', 'x', x);
    const list = wrapDims('flip', Array.isArray(dims) ? dims : [dims as number], x);
    return { inputs: { x }, attrs: { dims: list }, outputs: { y: { shape: x.shape, dtype: x.dtype } } };
  },
  decompose({ x }, { dims }) {
    const turned = dims.filter((dim) => (x.shape[dim] ?? 1) > 1);
    if (turned.length === 0) return clone(x);
    return turned.reduce(
      (y, dim) => takeSlices(y, dim, backwards(x.entry, y.shape[dim]!, { last: y.shape[dim]! - 1 })),
      x,
    );
  },
  vjp: ({ y: dy }, _saved, { dims }): { x?: Tensor | undefined } => ({ x: dy && flip(dy, dims) }),
});

/** A copy with the columns reversed: `flip` of dim 1. @throws {ShapeError} the tensor has fewer than two dimensions. */
export const fliplr = composite('fliplr', (x: Tensor): Tensor => {
  checkTensor('fliplr', 'x', x);
  if (x.shape.length < 2)
    throw new ShapeError(`fliplr: the tensor must have two dimensions or more, got ${showShape(x.shape)}`, {
      op: 'fliplr',
    });
  return flip(x, 1);
});

/** A copy with the rows reversed: `flip` of dim 0. @throws {ShapeError} the tensor has no dimensions. */
export const flipud = composite('flipud', (x: Tensor): Tensor => {
  checkTensor('flipud', 'x', x);
  if (x.shape.length < 1)
    throw new ShapeError(`flipud: the tensor must have a dimension or more, got ${showShape(x.shape)}`, {
      op: 'flipud',
    });
  return flip(x, 0);
});

export interface Rot90Options {
  /** Quarter turns, from the first of `dims` towards the second. Default 1. */
  readonly k?: number;
}

/**
 * A copy turned by quarters in the plane of two dimensions.
 *
 * @throws {ShapeError} `dims` does not name two dimensions.
 * @example rot90(tensor([[1, 2], [3, 4]])) // tensor([[2., 4.], [1., 3.]])
 */
export const rot90 = composite(
  'rot90',
  (x: Tensor, dims?: readonly number[], options?: Rot90Options): Tensor => {
    checkTensor('rot90', 'x', x);
    checkOptions('rot90', options, ['k']);
    const k = options?.k ?? 1;
    checkInteger('rot90', 'k', k);
    const given = dims ?? [0, 1];
    if (!Array.isArray(given) || given.length !== 2 || x.shape.length < 2) {
      throw new ShapeError(
        `rot90: dims must name two dimensions of ${showShape(x.shape)}, got ${describe(given)}`,
        { op: 'rot90' },
      );
    }
    const [a, b] = wrapDims('rot90', given, x) as [number, number];
    switch (((k % 4) + 4) % 4) {
      case 1:
        return transpose(flip(x, b), a, b);
      case 2:
        return flip(x, [a, b]);
      case 3:
        return transpose(flip(x, a), a, b);
      default:
        return clone(x);
    }
  },
);
