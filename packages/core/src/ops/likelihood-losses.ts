import { checkTensor } from '../dispatch/checks.ts';
import { composite, pointwise } from '../dispatch/declare.ts';
import { ArgumentError, describe, ShapeError, showShape } from '../errors.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { sameShape } from '../shape.ts';
import { add } from './arithmetic.ts';
import { checkPair, type LossOptions, lossReduction, reduceLoss } from './loss-reduction.ts';
import { unsqueeze } from './reshape.ts';

const poissonOfLog = pointwise('poissonNllOfLog', (x, y) => x.exp().sub(y.mul(x)), { promote: 'float' });
const poisson = pointwise('poissonNll', (x, y, { eps }) => x.sub(y.mul(x.add(eps).log())), {
  promote: 'float',
  params: { eps: 1e-8 },
});
/** Stirling's approximation of `log(y!)`, for targets above 1. */
const stirling = pointwise(
  'stirling',
  (y) =>
    y.gt(1).select(
      y
        .mul(y.log())
        .sub(y)
        .add(
          y
            .mul(2 * Math.PI)
            .log()
            .mul(0.5),
        ),
      0,
    ),
  { promote: 'float' },
);

export interface PoissonNllLossOptions extends LossOptions {
  /** Whether `input` is the logarithm of the rate. Default true. */
  readonly logInput?: boolean;
  /** Adds Stirling's approximation of `log(target!)`. Default false. */
  readonly full?: boolean;
  /** Added to the rate before its logarithm. Default 1e-8. */
  readonly eps?: number;
}

/**
 * Negative log-likelihood of counts: `exp(x) - y x`, or with `logInput: false` `x - y log(x + eps)`.
 *
 * - `input`, `target`: shapes that broadcast
 *
 * @throws {ShapeError} the shapes do not broadcast.
 * @example poissonNllLoss(tensor([0]), tensor([2])) // tensor(1.)
 */
export const poissonNllLoss = composite(
  'poissonNllLoss',
  (input: Tensor, target: Tensor, options: PoissonNllLossOptions = {}): Tensor => {
    const reduction = lossReduction('poissonNllLoss', options, ['logInput', 'full', 'eps', 'reduction']);
    checkPair('poissonNllLoss', input, target);
    const { logInput = true, full = false, eps = 1e-8 } = options;
    const loss = logInput ? poissonOfLog(input, target) : poisson(input, target, { eps });
    return reduceLoss(full ? add(loss, stirling(target)) : loss, reduction);
  },
);

/** The bound of the variance is no part of the gradient. */
const boundedVariance = pointwise('boundedVariance', (x, { eps }) => x.max(eps), {
  promote: 'float',
  params: { eps: 1e-6 },
  grad: ({ dy }) => dy,
});
const gaussian = pointwise(
  'gaussianNll',
  (x, y, variance) => variance.log().add(x.sub(y).square().div(variance)).mul(0.5),
  { promote: 'float' },
);

export interface GaussianNllLossOptions extends LossOptions {
  /** Adds the constant `log(2π) / 2`. Default false. */
  readonly full?: boolean;
  /** The least that a variance counts. Default 1e-6. */
  readonly eps?: number;
}

/**
 * Negative log-likelihood under normal distributions: `(log v + (x - y)² / v) / 2`, `v` being the variance.
 *
 * - `input`, `target`: shapes that broadcast · `variance`: the shape of `input`, the same with a last size of 1 or without its last dimension, or a number
 *
 * @throws {ShapeError} the shapes do not fit. @throws {ArgumentError} the variance is a negative number.
 * @example gaussianNllLoss(tensor([1]), tensor([3]), tensor([1])) // tensor(2.)
 */
export const gaussianNllLoss = composite(
  'gaussianNllLoss',
  (
    input: Tensor,
    target: Tensor,
    variance: Tensor | number,
    options: GaussianNllLossOptions = {},
  ): Tensor => {
    const op = 'gaussianNllLoss';
    const reduction = lossReduction(op, options, ['full', 'eps', 'reduction']);
    checkPair(op, input, target);
    const { full = false, eps = 1e-6 } = options;
    if (!(eps > 0)) throw new ArgumentError(`${op}: eps must be positive, got ${describe(eps)}`, { op });
    if (!isTensor(variance) && !(variance >= 0))
      throw new ArgumentError(
        `${op}: the variance must be a tensor or a number of 0 or more, got ${describe(variance)}`,
        { op },
      );
    const bounded = isTensor(variance)
      ? boundedVariance(fitVariance(op, input, variance), { eps })
      : Math.max(variance, eps);
    const loss = gaussian(input, target, bounded);
    return reduceLoss(full ? add(loss, 0.5 * Math.log(2 * Math.PI)) : loss, reduction);
  },
);

function fitVariance(op: string, input: Tensor, variance: Tensor): Tensor {
  checkTensor(op, 'variance', variance);
  if (sameShape(variance.shape, input.shape) || variance.shape.length === 0) return variance;
  const lead = input.shape.slice(0, -1);
  if (sameShape(variance.shape, lead)) return unsqueeze(variance, -1);
  if (
    variance.shape.length === input.shape.length &&
    variance.shape.every((n, i) => n === input.shape[i] || n === 1)
  )
    return variance;
  throw new ShapeError(
    `${op}: the variance must be ${showShape(input.shape)}, ${showShape([...lead, 1])} or ${showShape(lead)}, got ${showShape(variance.shape)}`,
    { op },
  );
}
