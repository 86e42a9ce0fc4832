import { checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { PointwiseOp } from '../dispatch/pointwise.ts';
import { ArgumentError, checkOptions, ShapeError, showShape } from '../errors.ts';
import { literal } from '../expr/expr.ts';
import { withRecording } from '../graph/mode.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Shape, sameShape, sizeOf } from '../shape.ts';
import { mul } from './arithmetic.ts';
import type { EpsOptions } from './layer-norms.ts';
import { mean } from './reductions.ts';
import { reshape } from './reshape.ts';
import { standardizeBy, standardizer } from './standardize.ts';

type Optional = Tensor | null | undefined;

/** A shape in which a vector of channels meets `[batch, channels, ...]`. */
const channelShape = (shape: Shape): number[] => shape.map((size, i) => (i === 1 ? size : 1));

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

const moveMean = new PointwiseOp(
  'moveMean',
  2,
  ([running, now], { momentum }) => literal(1).sub(momentum!).mul(running!).add(now!.mul(momentum!)),
  { params: { momentum: 0.1 } },
);

/** The variance that an `rstd` came from; `correction` makes it that of a sample. */
const varianceOf = new PointwiseOp(
  'varianceOf',
  1,
  ([rstd], { eps, correction }) => rstd!.square().reciprocal().sub(eps!).mul(correction!),
  {
    params: { eps: 1e-5, correction: 1 },
  },
);

interface Running {
  readonly mean: Optional;
  readonly variance: Optional;
  readonly momentum: number;
  readonly eps: number;
}

/** Moves running statistics towards those of a batch, `[…, channels, 1]` over `count` elements each; an empty one has none. */
function updateRunning(
  x: Tensor,
  now: { readonly mean: Tensor; readonly rstd: Tensor },
  count: number,
  running: Running,
): void {
  if (sizeOf(x.shape) === 0 || !(running.mean || running.variance)) return;
  const { momentum, eps } = running;
  const forChannels = (statistics: Tensor): Tensor => {
    const rows = reshape(statistics, [-1, x.shape[1]!]);
    return rows.shape[0] === 1 ? reshape(rows, [x.shape[1]!]) : mean(rows, 0);
  };
  withRecording(false, () => {
    if (running.mean) moveMean.callInPlace([running.mean, forChannels(now.mean)], { momentum });
    if (!running.variance) return;
    const variance = varianceOf.call([now.rstd], { eps, correction: count / (count - 1) });
    moveMean.callInPlace([running.variance, forChannels(variance)], { momentum });
  });
}

const standardizeBatch = standardizer('batchNorm');
const standardizeInstances = standardizer('instanceNorm');
const standardizeGroups = standardizer('groupNorm');

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
    if (!training) {
      if (!runningMean || !runningVar)
        throw new ArgumentError('batchNorm: outside of training it needs runningMean and runningVar', {
          op: 'batchNorm',
        });
      const meet = (v: Tensor): Tensor => reshape(v, channelShape(x.shape));
      return standardizeBy(
        x,
        meet(runningMean),
        meet(runningVar),
        weight ? meet(weight) : undefined,
        bias ? meet(bias) : undefined,
        eps,
      );
    }
    const [batch, channels] = x.shape as [number, number];
    const count = sizeOf(x.shape) / Math.max(1, channels);
    if (count === 1)
      throw new ArgumentError(
        `batchNorm: training needs more than one value for each channel, ${showShape(x.shape)} has one`,
        { op: 'batchNorm' },
      );
    const layout = {
      view: [batch, channels, sizeOf(x.shape.slice(2))],
      dims: [0, 2],
      vector: [1, channels, 1],
      own: [channels],
      eps,
    };
    const { y, ...now } = standardizeBatch(x, weight ?? undefined, bias ?? undefined, layout);
    updateRunning(x, now, count, { mean: runningMean, variance: runningVar, momentum, eps });
    return y;
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
    const [batch, channels] = x.shape as [number, number];
    const layout = {
      view: [batch, channels, count],
      dims: [2],
      vector: [1, channels, 1],
      own: [channels],
      eps,
    };
    const { y, ...now } = standardizeInstances(x, weight ?? undefined, bias ?? undefined, layout);
    updateRunning(x, now, count, { mean: runningMean, variance: runningVar, momentum, eps });
    return y;
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
    const group = channels / numGroups;
    const layout = {
      view: [batch, numGroups, group, sizeOf(x.shape.slice(2))],
      dims: [2, 3],
      vector: [1, numGroups, group, 1],
      own: [channels],
      eps: options.eps ?? 1e-5,
    };
    return standardizeGroups(x, weight ?? undefined, bias ?? undefined, layout).y;
  },
);
