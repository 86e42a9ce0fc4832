import { checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { ArgumentError, checkOptions, ShapeError, showShape } from '../errors.ts';
import { withRecording } from '../graph/mode.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sameShape, sizeOf } from '../shape.ts';
import { add, mul, sub } from './arithmetic.ts';
import { cast } from './copying.ts';
import { pow, rsqrt, square } from './power.ts';
import { mean } from './reductions.ts';
import { reshape } from './reshape.ts';
import { standardize } from './standardize.ts';

type Optional = Tensor | null | undefined;

/** A vector of channels where it meets `[batch, channels, ...]`. */
const alongChannels = (v: Tensor, x: Tensor): Tensor =>
  reshape(
    v,
    x.shape.map((_, i) => (i === 1 ? -1 : 1)),
  );

function affine(y: Tensor, weight: Optional, bias: Optional, place: (v: Tensor) => Tensor): Tensor {
  const scaled = weight ? mul(y, place(weight)) : y;
  return bias ? add(scaled, place(bias)) : scaled;
}

function checkChannels(op: string, x: Tensor, vectors: Readonly<Record<string, Optional>>): void {
  checkTensor(op, 'x', x);
  if (x.shape.length < 2)
    throw new ShapeError(`${op}: x must be [batch, channels, ...], got ${showShape(x.shape)}`, { op });
  for (const [name, vector] of Object.entries(vectors)) {
    if (vector && !sameShape(vector.shape, [x.shape[1]!])) {
      throw new ShapeError(
        `${op}: ${name} must be [${x.shape[1]}], one for each channel of ${showShape(x.shape)}; it is ${showShape(vector.shape)}`,
        { op },
      );
    }
  }
}

/** Moves running statistics towards those of a batch; an empty one has none. */
function updateRunning(x: Tensor, running: Optional, now: Tensor, momentum: number): void {
  if (!running || sizeOf(x.shape) === 0) return;
  const mulInPlace = mul.inPlace as (target: Tensor, factor: number) => Tensor;
  const addInPlace = add.inPlace as (target: Tensor, value: Tensor, options: { alpha: number }) => Tensor;
  withRecording(false, () =>
    addInPlace(mulInPlace(running, 1 - momentum), cast(reshape(now, running.shape), running.dtype), {
      alpha: momentum,
    }),
  );
}

export interface BatchNormOptions {
  /** Uses the statistics of the batch and updates the running ones. Default false. */
  readonly training?: boolean;
  /** How far the running statistics move. Default 0.1. */
  readonly momentum?: number;
  /** Default 1e-5. */
  readonly eps?: number;
}

/**
 * Normalises each channel: `(x - mean) / sqrt(var + eps) * weight + bias`, by the batch's statistics in training and
 * by the running ones otherwise.
 *
 * - `x`: `[batch, channels, ...]`; the others `[channels]`
 *
 * @throws {ShapeError} a shape does not fit. @throws {ArgumentError} there is one value for each channel in training.
 * @see Ioffe and Szegedy, Batch Normalization (2015)
 */
export const batchNorm = composite(
  'batchNorm',
  (
    x: Tensor,
    runningMean?: Tensor | null,
    runningVar?: Tensor | null,
    weight?: Tensor | null,
    bias?: Tensor | null,
    options: BatchNormOptions = {},
  ): Tensor => {
    checkOptions('batchNorm', options, ['training', 'momentum', 'eps']);
    checkTensor('batchNorm', 'x', x);
    if (x.size === 0 && x.shape.length < 2) return mul(x, 1);
    checkChannels('batchNorm', x, { runningMean, runningVar, weight, bias });
    const { training = false, momentum = 0.1, eps = 1e-5 } = options;
    const place = (v: Tensor): Tensor => alongChannels(v, x);
    if (!training) {
      if (!runningMean || !runningVar)
        throw new ArgumentError('batchNorm: outside of training it needs runningMean and runningVar', {
          op: 'batchNorm',
        });
      return affine(mul(sub(x, place(runningMean)), place(rsqrt(add(runningVar, eps)))), weight, bias, place);
    }
    const count = sizeOf(x.shape) / Math.max(1, x.shape[1]!);
    if (count === 1)
      throw new ArgumentError(
        `batchNorm: training needs more than one value for each channel, ${showShape(x.shape)} has one`,
        { op: 'batchNorm' },
      );
    const {
      y,
      mean: center,
      rstd,
    } = standardize(
      x,
      x.shape.map((_, i) => i).filter((i) => i !== 1),
      eps,
    );
    updateRunning(x, runningMean, center, momentum);
    if (runningVar)
      updateRunning(
        x,
        runningVar,
        withRecording(false, () => mul(sub(pow(rstd, -2), eps), count / (count - 1))),
        momentum,
      );
    return affine(y, weight, bias, place);
  },
);

export interface InstanceNormOptions {
  /** Uses the statistics of the input; else the running ones. Default true. */
  readonly useInputStats?: boolean;
  /** Default 0.1. */
  readonly momentum?: number;
  /** Default 1e-5. */
  readonly eps?: number;
}

/**
 * Normalises each channel of each element of the batch by itself.
 *
 * - `x`: `[batch, channels, ...]`; the others `[channels]`
 *
 * @throws {ShapeError} a shape does not fit.
 * @see Ulyanov, Vedaldi and Lempitsky, Instance Normalization (2016)
 */
export const instanceNorm = composite(
  'instanceNorm',
  (
    x: Tensor,
    runningMean?: Tensor | null,
    runningVar?: Tensor | null,
    weight?: Tensor | null,
    bias?: Tensor | null,
    options: InstanceNormOptions = {},
  ): Tensor => {
    checkOptions('instanceNorm', options, ['useInputStats', 'momentum', 'eps']);
    checkChannels('instanceNorm', x, { runningMean, runningVar, weight, bias });
    const { useInputStats = true, momentum = 0.1, eps = 1e-5 } = options;
    if (!useInputStats) return batchNorm(x, runningMean, runningVar, weight, bias, { eps });
    const count = sizeOf(x.shape.slice(2));
    if (count === 1)
      throw new ArgumentError(
        `instanceNorm: it needs more than one value for each channel, ${showShape(x.shape)} has one`,
        { op: 'instanceNorm' },
      );
    const { y, mean: center, rstd } = standardize(x, x.shape.map((_, i) => i).slice(2), eps);
    updateRunning(
      x,
      runningMean,
      withRecording(false, () => mean(center, 0)),
      momentum,
    );
    if (runningVar)
      updateRunning(
        x,
        runningVar,
        withRecording(false, () => mean(mul(sub(pow(rstd, -2), eps), count / (count - 1)), 0)),
        momentum,
      );
    return affine(y, weight, bias, (v) => alongChannels(v, x));
  },
);

function trailingDims(
  op: string,
  x: Tensor,
  normalizedShape: readonly number[],
  vectors: Readonly<Record<string, Optional>>,
): readonly number[] {
  checkTensor(op, 'x', x);
  const lead = x.shape.length - normalizedShape.length;
  if (normalizedShape.length === 0 || lead < 0 || !sameShape(x.shape.slice(lead), normalizedShape)) {
    throw new ShapeError(
      `${op}: ${showShape(x.shape)} does not end in the normalised shape ${showShape(normalizedShape)}`,
      { op },
    );
  }
  for (const [name, vector] of Object.entries(vectors)) {
    if (vector && !sameShape(vector.shape, normalizedShape)) {
      throw new ShapeError(
        `${op}: ${name} must have the normalised shape ${showShape(normalizedShape)}, it is ${showShape(vector.shape)}`,
        { op },
      );
    }
  }
  return x.shape.map((_, i) => i).slice(lead);
}

export interface EpsOptions {
  /** Added to the variance. */
  readonly eps?: number | null;
}

/**
 * Normalises over the last dimensions: `(x - mean) / sqrt(var + eps) * weight + bias`.
 *
 * - `x`: `[..., *normalizedShape]`; `weight`, `bias`: `normalizedShape`
 *
 * @throws {ShapeError} a shape does not fit.
 * @see Ba, Kiros and Hinton, Layer Normalization (2016)
 */
export const layerNorm = composite(
  'layerNorm',
  (
    x: Tensor,
    normalizedShape: readonly number[],
    weight?: Tensor | null,
    bias?: Tensor | null,
    options: EpsOptions = {},
  ): Tensor => {
    checkOptions('layerNorm', options, ['eps']);
    const dims = trailingDims('layerNorm', x, normalizedShape, { weight, bias });
    return affine(standardize(x, dims, options.eps ?? 1e-5).y, weight, bias, (v) => v);
  },
);

/**
 * Normalises groups of channels of each element of the batch.
 *
 * - `x`: `[batch, channels, ...]`; `weight`, `bias`: `[channels]`
 *
 * @throws {ShapeError} a shape does not fit. @throws {ArgumentError} the channels do not divide into the groups.
 * @see Wu and He, Group Normalization (2018)
 */
export const groupNorm = composite(
  'groupNorm',
  (
    x: Tensor,
    numGroups: number,
    weight?: Tensor | null,
    bias?: Tensor | null,
    options: EpsOptions = {},
  ): Tensor => {
    checkOptions('groupNorm', options, ['eps']);
    checkChannels('groupNorm', x, { weight, bias });
    const [batch, channels] = x.shape as [number, number];
    if (!Number.isInteger(numGroups) || numGroups < 1 || channels % numGroups !== 0) {
      throw new ArgumentError(`groupNorm: ${channels} channels do not divide into ${numGroups} groups`, {
        op: 'groupNorm',
      });
    }
    if (x.size === 0) return affine(mul(x, 1), weight, bias, (v) => alongChannels(v, x));
    const grouped = reshape(x, [batch, numGroups, -1]);
    return affine(reshape(standardize(grouped, [2], options.eps ?? 1e-5).y, x.shape), weight, bias, (v) =>
      alongChannels(v, x),
    );
  },
);

/** The distance from 1 to the next number. */
const MACHINE_EPSILON: Readonly<Record<string, number>> = {
  float64: 2 ** -52,
  float32: 2 ** -23,
  float16: 2 ** -10,
  bfloat16: 2 ** -7,
};

/**
 * Divides by the root of the mean square over the last dimensions: `x / sqrt(mean(x²) + eps) * weight`.
 *
 * - `x`: `[..., *normalizedShape]`; `weight`: `normalizedShape`
 *
 * @throws {ShapeError} a shape does not fit.
 * @see Zhang and Sennrich, Root Mean Square Layer Normalization (2019)
 */
export const rmsNorm = composite(
  'rmsNorm',
  (
    x: Tensor,
    normalizedShape: readonly number[],
    weight?: Tensor | null,
    options: EpsOptions = {},
  ): Tensor => {
    checkOptions('rmsNorm', options, ['eps']);
    const dims = trailingDims('rmsNorm', x, normalizedShape, { weight });
    const eps = options.eps ?? MACHINE_EPSILON[x.dtype] ?? 2 ** -23;
    return affine(mul(x, rsqrt(add(mean(square(x), dims, { keepdim: true }), eps))), weight, null, (v) => v);
  },
);
