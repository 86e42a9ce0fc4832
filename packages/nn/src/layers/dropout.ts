import { checkOptions, dropout, type Generator, type Tensor } from '@flambeau/core';
import { alphaDropout, dropout1d, dropout2d, dropout3d, featureAlphaDropout } from '../functional/dropout.ts';
import { Module } from '../module/module.ts';
import { python } from '../module/repr.ts';
import { checkProbability } from './settings.ts';

export interface DropoutLayerOptions {
  /** Probability that an element is dropped. Default 0.5. */
  readonly p?: number;
  /** Whether to write over the input, which is given back. Default false. */
  readonly inplace?: boolean;
  /** Where the random numbers come from. Default: the generator that `manualSeed` sets. */
  readonly generator?: Generator;
}

abstract class DropoutNd extends Module {
  readonly p: number;
  readonly inplace: boolean;
  readonly #generator: Generator | undefined;

  protected constructor(layer: string, options: DropoutLayerOptions) {
    super();
    checkOptions(layer, options, ['p', 'inplace', 'generator']);
    this.p = options.p ?? 0.5;
    checkProbability(layer, 'p', this.p);
    this.inplace = options.inplace ?? false;
    this.#generator = options.generator;
  }

  /** In training the dropped input, else `x` itself. */
  protected drop(dropping: typeof dropout | typeof dropout1d, x: Tensor): Tensor {
    if (!this.training) return x;
    const y = dropping(x, {
      p: this.p,
      training: true,
      ...(this.#generator === undefined ? {} : { generator: this.#generator }),
    });
    return this.inplace ? x.copy_(y) : y;
  }

  override extraRepr(): string {
    return `p=${python(this.p)}, inplace=${python(this.inplace)}`;
  }
}

/**
 * In training, zeroes elements with probability `p` and scales the others by `1 / (1 - p)`; in evaluation, nothing.
 *
 * @throws {ArgumentError} `p` lies outside `0..1`.
 * @see Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting (2014)
 * @example new Dropout({ p: 0.2 }).eval().forward(ones([2])) // tensor([1., 1.])
 */
export class Dropout extends DropoutNd {
  static readonly builtIn: string = 'Dropout';
  constructor(options: DropoutLayerOptions = {}) {
    super('Dropout', options);
  }

  forward(x: Tensor): Tensor {
    return this.drop(dropout, x);
  }
}

/** `Dropout` of whole channels. */
export class Dropout1d extends DropoutNd {
  static readonly builtIn: string = 'Dropout1d';
  constructor(options: DropoutLayerOptions = {}) {
    super('Dropout1d', options);
  }

  /** - `x`: `[batch, channels, length]` or `[channels, length]` */
  forward(x: Tensor): Tensor {
    return this.drop(dropout1d, x);
  }
}

/** `Dropout` of whole channels. */
export class Dropout2d extends DropoutNd {
  static readonly builtIn: string = 'Dropout2d';
  constructor(options: DropoutLayerOptions = {}) {
    super('Dropout2d', options);
  }

  /** - `x`: `[batch, channels, height, width]` */
  forward(x: Tensor): Tensor {
    return this.drop(dropout2d, x);
  }
}

/** `Dropout` of whole channels. */
export class Dropout3d extends DropoutNd {
  static readonly builtIn: string = 'Dropout3d';
  constructor(options: DropoutLayerOptions = {}) {
    super('Dropout3d', options);
  }

  /** - `x`: `[batch, channels, depth, height, width]` or `[channels, depth, height, width]` */
  forward(x: Tensor): Tensor {
    return this.drop(dropout3d, x);
  }
}

/** Dropout that keeps mean and variance, for SELU networks. @see https://arxiv.org/abs/1706.02515 */
export class AlphaDropout extends DropoutNd {
  static readonly builtIn: string = 'AlphaDropout';
  constructor(options: DropoutLayerOptions = {}) {
    super('AlphaDropout', options);
  }

  forward(x: Tensor): Tensor {
    return this.drop(alphaDropout, x);
  }
}

/** `AlphaDropout` of whole channels. */
export class FeatureAlphaDropout extends DropoutNd {
  static readonly builtIn: string = 'FeatureAlphaDropout';
  constructor(options: DropoutLayerOptions = {}) {
    super('FeatureAlphaDropout', options);
  }

  /** - `x`: `[batch, channels, ...]` */
  forward(x: Tensor): Tensor {
    return this.drop(featureAlphaDropout, x);
  }
}
