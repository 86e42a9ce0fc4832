import {
  checkOptions,
  div,
  emptyLike,
  matmul,
  mul,
  narrow,
  ShapeError,
  scope,
  showShape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  transpose,
  zeros,
} from '@flambeau/core';
import { type DrawOptions, draw, initialise } from './fill.ts';

export interface OrthogonalOptions extends DrawOptions {
  /** A factor on the result. Default 1. */
  readonly gain?: number;
}

/**
 * Overwrites a weight with a random orthogonal matrix: rows, or columns where there are more rows, of length `gain` at
 * right angles. More than two dimensions are taken as `[first, rest]`.
 *
 * @throws {ShapeError} it has fewer than two dimensions.
 * @see Saxe et al., Exact solutions to the nonlinear dynamics of learning in deep linear neural networks (2013)
 */
export function orthogonal_(tensor: Tensor, options: OrthogonalOptions = {}): Tensor {
  checkOptions('orthogonal_', options, ['gain', 'generator']);
  return initialise('orthogonal_', tensor, () => {
    const { shape } = tensor;
    if (shape.length < 2)
      throw new ShapeError(`orthogonal_: it fills two dimensions or more, got ${showShape(shape)}`, {
        op: 'orthogonal_',
        data: { shape },
      });
    if (tensor.size === 0) return;
    const rows = shape[0]!;
    const columns = tensor.size / rows;
    const wide = rows <= columns;
    const basis = orthonormal(tensor, wide ? rows : columns, wide ? columns : rows, options);
    const matrix = wide ? basis : transpose(basis, 0, 1);
    tensor.copy_(mul(matrix, options.gain ?? 1).reshape(shape));
  });
}

/** `count` random vectors of length 1 at right angles, as rows. */
function orthonormal(like: Tensor, count: number, length: number, options: DrawOptions): Tensor {
  const { dtype, device } = like;
  const drawn = zeros([count, length], { dtype, device }).normal_(0, 1, draw(options));
  const basis = emptyLike(drawn);
  for (let i = 0; i < count; i++) {
    scope(() => {
      let v = narrow(drawn, 0, i, 1);
      // Twice is enough: the second pass takes off what rounding left of the first.
      for (let pass = 0; pass < (i === 0 ? 0 : 2); pass++) {
        const before = narrow(basis, 0, 0, i);
        v = sub(v, matmul(matmul(v, transpose(before, 0, 1)), before));
      }
      narrow(basis, 0, i, 1).copy_(div(v, sqrt(sum(square(v)))));
    });
  }
  return basis;
}
