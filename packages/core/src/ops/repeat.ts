import { checkIntegers, checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { checkShape, MAX_RANK, sizeOf } from '../shape.ts';
import { expand } from './broadcast.ts';
import { clone } from './copying.ts';
import { reshape } from './reshape.ts';

/**
 * A copy with each dimension repeated; sizes beyond the tensor's dimensions make new ones in front.
 *
 * @throws {ShapeError} there are fewer sizes than dimensions, or one is negative.
 * @example repeat(tensor([1, 2]), [2, 2]) // tensor([[1., 2., 1., 2.], [1., 2., 1., 2.]])
 */
export const repeat = composite(
  'repeat',
  (x: Tensor, sizes: readonly number[]): Tensor => repeated('repeat', x, sizes),
);

/**
 * A copy with each dimension repeated, as `repeat`; fewer sizes than dimensions count for the last ones.
 *
 * @throws {ShapeError} a size is negative.
 * @example tile(tensor([1, 2]), [2]) // tensor([1., 2., 1., 2.])
 */
export const tile = composite('tile', (x: Tensor, dims: readonly number[]): Tensor => {
  checkTensor('tile', 'x', x);
  checkIntegers('tile', 'dims', dims);
  const missing = Math.max(0, x.shape.length - dims.length);
  return repeated('tile', x, [...new Array<number>(missing).fill(1), ...dims]);
});

function repeated(op: string, x: Tensor, sizes: readonly number[]): Tensor {
  checkTensor(op, 'x', x);
  checkShape(op, sizes);
  const lead = sizes.length - x.shape.length;
  if (lead < 0)
    throw new ShapeError(
      `${op}: ${showShape(sizes)} must hold a size for each dimension of ${showShape(x.shape)}`,
      { op },
    );
  const shape = sizes.map((_, i) => (i < lead ? 1 : x.shape[i - lead]!));
  return interleave(reshape(x, shape), sizes);
}

/** Repeats by expanding a new dimension before each one that is repeated; one by one where that makes too many. */
function interleave(x: Tensor, sizes: readonly number[]): Tensor {
  const isOpened = x.shape.map((size, i) => size !== 1 && sizes[i] !== 1);
  const opened = x.shape.flatMap((size, i) => (isOpened[i] ? [1, size] : [size]));
  if (opened.length > MAX_RANK) return sizes.reduce(repeatOne, x);
  const grown = x.shape.flatMap((size, i) =>
    isOpened[i] ? [sizes[i]!, size] : [size === 1 ? sizes[i]! : size],
  );
  return reshape(
    clone(expand(reshape(x, opened), grown)),
    x.shape.map((size, i) => size * sizes[i]!),
  );
}

function repeatOne(x: Tensor, count: number, dim: number): Tensor {
  if (count === 1) return x;
  const { shape } = x;
  const [before, after] = [sizeOf(shape.slice(0, dim)), sizeOf(shape.slice(dim + 1))];
  const grown = expand(reshape(x, [before, 1, shape[dim]!, after]), [before, count, shape[dim]!, after]);
  return reshape(clone(grown), shape.with(dim, shape[dim]! * count));
}
