import { ArgumentError, checkOptions, conv1d, conv2d, conv3d, pad, scope, type Tensor } from '@flambeau/core';
import * as init from '../init/index.ts';
import { Module } from '../module/module.ts';
import { python, settings } from '../module/repr.ts';
import { fillBias, type ResetOptions } from './linear.ts';
import {
  checkChoice,
  checkCount,
  FACTORY,
  type FactoryOptions,
  newParameter,
  type Size,
  sizes,
} from './settings.ts';

/** What stands beyond the edges. */
export type PaddingMode = 'zeros' | 'reflect' | 'replicate' | 'circular';

export interface ConvLayerOptions extends FactoryOptions {
  /** Default 1. */
  readonly stride?: Size;
  /** Added on both sides; `'same'` keeps the size, `'valid'` adds nothing. Default 0. */
  readonly padding?: Size | 'same' | 'valid';
  /** Distance between the window's elements. Default 1. */
  readonly dilation?: Size;
  /** Into how many independent parts the channels fall. Default 1. */
  readonly groups?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Default `'zeros'`. */
  readonly paddingMode?: PaddingMode;
}

/** A convolution's settings, checked, a number for each dimension. */
export interface ConvSettings {
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[] | 'same' | 'valid';
  readonly dilation: readonly number[];
  readonly outputPadding: readonly number[];
  readonly groups: number;
  readonly paddingMode: PaddingMode;
}

/** What all convolutions have in common. */
export abstract class ConvNd<Args extends unknown[]> extends Module<Args> {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[] | 'same' | 'valid';
  readonly dilation: readonly number[];
  readonly outputPadding: readonly number[];
  readonly groups: number;
  readonly paddingMode: PaddingMode;
  weight: Tensor;
  bias: Tensor | null;

  protected constructor(
    layer: string,
    inChannels: number,
    outChannels: number,
    given: ConvSettings,
    transposed: boolean,
    options: FactoryOptions & { readonly bias?: boolean },
  ) {
    super();
    checkCount(layer, 'inChannels', inChannels, 1);
    checkCount(layer, 'outChannels', outChannels, 1);
    const { groups, kernelSize } = given;
    checkCount(layer, 'groups', groups, 1);
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new ArgumentError(
        `${layer}: groups must divide both channel counts, got ${groups} groups for ${inChannels} and ${outChannels} channels`,
        { op: layer },
      );
    }
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.kernelSize = kernelSize;
    this.stride = given.stride;
    this.padding = given.padding;
    this.dilation = given.dilation;
    this.outputPadding = given.outputPadding;
    this.groups = groups;
    this.paddingMode = given.paddingMode;
    const channels = transposed ? [inChannels, outChannels / groups] : [outChannels, inChannels / groups];
    this.weight = newParameter([...channels, ...kernelSize], options);
    this.bias = (options.bias ?? true) ? newParameter([outChannels], options) : null;
    this.resetParameters();
  }

  /** Draws new initial values. */
  resetParameters(options: ResetOptions = {}): void {
    init.kaimingUniform_(this.weight, { a: Math.sqrt(5), ...options });
    const inputs = this.weight.shape.slice(1).reduce((a, b) => a * b, 1);
    if (this.bias !== null) fillBias(this.bias, inputs, options);
  }

  override extraRepr(): string {
    const all = (list: readonly number[], value: number): boolean => list.every((size) => size === value);
    const { padding } = this;
    return [
      `${this.inChannels}, ${this.outChannels}`,
      settings({ kernel_size: this.kernelSize, stride: this.stride }),
      typeof padding === 'string' || !all(padding, 0) ? `padding=${python(padding)}` : '',
      all(this.dilation, 1) ? '' : `dilation=${python(this.dilation)}`,
      all(this.outputPadding, 0) ? '' : `output_padding=${python(this.outputPadding)}`,
      this.groups === 1 ? '' : `groups=${this.groups}`,
      this.bias === null ? 'bias=False' : '',
      this.paddingMode === 'zeros' ? '' : `padding_mode=${this.paddingMode}`,
    ]
      .filter((part) => part !== '')
      .join(', ');
  }
}

const CONV_OPTIONS = ['stride', 'padding', 'dilation', 'groups', 'bias', 'paddingMode', ...FACTORY] as const;
const PADDING_MODES = ['zeros', 'reflect', 'replicate', 'circular'] as const;

function settle(layer: string, rank: number, kernelSize: Size, options: ConvLayerOptions): ConvSettings {
  checkOptions(layer, options, CONV_OPTIONS);
  const { padding = 0, paddingMode = 'zeros' } = options;
  checkChoice(layer, 'paddingMode', paddingMode, PADDING_MODES);
  if (typeof padding === 'string') checkChoice(layer, 'padding', padding, ['same', 'valid']);
  const stride = sizes(layer, 'stride', options.stride ?? 1, rank, 1);
  if (padding === 'same' && stride.some((step) => step !== 1)) {
    throw new ArgumentError(`${layer}: padding 'same' asks for a stride of 1, got ${python(stride)}`, {
      op: layer,
    });
  }
  return {
    kernelSize: sizes(layer, 'kernelSize', kernelSize, rank, 1),
    stride,
    padding: typeof padding === 'string' ? padding : sizes(layer, 'padding', padding, rank),
    dilation: sizes(layer, 'dilation', options.dilation ?? 1, rank, 1),
    outputPadding: new Array<number>(rank).fill(0),
    groups: options.groups ?? 1,
    paddingMode,
  };
}

type Convolution = typeof conv1d;

/** A convolution of any rank, with its padding mode. */
abstract class Conv extends ConvNd<[x: Tensor]> {
  /** For `pad`: before and after, the last dimension first. */
  readonly #margins: readonly number[];

  protected constructor(
    layer: string,
    rank: number,
    inChannels: number,
    outChannels: number,
    kernelSize: Size,
    options: ConvLayerOptions,
  ) {
    super(layer, inChannels, outChannels, settle(layer, rank, kernelSize, options), false, options);
    const margins = this.kernelSize.map((size, i): readonly number[] => {
      const { padding } = this;
      if (typeof padding !== 'string') return [padding[i]!, padding[i]!];
      const total = padding === 'same' ? this.dilation[i]! * (size - 1) : 0;
      return [Math.floor(total / 2), total - Math.floor(total / 2)];
    });
    this.#margins = margins.reverse().flat();
  }

  protected convolve(convolution: Convolution, x: Tensor): Tensor {
    const { weight, bias, stride, dilation, groups, paddingMode } = this;
    if (paddingMode === 'zeros')
      return convolution(x, weight, bias, { stride, padding: this.padding, dilation, groups });
    return scope(() =>
      convolution(pad(x, this.#margins, { mode: paddingMode }), weight, bias, { stride, dilation, groups }),
    );
  }
}

/**
 * Cross-correlation along one dimension with learned windows.
 *
 * State: `weight` `[out, in / groups, window]`, `bias` `[out]`.
 *
 * @throws {ArgumentError} a setting is no valid size, or `groups` does not divide the channels.
 * @example new Conv1d(16, 33, 3, { stride: 2 }).forward(randn([20, 16, 50])).shape // [20, 33, 24]
 */
export class Conv1d extends Conv {
  static readonly builtIn: string = 'Conv1d';
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvLayerOptions = {}) {
    super('Conv1d', 1, inChannels, outChannels, kernelSize, options);
  }

  /**
   * - `x`: `[batch, in, length]` or `[in, length]`
   * - returns: `[batch, out, length']` or `[out, length']`
   */
  forward(x: Tensor): Tensor {
    return this.convolve(conv1d, x);
  }
}

/**
 * Cross-correlation along two dimensions with learned windows.
 *
 * State: `weight` `[out, in / groups, height, width]` of the window, `bias` `[out]`.
 *
 * @throws {ArgumentError} a setting is no valid size, or `groups` does not divide the channels.
 * @example new Conv2d(1, 8, 3, { padding: 1 }).forward(randn([2, 1, 28, 28])).shape // [2, 8, 28, 28]
 */
export class Conv2d extends Conv {
  static readonly builtIn: string = 'Conv2d';
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvLayerOptions = {}) {
    super('Conv2d', 2, inChannels, outChannels, kernelSize, options);
  }

  /**
   * - `x`: `[batch, in, height, width]` or `[in, height, width]`
   * - returns: `[batch, out, height', width']` or `[out, height', width']`
   */
  forward(x: Tensor): Tensor {
    return this.convolve(conv2d, x);
  }
}

/**
 * Cross-correlation along three dimensions with learned windows.
 *
 * State: `weight` `[out, in / groups, depth, height, width]` of the window, `bias` `[out]`.
 *
 * @throws {ArgumentError} a setting is no valid size, or `groups` does not divide the channels.
 * @example new Conv3d(1, 2, 3).forward(randn([1, 1, 5, 5, 5])).shape // [1, 2, 3, 3, 3]
 */
export class Conv3d extends Conv {
  static readonly builtIn: string = 'Conv3d';
  constructor(inChannels: number, outChannels: number, kernelSize: Size, options: ConvLayerOptions = {}) {
    super('Conv3d', 3, inChannels, outChannels, kernelSize, options);
  }

  /**
   * - `x`: `[batch, in, depth, height, width]` or `[in, depth, height, width]`
   * - returns: the same with `out` channels and the sizes that the window leaves
   */
  forward(x: Tensor): Tensor {
    return this.convolve(conv3d, x);
  }
}
