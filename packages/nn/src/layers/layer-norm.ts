import {
  ArgumentError,
  checkOptions,
  describe,
  groupNorm,
  layerNorm,
  rmsNorm,
  type Tensor,
} from '@flambeau/core';
import * as init from '../init/index.ts';
import { Module } from '../module/module.ts';
import { python, settings } from '../module/repr.ts';
import { checkCount, FACTORY, type FactoryOptions, newParameter } from './settings.ts';

/** The last dimensions, over which is normalised; a number for one. */
export type NormalizedShape = number | readonly number[];

function shapeOf(layer: string, given: NormalizedShape): readonly number[] {
  const shape: unknown = typeof given === 'number' ? [given] : given;
  if (Array.isArray(shape) && shape.length > 0 && shape.every((size) => Number.isInteger(size) && size >= 0))
    return shape as number[];
  throw new ArgumentError(
    `${layer}: normalizedShape must be a size or an array of sizes, got ${describe(given)}`,
    { op: layer },
  );
}

export interface LayerNormOptions extends FactoryOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Whether the result is scaled and shifted by learned parameters. Default true. */
  readonly elementwiseAffine?: boolean;
  /** Whether there is a shift. Default true. */
  readonly bias?: boolean;
}

/**
 * Normalises over the last dimensions: `(x - mean) / sqrt(var + eps) * weight + bias`.
 *
 * State: `weight` and `bias` of `normalizedShape`.
 *
 * @throws {ArgumentError} `normalizedShape` is no shape.
 * @see Ba et al., Layer Normalization (2016)
 * @example new LayerNorm(10).forward(randn([2, 5, 10])).shape // [2, 5, 10]
 */
export class LayerNorm extends Module {
  static readonly builtIn: string = 'LayerNorm';
  readonly normalizedShape: readonly number[];
  readonly eps: number;
  readonly elementwiseAffine: boolean;
  weight: Tensor | null;
  bias: Tensor | null;

  constructor(normalizedShape: NormalizedShape, options: LayerNormOptions = {}) {
    super();
    checkOptions('LayerNorm', options, ['eps', 'elementwiseAffine', 'bias', ...FACTORY]);
    this.normalizedShape = shapeOf('LayerNorm', normalizedShape);
    this.eps = options.eps ?? 1e-5;
    this.elementwiseAffine = options.elementwiseAffine ?? true;
    this.weight = this.elementwiseAffine ? newParameter(this.normalizedShape, options) : null;
    this.bias =
      this.elementwiseAffine && (options.bias ?? true) ? newParameter(this.normalizedShape, options) : null;
    this.resetParameters();
  }

  /** Sets the scale to 1 and the shift to 0. */
  resetParameters(): void {
    if (this.weight !== null) init.ones_(this.weight);
    if (this.bias !== null) init.zeros_(this.bias);
  }

  /**
   * - `x`: `[..., ...normalizedShape]`
   * - returns: the same shape
   */
  forward(x: Tensor): Tensor {
    return layerNorm(x, this.normalizedShape, this.weight, this.bias, { eps: this.eps });
  }

  override extraRepr(): string {
    const rest = settings({
      eps: this.eps,
      elementwise_affine: this.elementwiseAffine,
      bias: this.bias !== null,
    });
    return `${python(this.normalizedShape)}, ${rest}`;
  }
}

export interface RMSNormOptions extends FactoryOptions {
  /** Added to the mean square. Default null: the dtype's epsilon. */
  readonly eps?: number | null;
  /** Whether the result is scaled by learned parameters. Default true. */
  readonly elementwiseAffine?: boolean;
}

/**
 * Divides by the root of the mean square over the last dimensions: `x / sqrt(mean(x²) + eps) * weight`.
 *
 * State: `weight` of `normalizedShape`.
 *
 * @throws {ArgumentError} `normalizedShape` is no shape.
 * @see Zhang and Sennrich, Root Mean Square Layer Normalization (2019)
 * @example new RMSNorm(10).forward(randn([2, 5, 10])).shape // [2, 5, 10]
 */
export class RMSNorm extends Module {
  static readonly builtIn: string = 'RMSNorm';
  readonly normalizedShape: readonly number[];
  readonly eps: number | null;
  readonly elementwiseAffine: boolean;
  weight: Tensor | null;

  constructor(normalizedShape: NormalizedShape, options: RMSNormOptions = {}) {
    super();
    checkOptions('RMSNorm', options, ['eps', 'elementwiseAffine', ...FACTORY]);
    this.normalizedShape = shapeOf('RMSNorm', normalizedShape);
    this.eps = options.eps ?? null;
    this.elementwiseAffine = options.elementwiseAffine ?? true;
    this.weight = this.elementwiseAffine ? newParameter(this.normalizedShape, options) : null;
    this.resetParameters();
  }

  /** Sets the scale to 1. */
  resetParameters(): void {
    if (this.weight !== null) init.ones_(this.weight);
  }

  /**
   * - `x`: `[..., ...normalizedShape]`
   * - returns: the same shape
   */
  forward(x: Tensor): Tensor {
    return rmsNorm(x, this.normalizedShape, this.weight, this.eps === null ? {} : { eps: this.eps });
  }

  override extraRepr(): string {
    return `${python(this.normalizedShape)}, ${settings({ eps: this.eps, elementwise_affine: this.elementwiseAffine })}`;
  }
}

export interface GroupNormOptions extends FactoryOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Whether the result is scaled and shifted by learned parameters. Default true. */
  readonly affine?: boolean;
  /** Whether there is a shift. Default true. */
  readonly bias?: boolean;
}

/**
 * Normalises over groups of channels of each sample by itself.
 *
 * State: `weight` and `bias` `[numChannels]`.
 *
 * @throws {ArgumentError} `numGroups` does not divide `numChannels`.
 * @see Wu and He, Group Normalization (2018)
 * @example new GroupNorm(3, 6).forward(randn([2, 6, 4, 4])).shape // [2, 6, 4, 4]
 */
export class GroupNorm extends Module {
  static readonly builtIn: string = 'GroupNorm';
  readonly numGroups: number;
  readonly numChannels: number;
  readonly eps: number;
  readonly affine: boolean;
  weight: Tensor | null;
  bias: Tensor | null;

  constructor(numGroups: number, numChannels: number, options: GroupNormOptions = {}) {
    super();
    checkCount('GroupNorm', 'numGroups', numGroups, 1);
    checkCount('GroupNorm', 'numChannels', numChannels, 1);
    checkOptions('GroupNorm', options, ['eps', 'affine', 'bias', ...FACTORY]);
    if (numChannels % numGroups !== 0) {
      throw new ArgumentError(
        `GroupNorm: numGroups must divide numChannels, got ${numGroups} and ${numChannels}`,
        { op: 'GroupNorm' },
      );
    }
    this.numGroups = numGroups;
    this.numChannels = numChannels;
    this.eps = options.eps ?? 1e-5;
    this.affine = options.affine ?? true;
    this.weight = this.affine ? newParameter([numChannels], options) : null;
    this.bias = this.affine && (options.bias ?? true) ? newParameter([numChannels], options) : null;
    this.resetParameters();
  }

  /** Sets the scale to 1 and the shift to 0. */
  resetParameters(): void {
    if (this.weight !== null) init.ones_(this.weight);
    if (this.bias !== null) init.zeros_(this.bias);
  }

  /**
   * - `x`: `[batch, numChannels, ...]`
   * - returns: the same shape
   */
  forward(x: Tensor): Tensor {
    return groupNorm(x, this.numGroups, this.weight, this.bias, { eps: this.eps });
  }

  override extraRepr(): string {
    return `${this.numGroups}, ${this.numChannels}, ${settings({ eps: this.eps, affine: this.affine, bias: this.bias !== null })}`;
  }
}
