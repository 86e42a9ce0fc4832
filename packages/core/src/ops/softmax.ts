import { checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { asDType, type DType, getDefaultDtype, isDifferentiable } from '../dtype.ts';
import { checkOptions, DTypeError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { wrapDim } from '../shape.ts';
import { div, mul, neg, sub } from './arithmetic.ts';
import { sum } from './broadcast.ts';
import { cast } from './copying.ts';
import { exp, log } from './exponential.ts';
import { amax } from './reductions.ts';

export interface SoftmaxOptions {
  /** Converts to this dtype first. */
  readonly dtype?: DType;
}

function prepared(op: string, x: Tensor, options: SoftmaxOptions | undefined): Tensor {
  checkTensor(op, 'x', x);
  checkOptions(op, options, ['dtype']);
  const given = options?.dtype === undefined ? x : cast(x, asDType(op, options.dtype));
  if (!isDifferentiable(given.dtype)) {
    throw new DTypeError(
      `${op}: ${given.dtype} has no exponential of its own; give a floating dtype: ${op}(dim, { dtype: '${getDefaultDtype()}' })`,
      { op },
    );
  }
  return given;
}

const like = (x: Tensor, dim: number) => ({
  inputs: { x },
  attrs: { dim },
  outputs: { y: { shape: x.shape, dtype: x.dtype } },
});

/** `softmax` of checked arguments. */
const softmaxAlong = composite('softmax', {
  infer: (x: Tensor, dim: number) => like(x, dim),
  decompose({ x }, { dim }) {
    if (x.size === 0) return exp(x);
    const e = exp(sub(x, amax(x, dim, { keepdim: true })));
    return div(e, sum(e, dim, { keepdim: true }));
  },
  saves: ['y'],
  vjp: ({ y: dy }, { y }, { dim }) => (dy === undefined ? {} : { x: softmaxBackward(dy, y, dim) }),
});

/** The gradient of softmax: `y (dy - sum(dy y))`. */
export const softmaxBackward = composite('softmaxBackward', (dy: Tensor, y: Tensor, dim: number): Tensor => {
  const weighted = mul(dy, y);
  return sub(weighted, mul(y, sum(weighted, dim, { keepdim: true })));
});

/** `logSoftmax` of checked arguments. */
const logSoftmaxAlong = composite('logSoftmax', {
  infer: (x: Tensor, dim: number) => like(x, dim),
  decompose({ x }, { dim }) {
    if (x.size === 0) return neg(x);
    const shifted = sub(x, amax(x, dim, { keepdim: true }));
    return sub(shifted, log(sum(exp(shifted), dim, { keepdim: true })));
  },
  saves: ['y'],
  vjp: ({ y: dy }, { y }, { dim }) => (dy === undefined ? {} : { x: logSoftmaxBackward(dy, y, dim) }),
});

/** The gradient of log-softmax: `dy - exp(y) sum(dy)`. */
export const logSoftmaxBackward = composite(
  'logSoftmaxBackward',
  (dy: Tensor, y: Tensor, dim: number): Tensor => sub(dy, mul(exp(y), sum(dy, dim, { keepdim: true }))),
);

/**
 * Normalised exponential along `dim`: `y = exp(x - max x) / sum(exp(x - max x))`.
 *
 * - `x`: `[..., n, ...]`, floating
 * - returns: shape and dtype of `x`; sums to 1 along `dim`
 *
 * @throws {ShapeError} `dim` lies outside `-rank..rank-1`. @throws {DTypeError} integers without a `dtype` option.
 * @example softmax(tensor([1, 1]), 0) // tensor([0.5000, 0.5000])
 */
export const softmax = composite('softmax', (x: Tensor, dim: number, options?: SoftmaxOptions): Tensor => {
  const given = prepared('softmax', x, options);
  return softmaxAlong(given, wrapDim('softmax', dim, given));
});

/**
 * The logarithm of softmax along `dim`: `x - max x - log(sum(exp(x - max x)))`.
 *
 * - `x`: `[..., n, ...]`, floating
 *
 * @throws {ShapeError} `dim` lies outside `-rank..rank-1`. @throws {DTypeError} integers without a `dtype` option.
 */
export const logSoftmax = composite(
  'logSoftmax',
  (x: Tensor, dim: number, options?: SoftmaxOptions): Tensor => {
    const given = prepared('logSoftmax', x, options);
    return logSoftmaxAlong(given, wrapDim('logSoftmax', dim, given));
  },
);

/** `softmax(-x)`. */
export const softmin = composite(
  'softmin',
  (x: Tensor, dim: number, options?: SoftmaxOptions): Tensor => softmax(neg(x), dim, options),
);
