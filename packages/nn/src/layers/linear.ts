import { bilinear, checkOptions, type Generator, linear, type Tensor } from '@flambeau/core';
import * as init from '../init/index.ts';
import { Module } from '../module/module.ts';
import { settings } from '../module/repr.ts';
import { checkCount, FACTORY, type FactoryOptions, newParameter } from './settings.ts';

export interface LinearOptions extends FactoryOptions {
  /** Whether to add a bias. Default true. */
  readonly bias?: boolean;
}

/** Where random initial values come from. */
export interface ResetOptions {
  readonly generator?: Generator;
}

/**
 * An affine map of the last dimension: `y = x Wᵀ + b`.
 *
 * State: `weight` `[out, in]`, `bias` `[out]`; both start uniform in `±1 / sqrt(in)`.
 *
 * @throws {ArgumentError} a size is negative or no integer.
 * @example new Linear(20, 30).forward(randn([128, 20])).shape // [128, 30]
 */
export class Linear extends Module {
  static readonly builtIn: string = 'Linear';
  readonly inFeatures: number;
  readonly outFeatures: number;
  weight: Tensor;
  bias: Tensor | null;

  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    checkCount('Linear', 'inFeatures', inFeatures);
    checkCount('Linear', 'outFeatures', outFeatures);
    checkOptions('Linear', options, ['bias', ...FACTORY]);
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    this.weight = newParameter([outFeatures, inFeatures], options);
    this.bias = (options.bias ?? true) ? newParameter([outFeatures], options) : null;
    this.resetParameters();
  }

  /** Draws new initial values. */
  resetParameters(options: ResetOptions = {}): void {
    init.kaimingUniform_(this.weight, { a: Math.sqrt(5), ...options });
    if (this.bias !== null) fillBias(this.bias, this.inFeatures, options);
  }

  /**
   * - `x`: `[..., in]`
   * - returns: `[..., out]`
   */
  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }

  override extraRepr(): string {
    return settings({
      in_features: this.inFeatures,
      out_features: this.outFeatures,
      bias: this.bias !== null,
    });
  }
}

/** Uniform in `±1 / sqrt(inputs)`, as biases start in PyTorch. */
export function fillBias(bias: Tensor, inputs: number, { generator }: ResetOptions): void {
  const bound = inputs > 0 ? 1 / Math.sqrt(inputs) : 0;
  init.uniform_(bias, { a: -bound, b: bound, ...(generator === undefined ? {} : { generator }) });
}

/**
 * A map of two inputs, linear in each: `y = x1ᵀ A x2 + b`.
 *
 * State: `weight` `[out, in1, in2]`, `bias` `[out]`; both start uniform in `±1 / sqrt(in1)`.
 *
 * @throws {ArgumentError} a size is no positive integer.
 * @example new Bilinear(2, 3, 4).forward(randn([8, 2]), randn([8, 3])).shape // [8, 4]
 */
export class Bilinear extends Module<[x1: Tensor, x2: Tensor]> {
  static readonly builtIn: string = 'Bilinear';
  readonly in1Features: number;
  readonly in2Features: number;
  readonly outFeatures: number;
  weight: Tensor;
  bias: Tensor | null;

  constructor(in1Features: number, in2Features: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    checkCount('Bilinear', 'in1Features', in1Features, 1);
    checkCount('Bilinear', 'in2Features', in2Features, 1);
    checkCount('Bilinear', 'outFeatures', outFeatures, 1);
    checkOptions('Bilinear', options, ['bias', ...FACTORY]);
    this.in1Features = in1Features;
    this.in2Features = in2Features;
    this.outFeatures = outFeatures;
    this.weight = newParameter([outFeatures, in1Features, in2Features], options);
    this.bias = (options.bias ?? true) ? newParameter([outFeatures], options) : null;
    this.resetParameters();
  }

  /** Draws new initial values. */
  resetParameters(options: ResetOptions = {}): void {
    fillBias(this.weight, this.in1Features, options);
    if (this.bias !== null) fillBias(this.bias, this.in1Features, options);
  }

  /**
   * - `x1`: `[..., in1]` · `x2`: `[..., in2]`
   * - returns: `[..., out]`
   */
  forward(x1: Tensor, x2: Tensor): Tensor {
    return bilinear(x1, x2, this.weight, this.bias);
  }

  override extraRepr(): string {
    return settings({
      in1_features: this.in1Features,
      in2_features: this.in2Features,
      out_features: this.outFeatures,
      bias: this.bias !== null,
    });
  }
}
