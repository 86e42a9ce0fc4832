import { composite, pointwise } from '../dispatch/declare.ts';
import { ArgumentError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { div, mul } from './arithmetic.ts';
import { expand, sum } from './broadcast.ts';
import { checkPair, type LossOptions, lossReduction, reduceLoss } from './loss-reduction.ts';

const squaredError = pointwise('squaredError', (x, y) => x.sub(y).square(), { promote: 'float' });
const absoluteError = pointwise('absoluteError', (x, y) => x.sub(y).abs(), { promote: 'float' });

export interface WeightedLossOptions extends LossOptions {
  /** A weight for each element, broadcast. */
  readonly weight?: Tensor | null;
}

/** With weights, the mean divides by their sum. */
function weighted(loss: Tensor, weight: Tensor | null | undefined, reduction: string): Tensor {
  if (weight === null || weight === undefined) return reduceLoss(loss, reduction);
  const terms = mul(loss, weight);
  if (reduction !== 'mean') return reduceLoss(terms, reduction);
  return div(sum(terms), sum(expand(weight, loss.shape)));
}

/**
 * Mean squared error: `(x - y)²`.
 *
 * - `input`, `target`: shapes that broadcast
 *
 * @throws {ShapeError} the shapes do not broadcast.
 * @example mseLoss(tensor([1, 2]), tensor([1, 4])) // tensor(2.)
 */
export const mseLoss = composite(
  'mseLoss',
  (input: Tensor, target: Tensor, options?: WeightedLossOptions): Tensor => {
    const reduction = lossReduction('mseLoss', options, ['reduction', 'weight']);
    checkPair('mseLoss', input, target);
    return weighted(squaredError(input, target), options?.weight, reduction);
  },
);

/**
 * Mean absolute error: `|x - y|`.
 *
 * @throws {ShapeError} the shapes do not broadcast.
 */
export const l1Loss = composite(
  'l1Loss',
  (input: Tensor, target: Tensor, options?: WeightedLossOptions): Tensor => {
    const reduction = lossReduction('l1Loss', options, ['reduction', 'weight']);
    checkPair('l1Loss', input, target);
    return weighted(absoluteError(input, target), options?.weight, reduction);
  },
);

const smoothL1 = pointwise(
  'smoothL1',
  (x, y, { beta }) => {
    const error = x.sub(y).abs();
    return error.lt(beta).select(error.square().mul(0.5).div(beta), error.sub(beta.mul(0.5)));
  },
  { promote: 'float', params: { beta: 1 } },
);

export interface SmoothL1LossOptions extends LossOptions {
  /** Where the square turns into the absolute value; 0 gives `l1Loss`. Default 1. */
  readonly beta?: number;
}

/**
 * `0.5 (x - y)² / beta` where `|x - y| < beta`, else `|x - y| - beta / 2`.
 *
 * @throws {ArgumentError} `beta` is negative. @throws {ShapeError} the shapes do not broadcast.
 * @see Girshick, Fast R-CNN (2015)
 */
export const smoothL1Loss = composite(
  'smoothL1Loss',
  (input: Tensor, target: Tensor, options?: SmoothL1LossOptions): Tensor => {
    const reduction = lossReduction('smoothL1Loss', options, ['reduction', 'beta']);
    checkPair('smoothL1Loss', input, target);
    const beta = options?.beta ?? 1;
    if (!(beta >= 0))
      throw new ArgumentError(`smoothL1Loss: beta must be 0 or more, got ${beta}`, { op: 'smoothL1Loss' });
    return reduceLoss(
      beta === 0 ? absoluteError(input, target) : smoothL1(input, target, { beta }),
      reduction,
    );
  },
);

const huber = pointwise(
  'huber',
  (x, y, { delta }) => {
    const error = x.sub(y).abs();
    return error.le(delta).select(error.square().mul(0.5), delta.mul(error.sub(delta.mul(0.5))));
  },
  { promote: 'float', params: { delta: 1 } },
);

export interface HuberLossOptions extends WeightedLossOptions {
  /** Where the square turns into the absolute value. Default 1. */
  readonly delta?: number;
}

/**
 * `0.5 (x - y)²` where `|x - y| <= delta`, else `delta (|x - y| - delta / 2)`.
 *
 * @throws {ArgumentError} `delta` is not positive. @throws {ShapeError} the shapes do not broadcast.
 */
export const huberLoss = composite(
  'huberLoss',
  (input: Tensor, target: Tensor, options?: HuberLossOptions): Tensor => {
    const reduction = lossReduction('huberLoss', options, ['reduction', 'delta', 'weight']);
    checkPair('huberLoss', input, target);
    const delta = options?.delta ?? 1;
    if (!(delta > 0))
      throw new ArgumentError(`huberLoss: delta must be positive, got ${delta}`, { op: 'huberLoss' });
    return weighted(huber(input, target, { delta }), options?.weight, reduction);
  },
);

const softMargin = pointwise(
  'softMargin',
  (x, y) => {
    const z = y.neg().mul(x);
    return z.max(0).add(z.abs().neg().exp().log1p());
  },
  { promote: 'float' },
);

/** `log(1 + exp(-y x))`, for targets of -1 and 1. */
export const softMarginLoss = composite(
  'softMarginLoss',
  (input: Tensor, target: Tensor, options?: LossOptions): Tensor => {
    const reduction = lossReduction('softMarginLoss', options, ['reduction']);
    checkPair('softMarginLoss', input, target);
    return reduceLoss(softMargin(input, target), reduction);
  },
);
