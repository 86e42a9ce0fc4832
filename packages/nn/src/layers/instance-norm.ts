import { instanceNorm, ShapeError, scope, showShape, squeeze, type Tensor, unsqueeze } from '@flambeau/core';
import { NormNd, type NormOptions } from './batch-norm.ts';

abstract class InstanceNorm extends NormNd {
  readonly #layer: string;
  readonly #rank: number;

  protected constructor(layer: string, rank: number, numFeatures: number, options: NormOptions) {
    super(layer, numFeatures, options, { affine: false, track: false });
    this.#layer = layer;
    this.#rank = rank;
  }

  /**
   * - `x`: `[batch, channels, ...]` or `[channels, ...]`
   * - returns: the same shape
   *
   * @throws {ShapeError} `x` has another number of dimensions or channels, or one value for each channel in training.
   */
  forward(x: Tensor): Tensor {
    const { shape } = x;
    const batched = shape.length === this.#rank + 2;
    if (!batched && shape.length !== this.#rank + 1) {
      throw new ShapeError(
        `${this.#layer}: x has ${this.#rank + 2} dimensions, [batch, channels, ...], or ${this.#rank + 1} without a batch; got ${showShape(shape)}`,
        {
          op: this.#layer,
          data: { shape },
        },
      );
    }
    return scope(() => {
      const { runningMean, runningVar, weight, bias, eps, momentum } = this;
      const y = instanceNorm(batched ? x : unsqueeze(x, 0), runningMean, runningVar, weight, bias, {
        useInputStats: this.training || !this.trackRunningStats,
        momentum: momentum ?? 0,
        eps,
      });
      return batched ? y : squeeze(y, 0);
    });
  }
}

/**
 * Normalises each channel of each sequence by itself: `(x - mean) / sqrt(var + eps) * weight + bias`. Parameters and
 * running statistics are off unless asked for.
 *
 * State: with `affine` `weight`, `bias` `[channels]`; with `trackRunningStats` as `BatchNorm1d`.
 *
 * @see Ulyanov et al., Instance Normalization (2016)
 * @example new InstanceNorm1d(3).forward(randn([2, 3, 8])).shape // [2, 3, 8]
 */
export class InstanceNorm1d extends InstanceNorm {
  static readonly builtIn: string = 'InstanceNorm1d';
  constructor(numFeatures: number, options: NormOptions = {}) {
    super('InstanceNorm1d', 1, numFeatures, options);
  }
}

/** Normalises each channel of each image by itself: see `InstanceNorm1d`. */
export class InstanceNorm2d extends InstanceNorm {
  static readonly builtIn: string = 'InstanceNorm2d';
  constructor(numFeatures: number, options: NormOptions = {}) {
    super('InstanceNorm2d', 2, numFeatures, options);
  }
}

/** Normalises each channel of each volume by itself: see `InstanceNorm1d`. */
export class InstanceNorm3d extends InstanceNorm {
  static readonly builtIn: string = 'InstanceNorm3d';
  constructor(numFeatures: number, options: NormOptions = {}) {
    super('InstanceNorm3d', 3, numFeatures, options);
  }
}
