import { choice, use } from '../dispatch/choice.ts';
import { pointwise } from '../dispatch/declare.ts';
import { isInteger } from '../dtype.ts';
import { ArgumentError, checkOptions, describe } from '../errors.ts';
import { erf } from '../expr/functions/error.ts';
import { gatedBelow, softplus as softplusOf } from '../expr/functions/logistic.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';

const NOT_BOOL = { bool: "convert it first: to({ dtype: 'float32' })" } as const;
const FLOATING_ONLY = {
  ...NOT_BOOL,
  integer: "convert it to a floating dtype first: to({ dtype: 'float32' })",
} as const;

// Where a gradient can be told from the result, it is: the input is not kept alive, and the in-place form needs no copy.

/** `max(x, 0)`. The gradient at 0 is 0. @throws {DTypeError} on bool. */
export const relu = pointwise('relu', (x) => x.le(0).select(0, x), {
  refuse: NOT_BOOL,
  grad: ({ dy, y }) => y.le(0).select(0, dy),
});

const cut = pointwise('hardtanh', (x, { minVal, maxVal }) => x.max(minVal).min(maxVal), {
  params: { minVal: -1, maxVal: 1 },
  refuse: NOT_BOOL,
  grad: ({ dy, y, params: { minVal, maxVal } }) => y.le(minVal!).or(y.ge(maxVal!)).select(0, dy),
});

export interface HardtanhOptions {
  /** Default -1. */
  readonly minVal?: number;
  /** Default 1. */
  readonly maxVal?: number;
}

/**
 * `min(max(x, minVal), maxVal)`. The gradient at the bounds is 0. For integers the bounds lose their fractions.
 *
 * @throws {DTypeError} on bool.
 * @example hardtanh(tensor([-2, 0.5, 2])) // tensor([-1.0000, 0.5000, 1.0000])
 */
export const hardtanh = choice('hardtanh', (x: Tensor, options?: HardtanhOptions) => {
  checkOptions('hardtanh', options, ['minVal', 'maxVal']);
  const { minVal = -1, maxVal = 1 } = options ?? {};
  const whole = isTensor(x) && isInteger(x.dtype);
  return use(cut, x, whole ? { minVal: Math.trunc(minVal), maxVal: Math.trunc(maxVal) } : { minVal, maxVal });
});

/** `min(max(x, 0), 6)`. The gradient at 0 and 6 is 0. @throws {DTypeError} on bool. */
export const relu6 = pointwise('relu6', (x) => x.max(0).min(6), {
  refuse: NOT_BOOL,
  grad: ({ dy, y }) => y.le(0).or(y.ge(6)).select(0, dy),
});

const leakyBySign = pointwise(
  'leakyRelu',
  (x, { negativeSlope }) => x.gt(0).select(x, x.mul(negativeSlope)),
  {
    params: { negativeSlope: 0.01 },
    refuse: FLOATING_ONLY,
  },
);

const leakyByResult = pointwise(
  'leakyRelu',
  (x, { negativeSlope }) => x.gt(0).select(x, x.mul(negativeSlope)),
  {
    params: { negativeSlope: 0.01 },
    refuse: FLOATING_ONLY,
    grad: ({ dy, y, params }) => y.gt(0).select(dy, dy.mul(params.negativeSlope!)),
  },
);

export interface LeakyReluOptions {
  /** What negative values are multiplied by. Default 0.01. */
  readonly negativeSlope?: number;
}

/**
 * `x` where it is positive, `negativeSlope * x` elsewhere.
 *
 * @throws {DTypeError} integers and booleans.
 * @example leakyRelu(tensor([-1, 2]), { negativeSlope: 0.1 }) // tensor([-0.1000, 2.0000])
 */
export const leakyRelu = choice('leakyRelu', (x: Tensor, options?: LeakyReluOptions) =>
  // With a slope below 0 the result does not tell the sign of x.
  (options?.negativeSlope ?? 0) < 0 ? use(leakyBySign, x, options) : use(leakyByResult, x, options),
);

const eluByResult = pointwise('elu', (x, { alpha }) => x.gt(0).select(x, x.expm1().mul(alpha)), {
  params: { alpha: 1 },
  refuse: FLOATING_ONLY,
  grad: ({ dy, y, params }) => y.gt(0).select(dy, dy.mul(y.add(params.alpha!))),
});

const eluBySign = pointwise('elu', (x, { alpha }) => x.gt(0).select(x, x.expm1().mul(alpha)), {
  params: { alpha: 1 },
  refuse: FLOATING_ONLY,
});

export interface AlphaOptions {
  /** Default 1. */
  readonly alpha?: number;
}

/**
 * `x` where it is positive, `alpha * (e^x - 1)` elsewhere.
 *
 * @throws {DTypeError} integers and booleans.
 * @see https://arxiv.org/abs/1511.07289
 */
export const elu = choice('elu', (x: Tensor, options?: AlphaOptions) =>
  (options?.alpha ?? 1) < 0 ? use(eluBySign, x, options) : use(eluByResult, x, options),
);

const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;

/**
 * `scale * elu(x, { alpha })` with the constants that keep mean and variance.
 *
 * @throws {DTypeError} integers and booleans.
 * @see https://arxiv.org/abs/1706.02515
 */
export const selu = pointwise(
  'selu',
  (x) => x.gt(0).select(x.mul(SELU_SCALE), x.expm1().mul(SELU_ALPHA * SELU_SCALE)),
  {
    refuse: FLOATING_ONLY,
    grad: ({ dy, y }) => y.gt(0).select(dy.mul(SELU_SCALE), dy.mul(y.add(SELU_ALPHA * SELU_SCALE))),
  },
);

const celuOf = pointwise('celu', (x, { alpha }) => x.gt(0).select(x, x.div(alpha).expm1().mul(alpha)), {
  params: { alpha: 1 },
  refuse: FLOATING_ONLY,
});

/**
 * `x` where it is positive, `alpha * (e^(x / alpha) - 1)` elsewhere.
 *
 * @throws {ArgumentError} `alpha` is 0.
 * @throws {DTypeError} integers and booleans.
 * @see https://arxiv.org/abs/1704.07483
 */
export const celu = choice('celu', (x: Tensor, options?: AlphaOptions) => {
  if (options?.alpha === 0) throw new ArgumentError('celu: alpha must not be 0', { op: 'celu' });
  return use(celuOf, x, options);
});

const geluExact = pointwise('gelu', (x) => x.mul(0.5).mul(erf(x.mul(Math.SQRT1_2)).add(1)), {
  refuse: FLOATING_ONLY,
});

/** The cubic in `tanh`, doubled. */
const GELU = { linear: Math.sqrt(8 / Math.PI), cubic: Math.sqrt(8 / Math.PI) * 0.044715 } as const;

const geluTanh = pointwise(
  'gelu',
  // (1 + tanh u) / 2 is the logistic function of 2u, which keeps its digits far below 0 and costs less.
  (x) => gatedBelow(x, x.mul(x.mul(x).mul(-GELU.cubic).sub(GELU.linear))),
  { refuse: FLOATING_ONLY },
);

export interface GeluOptions {
  /** `'tanh'` approximates the normal distribution by a hyperbolic tangent. Default `'none'`. */
  readonly approximate?: 'none' | 'tanh';
}

/**
 * `x * Φ(x)`, with the normal distribution's Φ.
 *
 * @throws {ArgumentError} another `approximate`.
 * @throws {DTypeError} integers and booleans.
 * @see https://arxiv.org/abs/1606.08415
 */
export const gelu = choice('gelu', (x: Tensor, options?: GeluOptions) => {
  checkOptions('gelu', options, ['approximate']);
  switch (options?.approximate) {
    case undefined:
    case 'none':
      return use(geluExact, x);
    case 'tanh':
      return use(geluTanh, x);
    default:
      throw new ArgumentError(
        `gelu: approximate must be 'none' or 'tanh', got ${describe(options?.approximate)}`,
        { op: 'gelu' },
      );
  }
});

/**
 * `x * sigmoid(x)`, also called swish.
 *
 * @throws {DTypeError} integers and booleans.
 * @example silu(tensor([0, 1])) // tensor([0.0000, 0.7311])
 */
export const silu = pointwise('silu', (x) => gatedBelow(x, x.neg()), { refuse: FLOATING_ONLY });

/**
 * `x * tanh(softplus(x))`.
 *
 * @throws {DTypeError} integers and booleans.
 * @see https://arxiv.org/abs/1908.08681
 */
export const mish = pointwise('mish', (x) => x.mul(softplusOf(x).tanh()), { refuse: FLOATING_ONLY });

/**
 * `log(1 + e^(beta x)) / beta`; `x` itself where `beta x` is above `threshold`.
 *
 * @throws {DTypeError} integers and booleans.
 * @example softplus(tensor([0])) // tensor([0.6931])
 */
export const softplus = pointwise(
  'softplus',
  (x, { beta, threshold }) => {
    const z = x.mul(beta);
    return z.gt(threshold).select(x, softplusOf(z).div(beta));
  },
  { params: { beta: 1, threshold: 20 }, refuse: FLOATING_ONLY },
);

/** `log(sigmoid(x))`, without overflow. @throws {DTypeError} integers and booleans. */
export const logsigmoid = pointwise('logsigmoid', (x) => softplusOf(x.neg()).neg(), {
  refuse: FLOATING_ONLY,
});

/** `x / (1 + |x|)`. */
export const softsign = pointwise('softsign', (x) => x.div(x.abs().add(1)), {
  promote: 'float',
  grad: ({ dy, x }) => dy.div(x.abs().add(1).square()),
});

/** `min(max(x + 3, 0), 6) / 6`. @throws {DTypeError} integers and booleans. */
export const hardsigmoid = pointwise('hardsigmoid', (x) => x.add(3).max(0).min(6).div(6), {
  refuse: FLOATING_ONLY,
  grad: ({ dy, y }) => y.gt(0).and(y.lt(1)).select(dy.div(6), 0),
});

/** `x * hardsigmoid(x)`. @throws {DTypeError} integers and booleans. @see https://arxiv.org/abs/1905.02244 */
export const hardswish = pointwise('hardswish', (x) => x.mul(x.add(3).max(0).min(6)).div(6), {
  refuse: FLOATING_ONLY,
  grad: ({ dy, x }) => x.le(-3).select(0, x.ge(3).select(dy, dy.mul(x.div(3).add(0.5)))),
});

/** `x - tanh(x)`. */
export const tanhshrink = pointwise('tanhshrink', (x) => x.sub(x.tanh()), {
  promote: 'float',
  grad: ({ dy, x }) => dy.mul(x.tanh().square()),
});

/**
 * `x` moved towards 0 by `lambd`, and 0 within `-lambd..lambd`.
 *
 * @throws {DTypeError} integers and booleans.
 */
export const softshrink = pointwise(
  'softshrink',
  (x, { lambd }) =>
    x.gt(lambd).select(x.sub(lambd), x.lt(lambd.neg()).select(x.add(lambd), x.isnan().select(x, 0))),
  {
    params: { lambd: 0.5 },
    refuse: FLOATING_ONLY,
    grad: ({ dy, x, params: { lambd } }) => x.ge(lambd!.neg()).and(x.le(lambd!)).select(0, dy),
  },
);

/** `x`, and 0 within `-lambd..lambd`. @throws {DTypeError} integers and booleans. */
export const hardshrink = pointwise(
  'hardshrink',
  (x, { lambd }) => x.ge(lambd.neg()).and(x.le(lambd)).select(0, x),
  { params: { lambd: 0.5 }, refuse: FLOATING_ONLY },
);

const thresholded = pointwise('threshold', (x, threshold, value) => x.le(threshold).select(value, x), {
  promoted: [true, false, false],
  refuse: NOT_BOOL,
});

/**
 * `x` where it is above `threshold`, `value` elsewhere.
 *
 * @throws {DTypeError} on bool.
 * @example threshold(tensor([1, 3]), 2, -1) // tensor([-1., 3.])
 */
export const threshold = choice('threshold', (x: Tensor, limit: number, value: number) =>
  use(thresholded, x, limit, value),
);
