import { checkTensor } from '../dispatch/checks.ts';
import { composite, pointwise } from '../dispatch/declare.ts';
import { asDType, type DType, getDefaultDtype, isDifferentiable } from '../dtype.ts';
import { checkOptions, DTypeError } from '../errors.ts';
import { computeType } from '../expr/program.ts';
import type { Tensor } from '../graph/tensor.ts';
import { wrapDim } from '../shape.ts';
import { div, mul, neg } from './arithmetic.ts';
import { sum } from './broadcast.ts';
import { cast, clone } from './copying.ts';
import { log } from './exponential.ts';
import { amax } from './reductions.ts';

export interface SoftmaxOptions {
  /** Converts to this dtype first. */
  readonly dtype?: DType | null;
}

/** PyTorch's choice where no dim is given: the channels of one image or batch. */
const implicitDim = (rank: number): number => (rank === 0 || rank === 1 || rank === 3 ? 0 : 1);

/** The tensor in a floating dtype, and the dim from the front. */
function prepare(
  op: string,
  x: Tensor,
  dim: number | null | undefined,
  options: SoftmaxOptions | undefined,
): [x: Tensor, dim: number] {
  checkTensor(op, 'x', x);
  checkOptions(op, options, ['dtype']);
  const asked = options?.dtype ?? undefined;
  const given = asked === undefined ? x : cast(x, asDType(op, asked));
  if (!isDifferentiable(given.dtype)) {
    throw new DTypeError(
      `${op}: ${given.dtype} has no exponential of its own; give a floating dtype: ${op}(dim, { dtype: '${getDefaultDtype()}' })`,
      { op },
    );
  }
  return [given, wrapDim(op, dim ?? implicitDim(x.shape.length), given)];
}

const like = (x: Tensor, dim: number) => ({
  inputs: { x },
  attrs: { dim },
  outputs: { y: { shape: x.shape, dtype: x.dtype } },
});

/** `compute`; for halves `whole`, the operator itself in float32, which backends fuse, rounding once. */
function widely(x: Tensor, whole: (x: Tensor) => Tensor, compute: (x: Tensor) => Tensor): Tensor {
  if (x.size === 0) return clone(x);
  const wide = computeType(x.dtype);
  return wide === x.dtype ? compute(x) : cast(whole(cast(x, wide)), x.dtype);
}

const shiftedExp = pointwise('shiftedExp', (x, shift) => x.sub(shift).exp());
/** `(x - shift) - logTotal`, in this order: the difference is exact where it is small. */
const shiftedTwice = pointwise('shiftedTwice', (x, shift, logTotal) => x.sub(shift).sub(logTotal));
const centeredProduct = pointwise('centeredProduct', (dy, y, total) => y.mul(dy.sub(total)));
const lessShare = pointwise('lessShare', (dy, y, total) => dy.sub(y.exp().mul(total)));

/** `softmax` of checked arguments. */
const softmaxAlong = composite('softmax', {
  infer: (x: Tensor, dim: number) => like(x, dim),
  decompose: ({ x }, { dim }) =>
    widely(
      x,
      (wide): Tensor => softmaxAlong(wide, dim),
      (same) => {
        const e = shiftedExp(same, amax(same, dim, { keepdim: true }));
        return div(e, sum(e, dim, { keepdim: true }));
      },
    ),
  saves: ['y'],
  vjp: ({ y: dy }, { y }, { dim }) => (dy === undefined ? {} : { x: softmaxBackward(dy, y, dim) }),
});

/** The gradient of softmax: `y (dy - sum(dy y))`. */
export const softmaxBackward = composite('softmaxBackward', {
  infer: (dy: Tensor, y: Tensor, dim: number) => ({
    inputs: { dy, y },
    attrs: { dim },
    outputs: { dx: { shape: y.shape, dtype: y.dtype } },
  }),
  decompose: ({ dy, y }, { dim }) => centeredProduct(dy, y, sum(mul(dy, y), dim, { keepdim: true })),
});

/** `logSoftmax` of checked arguments. */
const logSoftmaxAlong = composite('logSoftmax', {
  infer: (x: Tensor, dim: number) => like(x, dim),
  decompose: ({ x }, { dim }) =>
    widely(
      x,
      (wide): Tensor => logSoftmaxAlong(wide, dim),
      (same) => {
        const largest = amax(same, dim, { keepdim: true });
        const total = sum(shiftedExp(same, largest), dim, { keepdim: true });
        return shiftedTwice(same, largest, log(total));
      },
    ),
  saves: ['y'],
  vjp: ({ y: dy }, { y }, { dim }) => (dy === undefined ? {} : { x: logSoftmaxBackward(dy, y, dim) }),
});

/** The gradient of log-softmax: `dy - exp(y) sum(dy)`. */
export const logSoftmaxBackward = composite('logSoftmaxBackward', {
  infer: (dy: Tensor, y: Tensor, dim: number) => ({
    inputs: { dy, y },
    attrs: { dim },
    outputs: { dx: { shape: y.shape, dtype: y.dtype } },
  }),
  decompose: ({ dy, y }, { dim }) => lessShare(dy, y, sum(dy, dim, { keepdim: true })),
});

/**
 * Normalised exponential along `dim`: `y = exp(x - max x) / sum(exp(x - max x))`.
 *
 * - `x`: `[..., n, ...]`, floating
 * - `dim`: where it is left out, 0 for tensors of 0, 1 or 3 dimensions and 1 for others, as in PyTorch
 * - returns: shape and dtype of `x`; sums to 1 along `dim`
 *
 * @throws {ShapeError} `dim` lies outside `-rank..rank-1`. @throws {DTypeError} integers without a `dtype` option.
 * @example softmax(tensor([1, 1]), 0) // tensor([0.5000, 0.5000])
 */
export const softmax = composite(
  'softmax',
  (x: Tensor, dim?: number | null, options?: SoftmaxOptions): Tensor =>
    softmaxAlong(...prepare('softmax', x, dim, options)),
);

/**
 * The logarithm of softmax along `dim`: `x - max x - log(sum(exp(x - max x)))`.
 *
 * - `x`: `[..., n, ...]`, floating
 * - `dim`: where it is left out, 0 for tensors of 0, 1 or 3 dimensions and 1 for others, as in PyTorch
 *
 * @throws {ShapeError} `dim` lies outside `-rank..rank-1`. @throws {DTypeError} integers without a `dtype` option.
 * @example logSoftmax(tensor([1, 1]), 0) // tensor([-0.6931, -0.6931])
 */
export const logSoftmax = composite(
  'logSoftmax',
  (x: Tensor, dim?: number | null, options?: SoftmaxOptions): Tensor =>
    logSoftmaxAlong(...prepare('logSoftmax', x, dim, options)),
);

/**
 * `softmax(-x)`.
 *
 * @throws {ShapeError} `dim` lies outside `-rank..rank-1`. @throws {DTypeError} integers without a `dtype` option.
 */
export const softmin = composite(
  'softmin',
  (x: Tensor, dim?: number | null, options?: SoftmaxOptions): Tensor => {
    const [given, at] = prepare('softmin', x, dim, options);
    return softmaxAlong(neg(given), at);
  },
);
