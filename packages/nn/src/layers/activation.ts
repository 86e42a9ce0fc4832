import {
  celu,
  checkOptions,
  elu,
  gelu,
  hardsigmoid,
  hardswish,
  leakyRelu,
  mish,
  prelu,
  relu,
  relu6,
  selu,
  sigmoid,
  silu,
  softplus,
  softsign,
  type Tensor,
  tanh,
} from '@flambeau/core';
import * as init from '../init/index.ts';
import { Module } from '../module/module.ts';
import { pythonFloat } from '../module/repr.ts';
import { checkChoice, checkCount, FACTORY, type FactoryOptions, newParameter } from './settings.ts';

export interface InplaceOptions {
  /** Whether to write over the input, which is given back. Default false. */
  readonly inplace?: boolean;
}

/** A layer of one function without parameters. */
export abstract class Activation extends Module {
  readonly inplace: boolean;

  protected constructor(layer: string, options: InplaceOptions, known: readonly string[] = []) {
    super();
    checkOptions(layer, options, [...known, 'inplace']);
    this.inplace = options.inplace ?? false;
  }

  /** `x` must be floating; the result has its shape and dtype. */
  abstract override forward(x: Tensor): Tensor;

  protected settingsWithInplace(...settings: string[]): string {
    return [...settings, ...(this.inplace ? ['inplace=True'] : [])].join(', ');
  }

  override extraRepr(): string {
    return this.settingsWithInplace();
  }
}

/** `max(x, 0)`. @example new ReLU().forward(tensor([-1, 2])) // tensor([0., 2.]) */
export class ReLU extends Activation {
  static readonly builtIn: string = 'ReLU';
  constructor(options: InplaceOptions = {}) {
    super('ReLU', options);
  }

  forward(x: Tensor): Tensor {
    return this.inplace ? x.relu_() : relu(x);
  }
}

/** `min(max(x, 0), 6)`. */
export class ReLU6 extends Activation {
  static readonly builtIn: string = 'ReLU6';
  constructor(options: InplaceOptions = {}) {
    super('ReLU6', options);
  }

  forward(x: Tensor): Tensor {
    return this.inplace ? x.relu6_() : relu6(x);
  }
}

export interface LeakyReLUOptions extends InplaceOptions {
  /** What negative values are multiplied by. Default 0.01. */
  readonly negativeSlope?: number;
}

/** `x` where it is positive, `negativeSlope * x` elsewhere. */
export class LeakyReLU extends Activation {
  static readonly builtIn: string = 'LeakyReLU';
  readonly negativeSlope: number;

  constructor(options: LeakyReLUOptions = {}) {
    super('LeakyReLU', options, ['negativeSlope']);
    this.negativeSlope = options.negativeSlope ?? 0.01;
  }

  forward(x: Tensor): Tensor {
    const { negativeSlope } = this;
    return this.inplace ? x.leakyRelu_({ negativeSlope }) : leakyRelu(x, { negativeSlope });
  }

  override extraRepr(): string {
    return this.settingsWithInplace(`negative_slope=${pythonFloat(this.negativeSlope)}`);
  }
}

export interface AlphaLayerOptions extends InplaceOptions {
  /** Default 1. */
  readonly alpha?: number;
}

/** `x` where it is positive, `alpha (e^x - 1)` elsewhere. @see https://arxiv.org/abs/1511.07289 */
export class ELU extends Activation {
  static readonly builtIn: string = 'ELU';
  readonly alpha: number;

  constructor(options: AlphaLayerOptions = {}) {
    super('ELU', options, ['alpha']);
    this.alpha = options.alpha ?? 1;
  }

  forward(x: Tensor): Tensor {
    const { alpha } = this;
    return this.inplace ? x.elu_({ alpha }) : elu(x, { alpha });
  }

  override extraRepr(): string {
    return this.settingsWithInplace(`alpha=${pythonFloat(this.alpha)}`);
  }
}

/** `x` where it is positive, `alpha (e^(x / alpha) - 1)` elsewhere. @see https://arxiv.org/abs/1704.07483 */
export class CELU extends Activation {
  static readonly builtIn: string = 'CELU';
  readonly alpha: number;

  constructor(options: AlphaLayerOptions = {}) {
    super('CELU', options, ['alpha']);
    this.alpha = options.alpha ?? 1;
  }

  forward(x: Tensor): Tensor {
    const { alpha } = this;
    return this.inplace ? x.celu_({ alpha }) : celu(x, { alpha });
  }

  override extraRepr(): string {
    return this.settingsWithInplace(`alpha=${pythonFloat(this.alpha)}`);
  }
}

/** A scaled ELU whose constants keep mean and variance. @see https://arxiv.org/abs/1706.02515 */
export class SELU extends Activation {
  static readonly builtIn: string = 'SELU';
  constructor(options: InplaceOptions = {}) {
    super('SELU', options);
  }

  forward(x: Tensor): Tensor {
    return this.inplace ? x.selu_() : selu(x);
  }
}

export interface GELULayerOptions {
  /** `'tanh'` approximates the normal distribution. Default `'none'`. */
  readonly approximate?: 'none' | 'tanh';
}

/** `x Φ(x)`, with the normal distribution's Φ. @see https://arxiv.org/abs/1606.08415 */
export class GELU extends Module {
  static readonly builtIn: string = 'GELU';
  readonly approximate: 'none' | 'tanh';

  constructor(options: GELULayerOptions = {}) {
    super();
    checkOptions('GELU', options, ['approximate']);
    this.approximate = options.approximate ?? 'none';
    checkChoice('GELU', 'approximate', this.approximate, ['none', 'tanh']);
  }

  forward(x: Tensor): Tensor {
    return gelu(x, { approximate: this.approximate });
  }

  override extraRepr(): string {
    return `approximate='${this.approximate}'`;
  }
}

/** `x sigmoid(x)`, also called swish. */
export class SiLU extends Activation {
  static readonly builtIn: string = 'SiLU';
  constructor(options: InplaceOptions = {}) {
    super('SiLU', options);
  }

  forward(x: Tensor): Tensor {
    return this.inplace ? x.silu_() : silu(x);
  }
}

/** `x tanh(softplus(x))`. @see https://arxiv.org/abs/1908.08681 */
export class Mish extends Activation {
  static readonly builtIn: string = 'Mish';
  constructor(options: InplaceOptions = {}) {
    super('Mish', options);
  }

  forward(x: Tensor): Tensor {
    return this.inplace ? x.mish_() : mish(x);
  }
}

/** `x min(max(x + 3, 0), 6) / 6`. @see https://arxiv.org/abs/1905.02244 */
export class Hardswish extends Activation {
  static readonly builtIn: string = 'Hardswish';
  constructor(options: InplaceOptions = {}) {
    super('Hardswish', options);
  }

  forward(x: Tensor): Tensor {
    return this.inplace ? x.hardswish_() : hardswish(x);
  }
}

/** `min(max(x + 3, 0), 6) / 6`. */
export class Hardsigmoid extends Module {
  static readonly builtIn: string = 'Hardsigmoid';
  readonly inplace: boolean;

  constructor(options: InplaceOptions = {}) {
    super();
    checkOptions('Hardsigmoid', options, ['inplace']);
    this.inplace = options.inplace ?? false;
  }

  forward(x: Tensor): Tensor {
    return this.inplace ? x.hardsigmoid_() : hardsigmoid(x);
  }
}

/** `1 / (1 + e^-x)`. */
export class Sigmoid extends Module {
  static readonly builtIn: string = 'Sigmoid';
  forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}

/** `tanh(x)`. */
export class Tanh extends Module {
  static readonly builtIn: string = 'Tanh';
  forward(x: Tensor): Tensor {
    return tanh(x);
  }
}

/** `x / (1 + |x|)`. */
export class Softsign extends Module {
  static readonly builtIn: string = 'Softsign';
  forward(x: Tensor): Tensor {
    return softsign(x);
  }
}

export interface SoftplusLayerOptions {
  /** Default 1. */
  readonly beta?: number;
  /** Above it `beta x` counts as its own softplus. Default 20. */
  readonly threshold?: number;
}

/** `log(1 + e^(beta x)) / beta`, a smooth ReLU. */
export class Softplus extends Module {
  static readonly builtIn: string = 'Softplus';
  readonly beta: number;
  readonly threshold: number;

  constructor(options: SoftplusLayerOptions = {}) {
    super();
    checkOptions('Softplus', options, ['beta', 'threshold']);
    this.beta = options.beta ?? 1;
    this.threshold = options.threshold ?? 20;
  }

  forward(x: Tensor): Tensor {
    return softplus(x, { beta: this.beta, threshold: this.threshold });
  }

  override extraRepr(): string {
    return `beta=${pythonFloat(this.beta)}, threshold=${pythonFloat(this.threshold)}`;
  }
}

export interface PReLUOptions extends FactoryOptions {
  /** One weight for all, or one for each channel. Default 1. */
  readonly numParameters?: number;
  /** Where the weights start. Default 0.25. */
  readonly init?: number;
}

/**
 * `x` where it is positive, `weight * x` elsewhere, with learned weights.
 *
 * State: `weight` `[numParameters]`.
 *
 * @see https://arxiv.org/abs/1502.01852
 */
export class PReLU extends Module {
  static readonly builtIn: string = 'PReLU';
  readonly numParameters: number;
  readonly init: number;
  weight: Tensor;

  constructor(options: PReLUOptions = {}) {
    super();
    checkOptions('PReLU', options, ['numParameters', 'init', ...FACTORY]);
    this.numParameters = options.numParameters ?? 1;
    checkCount('PReLU', 'numParameters', this.numParameters, 1);
    this.init = options.init ?? 0.25;
    this.weight = newParameter([this.numParameters], options);
    this.resetParameters();
  }

  resetParameters(): void {
    init.constant_(this.weight, this.init);
  }

  /**
   * - `x`: `[batch, channels, ...]`
   * - returns: the same shape
   */
  forward(x: Tensor): Tensor {
    return prelu(x, this.weight);
  }

  override extraRepr(): string {
    return `num_parameters=${this.numParameters}`;
  }
}
