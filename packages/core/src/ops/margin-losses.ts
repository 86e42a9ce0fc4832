import { checkTensor } from '../dispatch/checks.ts';
import { composite, pointwise } from '../dispatch/declare.ts';
import { ArgumentError, ShapeError, showShape } from '../errors.ts';
import { type Expr, literal } from '../expr/expr.ts';
import type { Tensor } from '../graph/tensor.ts';
import { broadcastShapes } from '../shape.ts';
import { add, div, mul, sub } from './arithmetic.ts';
import { sum } from './broadcast.ts';
import { pairwiseDistance } from './distances.ts';
import { minimum } from './extremum.ts';
import { checkPair, type LossOptions, lossReduction, reduceLoss } from './loss-reduction.ts';
import { sqrt, square } from './power.ts';

export interface MarginLossOptions extends LossOptions {
  readonly margin?: number;
}

/** `max(0, x)`; at 0 the gradient passes. */
const positivePart = (x: Expr): Expr => x.lt(0).select(0, x);
const hinge = pointwise('hinge', positivePart);

const rankingError = pointwise(
  'rankingError',
  (x1, x2, y, { margin }) => y.neg().mul(x1.sub(x2)).add(margin),
  { promote: 'float', params: { margin: 0 } },
);

/**
 * `max(0, -target (x1 - x2) + margin)`: the first is to rank higher where the target is 1, lower where it is -1.
 *
 * - `input1`, `input2`, `target`: shapes that broadcast, of as many dimensions · `margin`: default 0
 *
 * @throws {ShapeError} the shapes do not fit.
 * @example marginRankingLoss(tensor([1]), tensor([3]), tensor([1])) // tensor(2.)
 */
export const marginRankingLoss = composite(
  'marginRankingLoss',
  (input1: Tensor, input2: Tensor, target: Tensor, options?: MarginLossOptions): Tensor => {
    const op = 'marginRankingLoss';
    const reduction = lossReduction(op, options, ['margin', 'reduction']);
    checkPair(op, input1, input2);
    checkTensor(op, 'target', target);
    if (input1.shape.length !== input2.shape.length || input1.shape.length !== target.shape.length) {
      throw new ShapeError(
        `${op}: the operands must have the same number of dimensions, got ${[input1, input2, target].map((x) => showShape(x.shape)).join(', ')}`,
        { op },
      );
    }
    return reduceLoss(
      hinge(rankingError(input1, input2, target, { margin: options?.margin ?? 0 })),
      reduction,
    );
  },
);

const embeddingError = pointwise(
  'hingeEmbedding',
  (x, y, { margin }) =>
    y
      .ne(1)
      .select(positivePart(margin.sub(x)), 0)
      .add(y.ne(-1).select(x, 0)),
  { promote: 'float', params: { margin: 1 } },
);

/**
 * `x` where the target is 1, `max(0, margin - x)` where it is -1; `x` is a distance.
 *
 * - `input`, `target`: shapes that broadcast · `margin`: default 1
 *
 * @throws {ShapeError} the shapes do not broadcast.
 * @example hingeEmbeddingLoss(tensor([0.25, 0.25]), tensor([1, -1])) // tensor(0.5000)
 */
export const hingeEmbeddingLoss = composite(
  'hingeEmbeddingLoss',
  (input: Tensor, target: Tensor, options?: MarginLossOptions): Tensor => {
    const reduction = lossReduction('hingeEmbeddingLoss', options, ['margin', 'reduction']);
    checkPair('hingeEmbeddingLoss', input, target);
    return reduceLoss(embeddingError(input, target, { margin: options?.margin ?? 1 }), reduction);
  },
);

const cosineError = pointwise(
  'cosineEmbedding',
  (cosine, y, { margin }) =>
    y
      .eq(1)
      .select(literal(1).sub(cosine), 0)
      .add(y.eq(-1).select(positivePart(cosine.sub(margin)), 0)),
  { promote: 'float', params: { margin: 0 } },
);

/**
 * `1 - cos(x1, x2)` where the target is 1, `max(0, cos(x1, x2) - margin)` where it is -1.
 *
 * - `input1`, `input2`: `[batch, features]` or `[features]` · `target`: `[batch]` or `[]` · `margin`: default 0
 *
 * @throws {ShapeError} the shapes do not fit.
 * @example cosineEmbeddingLoss(tensor([[1, 0]]), tensor([[1, 0]]), tensor([1])) // tensor(0.)
 */
export const cosineEmbeddingLoss = composite(
  'cosineEmbeddingLoss',
  (input1: Tensor, input2: Tensor, target: Tensor, options?: MarginLossOptions): Tensor => {
    const op = 'cosineEmbeddingLoss';
    const reduction = lossReduction(op, options, ['margin', 'reduction']);
    checkPair(op, input1, input2);
    checkTensor(op, 'target', target);
    const rank = target.shape.length;
    if (rank > 1 || input1.shape.length !== rank + 1 || input2.shape.length !== rank + 1) {
      throw new ShapeError(
        `${op}: inputs must be [batch, features] with a target [batch], or [features] with []; got ${[input1, input2, target].map((x) => showShape(x.shape)).join(', ')}`,
        { op },
      );
    }
    const length = (x: Tensor): Tensor => add(sum(square(x), rank), 1e-12);
    const cosine = div(sum(mul(input1, input2), rank), sqrt(mul(length(input1), length(input2))));
    return reduceLoss(cosineError(cosine, target, { margin: options?.margin ?? 0 }), reduction);
  },
);

export interface TripletMarginLossOptions extends MarginLossOptions {
  /** The norm's exponent. Default 2. */
  readonly p?: number;
  /** Added to every difference. Default 1e-6. */
  readonly eps?: number;
  /** Takes the nearer of anchor and positive as the negative's neighbour. Default false. */
  readonly swap?: boolean;
}

/**
 * `max(0, d(anchor, positive) - d(anchor, negative) + margin)` with `pairwiseDistance` as `d`.
 *
 * - `anchor`, `positive`, `negative`: `[..., features]`, of as many dimensions · `margin`: default 1
 *
 * @throws {ShapeError} the shapes do not fit. @throws {ArgumentError} `margin` is not positive.
 * @see Balntas et al., Learning shallow convolutional feature descriptors with triplet losses (2016)
 */
export const tripletMarginLoss = composite(
  'tripletMarginLoss',
  (anchor: Tensor, positive: Tensor, negative: Tensor, options: TripletMarginLossOptions = {}): Tensor => {
    const op = 'tripletMarginLoss';
    const reduction = lossReduction(op, options, ['margin', 'p', 'eps', 'swap', 'reduction']);
    for (const [name, x] of Object.entries({ anchor, positive, negative })) checkTensor(op, name, x);
    broadcastShapes(op, anchor.shape, positive.shape, negative.shape);
    if (anchor.shape.length !== positive.shape.length || anchor.shape.length !== negative.shape.length) {
      throw new ShapeError(
        `${op}: the operands must have the same number of dimensions, got ${[anchor, positive, negative].map((x) => showShape(x.shape)).join(', ')}`,
        { op },
      );
    }
    const { margin = 1, p = 2, eps = 1e-6, swap = false } = options;
    if (!(margin > 0)) throw new ArgumentError(`${op}: margin must be positive, got ${margin}`, { op });
    const near = pairwiseDistance(anchor, positive, { p, eps });
    const far = pairwiseDistance(anchor, negative, { p, eps });
    const other = swap ? minimum(far, pairwiseDistance(positive, negative, { p, eps })) : far;
    return reduceLoss(hinge(add(sub(near, other), margin)), reduction);
  },
);
