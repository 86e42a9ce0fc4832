import {
  ArgumentError,
  checkOptions,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  ShapeError,
  showShape,
  type Tensor,
} from '@flambeau/core';
import { ConvNd, type ConvSettings } from './convolution.ts';
import { FACTORY, type FactoryOptions, type Size, sizes } from './settings.ts';

export interface ConvTransposeLayerOptions extends FactoryOptions {
  /** Default 1. */
  readonly stride?: Size;
  /** Taken off on both sides of the result. Default 0. */
  readonly padding?: Size;
  /** Added at one side of the result. Default 0. */
  readonly outputPadding?: Size;
  /** Into how many independent parts the channels fall. Default 1. */
  readonly groups?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Distance between the window's elements. Default 1. */
  readonly dilation?: Size;
  /** Only zeros. */
  readonly paddingMode?: 'zeros';
}

const OPTIONS = [
  'stride',
  'padding',
  'outputPadding',
  'groups',
  'bias',
  'dilation',
  'paddingMode',
  ...FACTORY,
] as const;

function settle(
  layer: string,
  rank: number,
  kernelSize: Size,
  options: ConvTransposeLayerOptions,
): ConvSettings {
  checkOptions(layer, options, OPTIONS);
  const { paddingMode = 'zeros' } = options;
  if (paddingMode !== 'zeros')
    throw new ArgumentError(`${layer}: its paddingMode can only be 'zeros', got '${paddingMode as string}'`, {
      op: layer,
    });
  return {
    kernelSize: sizes(layer, 'kernelSize', kernelSize, rank, 1),
    stride: sizes(layer, 'stride', options.stride ?? 1, rank, 1),
    padding: sizes(layer, 'padding', options.padding ?? 0, rank),
    dilation: sizes(layer, 'dilation', options.dilation ?? 1, rank, 1),
    outputPadding: sizes(layer, 'outputPadding', options.outputPadding ?? 0, rank),
    groups: options.groups ?? 1,
    paddingMode,
  };
}

/** What `forward` of a transposed convolution takes besides its input. */
export interface ConvTransposeForwardOptions {
  /** The wanted size: of the window's dimensions, or of the whole result. */
  readonly outputSize?: readonly number[];
}

type Arguments = [x: Tensor, options?: ConvTransposeForwardOptions];

abstract class ConvTranspose extends ConvNd<Arguments> {
  readonly #layer: string;

  protected constructor(
    layer: string,
    rank: number,
    inChannels: number,
    outChannels: number,
    kernelSize: Size,
    options: ConvTransposeLayerOptions,
  ) {
    super(layer, inChannels, outChannels, settle(layer, rank, kernelSize, options), true, options);
    this.#layer = layer;
  }

  protected convolve(
    convolution: typeof convTranspose1d,
    x: Tensor,
    options: ConvTransposeForwardOptions = {},
  ): Tensor {
    checkOptions(this.#layer, options, ['outputSize']);
    const { weight, bias, stride, dilation, groups } = this;
    const padding = this.padding as readonly number[];
    const outputPadding =
      options.outputSize === undefined ? this.outputPadding : this.#paddingFor(x, options.outputSize);
    return convolution(x, weight, bias, { stride, padding, outputPadding, groups, dilation });
  }

  /** The output padding that leads to a wanted size. */
  #paddingFor({ shape }: Tensor, outputSize: readonly number[]): readonly number[] {
    const rank = this.kernelSize.length;
    const lead = shape.length - rank;
    const wanted = outputSize.length === shape.length ? outputSize.slice(lead) : outputSize;
    if (wanted.length !== rank) {
      throw new ShapeError(
        `${this.#layer}: outputSize has ${rank} sizes, or ${shape.length} for the whole result; got ${showShape(outputSize)}`,
        { op: this.#layer },
      );
    }
    const padding = this.padding as readonly number[];
    return wanted.map((size, i) => {
      const least =
        (shape[lead + i]! - 1) * this.stride[i]! -
        2 * padding[i]! +
        this.dilation[i]! * (this.kernelSize[i]! - 1) +
        1;
      if (size < least || size >= least + this.stride[i]!) {
        throw new ShapeError(
          `${this.#layer}: outputSize ${showShape(outputSize)} cannot come of x ${showShape(shape)}: dim ${lead + i} can have ${least} to ${least + this.stride[i]! - 1}`,
          {
            op: this.#layer,
            data: { shape, outputSize },
          },
        );
      }
      return size - least;
    });
  }
}

/**
 * The transpose of a convolution along one dimension: it spreads each element over a window.
 *
 * State: `weight` `[in, out / groups, window]`, `bias` `[out]`.
 *
 * @throws {ArgumentError} a setting is no valid size.
 * @example new ConvTranspose1d(4, 2, 3, { stride: 2 }).forward(randn([1, 4, 5])).shape // [1, 2, 11]
 */
export class ConvTranspose1d extends ConvTranspose {
  static readonly builtIn: string = 'ConvTranspose1d';
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Size,
    options: ConvTransposeLayerOptions = {},
  ) {
    super('ConvTranspose1d', 1, inChannels, outChannels, kernelSize, options);
  }

  /**
   * - `x`: `[batch, in, length]` or `[in, length]`
   * - returns: `[batch, out, length']` or `[out, length']`
   *
   * @throws {ShapeError} `outputSize` cannot come of this input.
   */
  forward(x: Tensor, options?: ConvTransposeForwardOptions): Tensor {
    return this.convolve(convTranspose1d, x, options);
  }
}

/**
 * The transpose of a convolution along two dimensions.
 *
 * State: `weight` `[in, out / groups, height, width]` of the window, `bias` `[out]`.
 *
 * @throws {ArgumentError} a setting is no valid size.
 * @example new ConvTranspose2d(4, 2, 2, { stride: 2 }).forward(randn([1, 4, 5, 5])).shape // [1, 2, 10, 10]
 */
export class ConvTranspose2d extends ConvTranspose {
  static readonly builtIn: string = 'ConvTranspose2d';
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Size,
    options: ConvTransposeLayerOptions = {},
  ) {
    super('ConvTranspose2d', 2, inChannels, outChannels, kernelSize, options);
  }

  /**
   * - `x`: `[batch, in, height, width]` or `[in, height, width]`
   *
   * @throws {ShapeError} `outputSize` cannot come of this input.
   */
  forward(x: Tensor, options?: ConvTransposeForwardOptions): Tensor {
    return this.convolve(convTranspose2d, x, options);
  }
}

/**
 * The transpose of a convolution along three dimensions.
 *
 * State: `weight` `[in, out / groups, depth, height, width]` of the window, `bias` `[out]`.
 *
 * @throws {ArgumentError} a setting is no valid size.
 */
export class ConvTranspose3d extends ConvTranspose {
  static readonly builtIn: string = 'ConvTranspose3d';
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Size,
    options: ConvTransposeLayerOptions = {},
  ) {
    super('ConvTranspose3d', 3, inChannels, outChannels, kernelSize, options);
  }

  /**
   * - `x`: `[batch, in, depth, height, width]` or `[in, depth, height, width]`
   *
   * @throws {ShapeError} `outputSize` cannot come of this input.
   */
  forward(x: Tensor, options?: ConvTransposeForwardOptions): Tensor {
    return this.convolve(convTranspose3d, x, options);
  }
}
