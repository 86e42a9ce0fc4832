import { checkTensor } from '../dispatch/checks.ts';
import { composite, pointwise } from '../dispatch/declare.ts';
import { ShapeError, showShape } from '../errors.ts';
import { gatedBelow } from '../expr/functions/logistic.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sizeOf } from '../shape.ts';
import { reshape } from './reshape.ts';
import { alongDim, narrow } from './slicing.ts';

const gate = pointwise('glu', (a, b) => gatedBelow(a, b.neg()), {
  refuse: {
    bool: "convert it first: to({ dtype: 'float32' })",
    integer: "convert it to a floating dtype first: to({ dtype: 'float32' })",
  },
});

/**
 * `a * sigmoid(b)`, where `a` and `b` are the halves of `x` along `dim`.
 *
 * - `x`: `[..., 2n, ...]`, floating
 * - returns: `[..., n, ...]`
 *
 * @throws {ShapeError} the size along `dim` is odd, or `x` has no dimensions.
 * @see https://arxiv.org/abs/1612.08083
 */
export const glu = composite('glu', (x: Tensor, dim: number = -1): Tensor => {
  checkTensor('glu', 'x', x);
  const at = alongDim('glu', x, dim);
  const size = x.shape[at]!;
  if (size % 2 !== 0) {
    throw new ShapeError(`glu: dim ${dim} must have an even size to be halved; x is ${showShape(x.shape)}`, {
      op: 'glu',
    });
  }
  return gate(narrow(x, at, 0, size / 2), narrow(x, at, size / 2, size / 2));
});

const leak = pointwise('prelu', (x, weight) => x.gt(0).select(x, x.mul(weight)), {
  refuse: {
    bool: "convert it first: to({ dtype: 'float32' })",
    integer: "convert it to a floating dtype first: to({ dtype: 'float32' })",
  },
});

/**
 * `x` where it is positive, `weight * x` elsewhere; one weight for all, or one for each channel.
 *
 * - `x`: `[batch, channels, ...]`, floating; with fewer than two dimensions it has one channel
 * - `weight`: `[]`, `[1]` or `[channels]`
 *
 * @throws {ShapeError} as many weights as there are no channels.
 * @see https://arxiv.org/abs/1502.01852
 */
export const prelu = composite('prelu', (x: Tensor, weight: Tensor): Tensor => {
  checkTensor('prelu', 'x', x);
  checkTensor('prelu', 'weight', weight);
  const channels = x.shape.length >= 2 ? x.shape[1]! : 1;
  const count = sizeOf(weight.shape);
  if (weight.shape.length > 1 || (count !== 1 && count !== channels)) {
    throw new ShapeError(
      `prelu: weight must hold one value or one for each of ${channels} channels; weight is ${showShape(weight.shape)}, x is ${showShape(x.shape)}`,
      { op: 'prelu' },
    );
  }
  return leak(
    x,
    count === 1
      ? reshape(weight, [])
      : reshape(
          weight,
          x.shape.map((_, i) => (i === 1 ? count : 1)),
        ),
  );
});
