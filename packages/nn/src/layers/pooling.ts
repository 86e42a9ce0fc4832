import {
  avgPool1d,
  avgPool2d,
  avgPool3d,
  checkOptions,
  lpPool1d,
  lpPool2d,
  lpPool3d,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  type Tensor,
} from '@flambeau/core';
import { Module } from '../module/module.ts';
import { pythonFloat, settings } from '../module/repr.ts';
import { type Size, sizes } from './settings.ts';

/** The largest values, and where they stand: flat positions over the pooled dimensions. */
export interface PoolResult {
  readonly values: Tensor;
  readonly indices: Tensor;
}

/** What a pool gives: `{ values, indices }` with `returnIndices: true`, else the values. */
export type Pooled<Indices extends boolean> = Indices extends true ? PoolResult : Tensor;

export interface MaxPoolLayerOptions<Indices extends boolean = boolean> {
  /** Distance between windows. Default: the window's size. */
  readonly stride?: Size | null;
  /** Minus infinity added on both sides. Default 0. */
  readonly padding?: Size;
  /** Distance between elements of a window. Default 1. */
  readonly dilation?: Size;
  /** Whether the positions come too. Default false. */
  readonly returnIndices?: Indices;
  /** Whether a last, incomplete window counts. Default false. */
  readonly ceilMode?: boolean;
}

const MAX_OPTIONS = ['stride', 'padding', 'dilation', 'returnIndices', 'ceilMode'] as const;

abstract class MaxPool<Indices extends boolean> extends Module<[x: Tensor], Pooled<Indices>> {
  readonly kernelSize: Size;
  readonly stride: Size;
  readonly padding: Size;
  readonly dilation: Size;
  readonly returnIndices: boolean;
  readonly ceilMode: boolean;

  protected constructor(
    layer: string,
    rank: number,
    kernelSize: Size,
    options: MaxPoolLayerOptions<Indices>,
  ) {
    super();
    checkOptions(layer, options, MAX_OPTIONS);
    sizes(layer, 'kernelSize', kernelSize, rank, 1);
    this.kernelSize = kernelSize;
    this.stride = options.stride ?? kernelSize;
    this.padding = options.padding ?? 0;
    this.dilation = options.dilation ?? 1;
    this.returnIndices = options.returnIndices ?? false;
    this.ceilMode = options.ceilMode ?? false;
    sizes(layer, 'stride', this.stride, rank, 1);
    sizes(layer, 'padding', this.padding, rank);
    sizes(layer, 'dilation', this.dilation, rank, 1);
  }

  protected pool(pooling: typeof maxPool1d, x: Tensor): Pooled<Indices> {
    const { stride, padding, dilation, ceilMode, returnIndices } = this;
    // Which of the two comes, `returnIndices` says, and with it the class's type.
    return pooling(x, this.kernelSize, {
      stride,
      padding,
      dilation,
      ceilMode,
      returnIndices,
    }) as Pooled<Indices>;
  }

  override extraRepr(): string {
    return settings({
      kernel_size: this.kernelSize,
      stride: this.stride,
      padding: this.padding,
      dilation: this.dilation,
      ceil_mode: this.ceilMode,
    });
  }
}

/**
 * The largest value of every window along one dimension.
 *
 * @example new MaxPool1d(2).forward(randn([1, 3, 8])).shape // [1, 3, 4]
 */
export class MaxPool1d<Indices extends boolean = false> extends MaxPool<Indices> {
  static readonly builtIn: string = 'MaxPool1d';
  constructor(kernelSize: Size, options: MaxPoolLayerOptions<Indices> = {}) {
    super('MaxPool1d', 1, kernelSize, options);
  }

  /** - `x`: `[batch, channels, length]` or `[channels, length]` */
  forward(x: Tensor): Pooled<Indices> {
    return this.pool(maxPool1d, x);
  }
}

/**
 * The largest value of every window along two dimensions.
 *
 * @example new MaxPool2d(2).forward(randn([1, 3, 8, 8])).shape // [1, 3, 4, 4]
 */
export class MaxPool2d<Indices extends boolean = false> extends MaxPool<Indices> {
  static readonly builtIn: string = 'MaxPool2d';
  constructor(kernelSize: Size, options: MaxPoolLayerOptions<Indices> = {}) {
    super('MaxPool2d', 2, kernelSize, options);
  }

  /** - `x`: `[batch, channels, height, width]` or `[channels, height, width]` */
  forward(x: Tensor): Pooled<Indices> {
    return this.pool(maxPool2d, x);
  }
}

/** The largest value of every window along three dimensions. */
export class MaxPool3d<Indices extends boolean = false> extends MaxPool<Indices> {
  static readonly builtIn: string = 'MaxPool3d';
  constructor(kernelSize: Size, options: MaxPoolLayerOptions<Indices> = {}) {
    super('MaxPool3d', 3, kernelSize, options);
  }

  /** - `x`: `[batch, channels, depth, height, width]` or `[channels, depth, height, width]` */
  forward(x: Tensor): Pooled<Indices> {
    return this.pool(maxPool3d, x);
  }
}

export interface AvgPoolLayerOptions {
  /** Distance between windows. Default: the window's size. */
  readonly stride?: Size | null;
  /** Zeros added on both sides. Default 0. */
  readonly padding?: Size;
  /** Whether a last, incomplete window counts. Default false. */
  readonly ceilMode?: boolean;
  /** Whether padding counts in the mean. Default true. */
  readonly countIncludePad?: boolean;
}

export interface AvgPoolDivisorOptions extends AvgPoolLayerOptions {
  /** What every sum is divided by instead of the number of elements. */
  readonly divisorOverride?: number | null;
}

const AVG_OPTIONS = ['stride', 'padding', 'ceilMode', 'countIncludePad'] as const;

abstract class AvgPool extends Module {
  readonly kernelSize: Size;
  readonly stride: Size;
  readonly padding: Size;
  readonly ceilMode: boolean;
  readonly countIncludePad: boolean;
  readonly divisorOverride: number | null;

  protected constructor(layer: string, rank: number, kernelSize: Size, options: AvgPoolDivisorOptions) {
    super();
    checkOptions(layer, options, rank === 1 ? AVG_OPTIONS : [...AVG_OPTIONS, 'divisorOverride']);
    sizes(layer, 'kernelSize', kernelSize, rank, 1);
    this.kernelSize = kernelSize;
    this.stride = options.stride ?? kernelSize;
    this.padding = options.padding ?? 0;
    this.ceilMode = options.ceilMode ?? false;
    this.countIncludePad = options.countIncludePad ?? true;
    this.divisorOverride = options.divisorOverride ?? null;
    sizes(layer, 'stride', this.stride, rank, 1);
    sizes(layer, 'padding', this.padding, rank);
  }

  protected pool(pooling: typeof avgPool1d, x: Tensor): Tensor {
    const { stride, padding, ceilMode, countIncludePad, divisorOverride } = this;
    return pooling(x, this.kernelSize, { stride, padding, ceilMode, countIncludePad, divisorOverride });
  }

  override extraRepr(): string {
    return settings({ kernel_size: this.kernelSize, stride: this.stride, padding: this.padding });
  }
}

/**
 * The mean of every window along one dimension.
 *
 * @example new AvgPool1d(2).forward(tensor([[[1, 3, 5, 7]]])) // tensor([[[2., 6.]]])
 */
export class AvgPool1d extends AvgPool {
  static readonly builtIn: string = 'AvgPool1d';
  constructor(kernelSize: Size, options: AvgPoolLayerOptions = {}) {
    super('AvgPool1d', 1, kernelSize, options);
  }

  /** - `x`: `[batch, channels, length]` or `[channels, length]` */
  forward(x: Tensor): Tensor {
    return this.pool(avgPool1d, x);
  }

  override extraRepr(): string {
    const list = (value: Size): readonly number[] => (typeof value === 'number' ? [value] : value);
    return settings({
      kernel_size: list(this.kernelSize),
      stride: list(this.stride),
      padding: list(this.padding),
    });
  }
}

/**
 * The mean of every window along two dimensions.
 *
 * @example new AvgPool2d(2).forward(randn([1, 3, 8, 8])).shape // [1, 3, 4, 4]
 */
export class AvgPool2d extends AvgPool {
  static readonly builtIn: string = 'AvgPool2d';
  constructor(kernelSize: Size, options: AvgPoolDivisorOptions = {}) {
    super('AvgPool2d', 2, kernelSize, options);
  }

  /** - `x`: `[batch, channels, height, width]` or `[channels, height, width]` */
  forward(x: Tensor): Tensor {
    return this.pool(avgPool2d, x);
  }
}

/** The mean of every window along three dimensions. */
export class AvgPool3d extends AvgPool {
  static readonly builtIn: string = 'AvgPool3d';
  constructor(kernelSize: Size, options: AvgPoolDivisorOptions = {}) {
    super('AvgPool3d', 3, kernelSize, options);
  }

  /** - `x`: `[batch, channels, depth, height, width]` or `[channels, depth, height, width]` */
  forward(x: Tensor): Tensor {
    return this.pool(avgPool3d, x);
  }
}

export interface LPPoolLayerOptions {
  /** Distance between windows. Default: the window's size. */
  readonly stride?: Size | null;
  /** Whether a last, incomplete window counts. Default false. */
  readonly ceilMode?: boolean;
}

abstract class LPPool extends Module {
  readonly normType: number;
  readonly kernelSize: Size;
  readonly stride: Size | null;
  readonly ceilMode: boolean;

  protected constructor(
    layer: string,
    rank: number,
    normType: number,
    kernelSize: Size,
    options: LPPoolLayerOptions,
  ) {
    super();
    checkOptions(layer, options, ['stride', 'ceilMode']);
    sizes(layer, 'kernelSize', kernelSize, rank, 1);
    this.normType = normType;
    this.kernelSize = kernelSize;
    this.stride = options.stride ?? null;
    this.ceilMode = options.ceilMode ?? false;
    if (this.stride !== null) sizes(layer, 'stride', this.stride, rank, 1);
  }

  protected pool(pooling: typeof lpPool1d, x: Tensor): Tensor {
    return pooling(x, this.normType, this.kernelSize, { stride: this.stride, ceilMode: this.ceilMode });
  }

  override extraRepr(): string {
    return settings({
      norm_type: Number.isFinite(this.normType) ? this.normType : pythonFloat(this.normType),
      kernel_size: this.kernelSize,
      stride: this.stride,
      ceil_mode: this.ceilMode,
    });
  }
}

/** `(sum x^p)^(1/p)` of every window along one dimension. */
export class LPPool1d extends LPPool {
  static readonly builtIn: string = 'LPPool1d';
  constructor(normType: number, kernelSize: Size, options: LPPoolLayerOptions = {}) {
    super('LPPool1d', 1, normType, kernelSize, options);
  }

  /** - `x`: `[batch, channels, length]` or `[channels, length]` */
  forward(x: Tensor): Tensor {
    return this.pool(lpPool1d, x);
  }
}

/** `(sum x^p)^(1/p)` of every window along two dimensions. */
export class LPPool2d extends LPPool {
  static readonly builtIn: string = 'LPPool2d';
  constructor(normType: number, kernelSize: Size, options: LPPoolLayerOptions = {}) {
    super('LPPool2d', 2, normType, kernelSize, options);
  }

  /** - `x`: `[batch, channels, height, width]` or `[channels, height, width]` */
  forward(x: Tensor): Tensor {
    return this.pool(lpPool2d, x);
  }
}

/** `(sum x^p)^(1/p)` of every window along three dimensions. */
export class LPPool3d extends LPPool {
  static readonly builtIn: string = 'LPPool3d';
  constructor(normType: number, kernelSize: Size, options: LPPoolLayerOptions = {}) {
    super('LPPool3d', 3, normType, kernelSize, options);
  }

  /** - `x`: `[batch, channels, depth, height, width]` or `[channels, depth, height, width]` */
  forward(x: Tensor): Tensor {
    return this.pool(lpPool3d, x);
  }
}
