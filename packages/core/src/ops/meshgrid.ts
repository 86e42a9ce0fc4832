import { checkTensors } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { ArgumentError, checkOptions, DTypeError, describe, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { broadcastShapes, MAX_RANK } from '../shape.ts';
import { expand } from './broadcast.ts';
import { reshape } from './reshape.ts';

/**
 * The tensors expanded to the shape to which all broadcast; each shares its memory.
 *
 * @throws {ShapeError} the shapes do not broadcast.
 * @example broadcastTensors([zeros([3, 1]), zeros([2])]).map((x) => x.shape) // [[3, 2], [3, 2]]
 */
export const broadcastTensors = composite('broadcastTensors', (tensors: readonly Tensor[]): Tensor[] => {
  checkTensors('broadcastTensors', tensors);
  const shape = broadcastShapes('broadcastTensors', ...tensors.map((x) => x.shape));
  return tensors.map((x) => expand(x, shape));
});

export interface MeshgridOptions {
  /** `ij`: dimension k of the grids belongs to tensor k. `xy`: the first two change places, as in plots. Default `ij`. */
  readonly indexing?: 'ij' | 'xy';
}

/**
 * Coordinate grids: the k-th result holds the values of the k-th tensor along dimension k, repeated along all others.
 *
 * - `tensors`: each `[n_k]` or `[]`, of one dtype
 * - returns: as many of `[n_0, n_1, ...]`, sharing memory
 *
 * @throws {ShapeError} a tensor has more than one dimension.
 * @example meshgrid([tensor([1, 2]), tensor([3, 4])])[0] // tensor([[1., 1.], [2., 2.]])
 */
export const meshgrid = composite(
  'meshgrid',
  (tensors: readonly Tensor[], options?: MeshgridOptions): Tensor[] => {
    checkTensors('meshgrid', tensors);
    checkOptions('meshgrid', options, ['indexing']);
    const indexing = options?.indexing ?? 'ij';
    if (indexing !== 'ij' && indexing !== 'xy')
      throw new ArgumentError(`meshgrid: indexing must be 'ij' or 'xy', got ${describe(indexing)}`, {
        op: 'meshgrid',
      });
    if (tensors.length > MAX_RANK)
      throw new ShapeError(
        `meshgrid: ${tensors.length} tensors make as many dimensions; ${MAX_RANK} is the most`,
        { op: 'meshgrid' },
      );
    const { dtype } = tensors[0]!;
    tensors.forEach((x, i) => {
      if (x.shape.length > 1)
        throw new ShapeError(
          `meshgrid: tensor ${i} must have one dimension at most, got ${showShape(x.shape)}`,
          { op: 'meshgrid' },
        );
      if (x.dtype !== dtype)
        throw new DTypeError(
          `meshgrid: tensor ${i} is ${x.dtype} and the first ${dtype}; they must be one dtype`,
          { op: 'meshgrid' },
        );
    });
    const swap = indexing === 'xy' && tensors.length >= 2;
    const ordered = swap ? [tensors[1]!, tensors[0]!, ...tensors.slice(2)] : tensors;
    const shape = ordered.map((x) => x.size);
    const grids = ordered.map((x, i) =>
      expand(
        reshape(
          x,
          shape.map((size, k) => (k === i ? size : 1)),
        ),
        shape,
      ),
    );
    if (!swap) return grids;
    const [first, second, ...rest] = grids as [Tensor, Tensor, ...Tensor[]];
    return [second, first, ...rest];
  },
);
