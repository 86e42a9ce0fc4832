import {
  add,
  batchNorm,
  checkOptions,
  div,
  getDefaultDevice,
  mul,
  noGrad,
  ones,
  ShapeError,
  scope,
  showShape,
  sub,
  supportsDType,
  type Tensor,
  zeros,
} from '@flambeau/core';
import * as init from '../init/index.ts';
import { Module } from '../module/module.ts';
import { settings } from '../module/repr.ts';
import { buffer } from '../module/roles.ts';
import { checkCount, FACTORY, type FactoryOptions, factory, newParameter } from './settings.ts';

export interface NormOptions extends FactoryOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Weight of a new batch in the running statistics; null takes the mean of all batches. Default 0.1. */
  readonly momentum?: number | null;
  /** Whether the result is scaled and shifted by learned parameters. */
  readonly affine?: boolean;
  /** Whether statistics are kept for evaluation. */
  readonly trackRunningStats?: boolean;
  /** Whether there is a shift. Default true. */
  readonly bias?: boolean;
}

/** What batch norms and instance norms have in common. */
export abstract class NormNd extends Module {
  static override readonly keys = {
    runningMean: 'running_mean',
    runningVar: 'running_var',
    numBatchesTracked: 'num_batches_tracked',
  };

  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number | null;
  readonly affine: boolean;
  readonly trackRunningStats: boolean;
  weight: Tensor | null;
  bias: Tensor | null;
  runningMean: Tensor | null;
  runningVar: Tensor | null;
  /** How many batches the statistics know; an int64, or an int32 where the device has none. */
  numBatchesTracked: Tensor | null;

  protected constructor(
    layer: string,
    numFeatures: number,
    options: NormOptions,
    standard: { readonly affine: boolean; readonly track: boolean },
  ) {
    super();
    checkCount(layer, 'numFeatures', numFeatures, 1);
    checkOptions(layer, options, ['eps', 'momentum', 'affine', 'trackRunningStats', 'bias', ...FACTORY]);
    this.numFeatures = numFeatures;
    this.eps = options.eps ?? 1e-5;
    this.momentum = options.momentum === undefined ? 0.1 : options.momentum;
    this.affine = options.affine ?? standard.affine;
    this.trackRunningStats = options.trackRunningStats ?? standard.track;
    this.weight = this.affine ? newParameter([numFeatures], options) : null;
    this.bias = this.affine && (options.bias ?? true) ? newParameter([numFeatures], options) : null;
    const tracked = this.trackRunningStats;
    this.runningMean = tracked ? buffer(zeros([numFeatures], factory(options))) : null;
    this.runningVar = tracked ? buffer(ones([numFeatures], factory(options))) : null;
    this.numBatchesTracked = tracked ? buffer(counter(options)) : null;
    this.resetParameters();
  }

  /** Forgets the running statistics. */
  resetRunningStats(): void {
    if (this.runningMean !== null) init.zeros_(this.runningMean);
    if (this.runningVar !== null) init.ones_(this.runningVar);
    if (this.numBatchesTracked !== null) init.zeros_(this.numBatchesTracked);
  }

  /** Sets the scale to 1 and the shift to 0, and forgets the running statistics. */
  resetParameters(): void {
    this.resetRunningStats();
    if (this.weight !== null) init.ones_(this.weight);
    if (this.bias !== null) init.zeros_(this.bias);
  }

  override extraRepr(): string {
    const { eps, momentum, affine } = this;
    return `${this.numFeatures}, ${settings({ eps, momentum, affine, bias: this.bias !== null, track_running_stats: this.trackRunningStats })}`;
  }
}

function counter({ device = getDefaultDevice() }: FactoryOptions): Tensor {
  return zeros([], { device, dtype: supportsDType(device, 'int64') ? 'int64' : 'int32' });
}

abstract class BatchNorm extends NormNd {
  protected constructor(layer: string, numFeatures: number, options: NormOptions) {
    super(layer, numFeatures, options, { affine: true, track: true });
  }

  protected normalise(x: Tensor): Tensor {
    return scope(() => {
      const { runningMean, runningVar, weight, bias, eps, momentum } = this;
      if (!this.training) {
        const training = runningMean === null && runningVar === null;
        return batchNorm(x, runningMean, runningVar, weight, bias, { training, eps });
      }
      if (!this.trackRunningStats || runningMean === null || runningVar === null) {
        return batchNorm(x, null, null, weight, bias, { training: true, eps });
      }
      this.#count();
      if (momentum !== null)
        return batchNorm(x, runningMean, runningVar, weight, bias, { training: true, momentum, eps });
      // The mean of all batches: the new one's share is one over their number, which only the device knows.
      const mean = zeros(runningMean.shape, { dtype: runningMean.dtype, device: runningMean.device });
      const variance = zeros(runningVar.shape, { dtype: runningVar.dtype, device: runningVar.device });
      const y = batchNorm(x, mean, variance, weight, bias, { training: true, momentum: 1, eps });
      if (x.size === 0) return y;
      noGrad(() => {
        this.#approach(runningMean, mean);
        this.#approach(runningVar, variance);
      });
      return y;
    });
  }

  #count(): void {
    const { numBatchesTracked } = this;
    if (numBatchesTracked !== null) noGrad(() => void numBatchesTracked.add_(1));
  }

  #approach(running: Tensor, batch: Tensor): void {
    const share =
      this.numBatchesTracked === null ? 0 : div(1, this.numBatchesTracked.to({ dtype: running.dtype }));
    running.copy_(add(running, mul(sub(batch, running), share)));
  }
}

function checkRank(layer: string, { shape }: Tensor, ranks: readonly number[], what: string): void {
  if (ranks.includes(shape.length)) return;
  throw new ShapeError(`${layer}: x must be ${what}, got ${showShape(shape)}`, {
    op: layer,
    data: { shape },
  });
}

/**
 * Normalises each feature over the batch: `(x - mean) / sqrt(var + eps) * weight + bias`. In training with the batch's
 * statistics, which running ones follow; in evaluation with the running ones.
 *
 * State: `weight`, `bias`, `running_mean`, `running_var` `[features]`, `num_batches_tracked` `[]`.
 *
 * @throws {ArgumentError} `numFeatures` is no positive integer.
 * @see Ioffe and Szegedy, Batch Normalization (2015)
 * @example new BatchNorm1d(3).forward(randn([8, 3])).shape // [8, 3]
 */
export class BatchNorm1d extends BatchNorm {
  static readonly builtIn: string = 'BatchNorm1d';
  constructor(numFeatures: number, options: NormOptions = {}) {
    super('BatchNorm1d', numFeatures, options);
  }

  /**
   * - `x`: `[batch, features]` or `[batch, features, length]`
   * - returns: the same shape
   *
   * @throws {ShapeError} `x` has another number of dimensions or features, or one value for each feature in training.
   */
  forward(x: Tensor): Tensor {
    checkRank('BatchNorm1d', x, [2, 3], '[batch, features] or [batch, features, length]');
    return this.normalise(x);
  }
}

/**
 * Normalises each channel of images over the batch: see `BatchNorm1d`.
 *
 * State: `weight`, `bias`, `running_mean`, `running_var` `[channels]`, `num_batches_tracked` `[]`.
 *
 * @throws {ArgumentError} `numFeatures` is no positive integer.
 * @example new BatchNorm2d(3).forward(randn([2, 3, 4, 4])).shape // [2, 3, 4, 4]
 */
export class BatchNorm2d extends BatchNorm {
  static readonly builtIn: string = 'BatchNorm2d';
  constructor(numFeatures: number, options: NormOptions = {}) {
    super('BatchNorm2d', numFeatures, options);
  }

  /**
   * - `x`: `[batch, channels, height, width]`
   * - returns: the same shape
   *
   * @throws {ShapeError} `x` has another number of dimensions or channels.
   */
  forward(x: Tensor): Tensor {
    checkRank('BatchNorm2d', x, [4], '[batch, channels, height, width]');
    return this.normalise(x);
  }
}

/**
 * Normalises each channel of volumes over the batch: see `BatchNorm1d`.
 *
 * State: `weight`, `bias`, `running_mean`, `running_var` `[channels]`, `num_batches_tracked` `[]`.
 *
 * @throws {ArgumentError} `numFeatures` is no positive integer.
 */
export class BatchNorm3d extends BatchNorm {
  static readonly builtIn: string = 'BatchNorm3d';
  constructor(numFeatures: number, options: NormOptions = {}) {
    super('BatchNorm3d', numFeatures, options);
  }

  /**
   * - `x`: `[batch, channels, depth, height, width]`
   * - returns: the same shape
   *
   * @throws {ShapeError} `x` has another number of dimensions or channels.
   */
  forward(x: Tensor): Tensor {
    checkRank('BatchNorm3d', x, [5], '[batch, channels, depth, height, width]');
    return this.normalise(x);
  }
}
