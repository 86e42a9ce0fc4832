import { checkOptions, type Tensor } from '@flambeau/core';
import { type LocalResponseNormOptions, localResponseNorm } from '../functional/local-response-norm.ts';
import { Module } from '../module/module.ts';
import { pythonFloat, settings } from '../module/repr.ts';
import { checkCount } from './settings.ts';

/**
 * Divides each element by a norm of its neighbours among the channels: `x / (k + alpha mean(x²))^beta`.
 *
 * @throws {ArgumentError} `size` is no positive integer.
 * @see Krizhevsky et al., ImageNet Classification with Deep Convolutional Neural Networks (2012)
 * @example new LocalResponseNorm(2).forward(randn([1, 4, 5, 5])).shape // [1, 4, 5, 5]
 */
export class LocalResponseNorm extends Module {
  static readonly builtIn: string = 'LocalResponseNorm';
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;

  constructor(size: number, options: LocalResponseNormOptions = {}) {
    super();
    checkCount('LocalResponseNorm', 'size', size, 1);
    checkOptions('LocalResponseNorm', options, ['alpha', 'beta', 'k']);
    this.size = size;
    this.alpha = options.alpha ?? 1e-4;
    this.beta = options.beta ?? 0.75;
    this.k = options.k ?? 1;
  }

  /** - `x`: `[batch, channels, length, ...]` */
  forward(x: Tensor): Tensor {
    const { alpha, beta, k } = this;
    return localResponseNorm(x, this.size, { alpha, beta, k });
  }

  override extraRepr(): string {
    return `${this.size}, ${settings({ alpha: pythonFloat(this.alpha), beta: pythonFloat(this.beta), k: pythonFloat(this.k) })}`;
  }
}
