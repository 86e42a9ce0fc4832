import {
  ArgumentError,
  checkOptions,
  emptyLike,
  lt,
  rand,
  ShapeError,
  showShape,
  sort,
  type Tensor,
  where,
} from '@flambeau/core';
import { type DrawOptions, draw, initialise } from './fill.ts';

export interface SparseOptions extends DrawOptions {
  /** Deviation of the values that are not zero. Default 0.01. */
  readonly std?: number;
}

/**
 * Overwrites a matrix with normal numbers of which the share `sparsity` in every column is zero.
 *
 * @throws {ShapeError} it has not two dimensions. @throws {ArgumentError} `sparsity` lies outside `0..1`.
 * @see Martens, Deep learning via Hessian-free optimization (2010)
 */
export function sparse_(tensor: Tensor, sparsity: number, options: SparseOptions = {}): Tensor {
  checkOptions('sparse_', options, ['std', 'generator']);
  if (!(sparsity >= 0 && sparsity <= 1))
    throw new ArgumentError(`sparse_: the sparsity lies in 0..1, got ${sparsity}`, { op: 'sparse_' });
  return initialise('sparse_', tensor, () => {
    const { shape, device } = tensor;
    if (shape.length !== 2)
      throw new ShapeError(`sparse_: it fills a matrix, got ${showShape(shape)}`, {
        op: 'sparse_',
        data: { shape },
      });
    const zeroCount = Math.ceil(sparsity * shape[0]!);
    // The rank of a random number in its column: each row is as likely to be among the first.
    const order = sort(rand(shape, { device, ...draw(options) }), 0).indices;
    const rank = sort(order, 0).indices;
    tensor.copy_(
      where(lt(rank, zeroCount), 0, emptyLike(tensor).normal_(0, options.std ?? 0.01, draw(options))),
    );
  });
}
