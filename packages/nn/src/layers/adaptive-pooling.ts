import {
  ArgumentError,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  checkOptions,
  describe,
  type Tensor,
} from '@flambeau/core';
import { Module } from '../module/module.ts';
import { settings } from '../module/repr.ts';
import type { Pooled } from './pooling.ts';

/** A size for all dimensions, or one for each; null keeps the input's. */
export type OutputSize = number | readonly (number | null)[];

function checkOutput(layer: string, rank: number, outputSize: OutputSize): void {
  const list: unknown = typeof outputSize === 'number' ? [outputSize] : outputSize;
  const fits = Array.isArray(list) && (typeof outputSize === 'number' || list.length === rank);
  if (fits && list.every((size) => size === null || (Number.isInteger(size) && size >= 0))) return;
  throw new ArgumentError(
    `${layer}: outputSize must be an integer of 0 or more, or an array of ${rank} of them (null keeps a size); got ${describe(outputSize)}`,
    { op: layer },
  );
}

abstract class AdaptiveAvgPool extends Module {
  readonly outputSize: OutputSize;

  protected constructor(layer: string, rank: number, outputSize: OutputSize) {
    super();
    checkOutput(layer, rank, outputSize);
    this.outputSize = outputSize;
  }

  override extraRepr(): string {
    return settings({ output_size: this.outputSize });
  }
}

/** Means along one dimension, over as many stretches as the result has elements. */
export class AdaptiveAvgPool1d extends AdaptiveAvgPool {
  static readonly builtIn: string = 'AdaptiveAvgPool1d';
  constructor(outputSize: OutputSize) {
    super('AdaptiveAvgPool1d', 1, outputSize);
  }

  /** - `x`: `[batch, channels, length]` or `[channels, length]` */
  forward(x: Tensor): Tensor {
    return adaptiveAvgPool1d(x, this.outputSize);
  }
}

/**
 * Means along two dimensions, over as many regions as the result has elements.
 *
 * @example new AdaptiveAvgPool2d([1, null]).forward(randn([2, 3, 8, 5])).shape // [2, 3, 1, 5]
 */
export class AdaptiveAvgPool2d extends AdaptiveAvgPool {
  static readonly builtIn: string = 'AdaptiveAvgPool2d';
  constructor(outputSize: OutputSize) {
    super('AdaptiveAvgPool2d', 2, outputSize);
  }

  /** - `x`: `[batch, channels, height, width]` or `[channels, height, width]` */
  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}

/** Means along three dimensions, over as many regions as the result has elements. */
export class AdaptiveAvgPool3d extends AdaptiveAvgPool {
  static readonly builtIn: string = 'AdaptiveAvgPool3d';
  constructor(outputSize: OutputSize) {
    super('AdaptiveAvgPool3d', 3, outputSize);
  }

  /** - `x`: `[batch, channels, depth, height, width]` or `[channels, depth, height, width]` */
  forward(x: Tensor): Tensor {
    return adaptiveAvgPool3d(x, this.outputSize);
  }
}

export interface AdaptiveMaxPoolLayerOptions<Indices extends boolean = boolean> {
  /** Whether the positions come too. Default false. */
  readonly returnIndices?: Indices;
}

abstract class AdaptiveMaxPool<Indices extends boolean> extends Module<[x: Tensor], Pooled<Indices>> {
  readonly outputSize: OutputSize;
  readonly returnIndices: boolean;

  protected constructor(
    layer: string,
    rank: number,
    outputSize: OutputSize,
    options: AdaptiveMaxPoolLayerOptions<Indices>,
  ) {
    super();
    checkOptions(layer, options, ['returnIndices']);
    checkOutput(layer, rank, outputSize);
    this.outputSize = outputSize;
    this.returnIndices = options.returnIndices ?? false;
  }

  protected pool(pooling: typeof adaptiveMaxPool1d, x: Tensor): Pooled<Indices> {
    // Which of the two comes, `returnIndices` says, and with it the class's type.
    return pooling(x, this.outputSize, { returnIndices: this.returnIndices }) as Pooled<Indices>;
  }

  override extraRepr(): string {
    return settings({ output_size: this.outputSize });
  }
}

/** Largest values along one dimension, over as many stretches as the result has elements. */
export class AdaptiveMaxPool1d<Indices extends boolean = false> extends AdaptiveMaxPool<Indices> {
  static readonly builtIn: string = 'AdaptiveMaxPool1d';
  constructor(outputSize: OutputSize, options: AdaptiveMaxPoolLayerOptions<Indices> = {}) {
    super('AdaptiveMaxPool1d', 1, outputSize, options);
  }

  /** - `x`: `[batch, channels, length]` or `[channels, length]` */
  forward(x: Tensor): Pooled<Indices> {
    return this.pool(adaptiveMaxPool1d, x);
  }
}

/** Largest values along two dimensions, over as many regions as the result has elements. */
export class AdaptiveMaxPool2d<Indices extends boolean = false> extends AdaptiveMaxPool<Indices> {
  static readonly builtIn: string = 'AdaptiveMaxPool2d';
  constructor(outputSize: OutputSize, options: AdaptiveMaxPoolLayerOptions<Indices> = {}) {
    super('AdaptiveMaxPool2d', 2, outputSize, options);
  }

  /** - `x`: `[batch, channels, height, width]` or `[channels, height, width]` */
  forward(x: Tensor): Pooled<Indices> {
    return this.pool(adaptiveMaxPool2d, x);
  }
}

/** Largest values along three dimensions, over as many regions as the result has elements. */
export class AdaptiveMaxPool3d<Indices extends boolean = false> extends AdaptiveMaxPool<Indices> {
  static readonly builtIn: string = 'AdaptiveMaxPool3d';
  constructor(outputSize: OutputSize, options: AdaptiveMaxPoolLayerOptions<Indices> = {}) {
    super('AdaptiveMaxPool3d', 3, outputSize, options);
  }

  /** - `x`: `[batch, channels, depth, height, width]` or `[channels, depth, height, width]` */
  forward(x: Tensor): Pooled<Indices> {
    return this.pool(adaptiveMaxPool3d, x);
  }
}
