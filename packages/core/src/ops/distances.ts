import { checkTensor } from '../dispatch/checks.ts';
import { composite, pointwise } from '../dispatch/declare.ts';
import { getDefaultDtype, isDifferentiable } from '../dtype.ts';
import { checkOptions } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { broadcastShapes } from '../shape.ts';
import { add, div, mul, sub } from './arithmetic.ts';
import { expand, sum } from './broadcast.ts';
import { cast } from './copying.ts';
import { norm } from './norm.ts';

export interface CosineSimilarityOptions {
  /** The least that a norm counts. Default 1e-8. */
  readonly eps?: number;
}

/** A norm not below `eps`; the bound is no part of the gradient. */
const boundedBelow = pointwise('boundedBelow', (x, { eps }) => x.max(eps), {
  params: { eps: 1e-8 },
  grad: ({ dy }) => dy,
});

/**
 * The cosine of the angle between vectors along `dim`: `x1 · x2 / (max(‖x1‖, eps) · max(‖x2‖, eps))`.
 *
 * - `x1`, `x2`: shapes that broadcast
 * - returns: that shape without `dim`
 *
 * @throws {ShapeError} the shapes do not broadcast, or `dim` is out of range.
 * @example cosineSimilarity(tensor([[1, 0]]), tensor([[1, 1]])) // tensor([0.7071])
 */
export const cosineSimilarity = composite(
  'cosineSimilarity',
  (x1: Tensor, x2: Tensor, dim: number = 1, options: CosineSimilarityOptions = {}): Tensor => {
    checkOptions('cosineSimilarity', options, ['eps']);
    checkTensor('cosineSimilarity', 'x1', x1);
    checkTensor('cosineSimilarity', 'x2', x2);
    const { eps = 1e-8 } = options;
    const shape = broadcastShapes('cosineSimilarity', x1.shape, x2.shape);
    const unit = (x: Tensor): Tensor => {
      const floating = isDifferentiable(x.dtype) ? x : cast(x, getDefaultDtype());
      const whole = expand(floating, shape);
      return div(whole, boundedBelow(norm(whole, dim, { keepdim: true }), { eps }));
    };
    return sum(mul(unit(x1), unit(x2)), dim);
  },
);

export interface PairwiseDistanceOptions {
  /** The norm's exponent. Default 2. */
  readonly p?: number;
  /** Added to every difference, against gradients of a distance of zero. Default 1e-6. */
  readonly eps?: number;
  /** Keeps the last dimension with size 1. Default false. */
  readonly keepdim?: boolean;
}

/**
 * The distance of vectors along the last dimension: `‖x1 - x2 + eps‖ₚ`.
 *
 * - `x1`, `x2`: shapes that broadcast, `[..., n]`
 * - returns: `[...]`
 *
 * @throws {ShapeError} the shapes do not broadcast.
 * @example pairwiseDistance(tensor([[0, 3]]), tensor([[4, 0]])) // tensor([5.])
 */
export const pairwiseDistance = composite(
  'pairwiseDistance',
  (x1: Tensor, x2: Tensor, options: PairwiseDistanceOptions = {}): Tensor => {
    checkOptions('pairwiseDistance', options, ['p', 'eps', 'keepdim']);
    checkTensor('pairwiseDistance', 'x1', x1);
    checkTensor('pairwiseDistance', 'x2', x2);
    const { p = 2, eps = 1e-6, keepdim = false } = options;
    return norm(add(sub(x1, x2), eps), -1, { p, keepdim });
  },
);
