import { checkOptions, flatten, type Tensor, unflatten } from '@flambeau/core';
import { Module } from '../module/module.ts';
import { settings } from '../module/repr.ts';

/** Gives its input back, whatever it was made with: a place holder. */
export class Identity<T = Tensor> extends Module<[x: T], T> {
  static readonly builtIn: string = 'Identity';

  // PyTorch's takes any arguments, so that it can stand for any layer.
  constructor(..._ignored: unknown[]) {
    super();
  }

  forward(x: T): T {
    return x;
  }
}

export interface FlattenLayerOptions {
  /** Default 1: the batch stays. */
  readonly startDim?: number;
  /** Default -1. */
  readonly endDim?: number;
}

/**
 * Joins dimensions into one: by default all but the first.
 *
 * @example new Flatten().forward(ones([32, 1, 5, 5])).shape // [32, 25]
 */
export class Flatten extends Module {
  static readonly builtIn: string = 'Flatten';
  readonly startDim: number;
  readonly endDim: number;

  constructor(options: FlattenLayerOptions = {}) {
    super();
    checkOptions('Flatten', options, ['startDim', 'endDim']);
    this.startDim = options.startDim ?? 1;
    this.endDim = options.endDim ?? -1;
  }

  forward(x: Tensor): Tensor {
    return flatten(x, { startDim: this.startDim, endDim: this.endDim });
  }

  override extraRepr(): string {
    return settings({ start_dim: this.startDim, end_dim: this.endDim });
  }
}

/**
 * Splits a dimension into several.
 *
 * @example new Unflatten(1, [2, 5, 5]).forward(ones([2, 50])).shape // [2, 2, 5, 5]
 */
export class Unflatten extends Module {
  static readonly builtIn: string = 'Unflatten';
  readonly dim: number;
  readonly unflattenedSize: readonly number[];

  constructor(dim: number, unflattenedSize: readonly number[]) {
    super();
    this.dim = dim;
    this.unflattenedSize = unflattenedSize;
  }

  forward(x: Tensor): Tensor {
    return unflatten(x, this.dim, this.unflattenedSize);
  }

  override extraRepr(): string {
    return settings({ dim: this.dim, unflattened_size: this.unflattenedSize });
  }
}
