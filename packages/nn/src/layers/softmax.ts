import { glu, logSoftmax, ShapeError, showShape, softmax, softmin, type Tensor } from '@flambeau/core';
import { Module } from '../module/module.ts';
import { python } from '../module/repr.ts';

/** A function along one dimension. Without a `dim`, as in PyTorch: 0 for 0, 1 or 3 dimensions, else 1. */
abstract class AlongDim extends Module {
  readonly dim: number | null;

  constructor(dim: number | null = null) {
    super();
    this.dim = dim;
  }

  protected dimOf({ shape: { length } }: Tensor): number {
    return this.dim ?? (length === 0 || length === 1 || length === 3 ? 0 : 1);
  }

  override extraRepr(): string {
    return `dim=${python(this.dim)}`;
  }
}

/**
 * Normalised exponential along `dim`: `e^x / sum(e^x)`.
 *
 * @example new Softmax(1).forward(tensor([[1, 1]])) // tensor([[0.5000, 0.5000]])
 */
export class Softmax extends AlongDim {
  static readonly builtIn: string = 'Softmax';
  forward(x: Tensor): Tensor {
    return softmax(x, this.dimOf(x));
  }
}

/** The logarithm of `Softmax`, without overflow. */
export class LogSoftmax extends AlongDim {
  static readonly builtIn: string = 'LogSoftmax';
  forward(x: Tensor): Tensor {
    return logSoftmax(x, this.dimOf(x));
  }
}

/** `Softmax` of `-x`: the smallest gets the most. */
export class Softmin extends AlongDim {
  static readonly builtIn: string = 'Softmin';
  forward(x: Tensor): Tensor {
    return softmin(x, this.dimOf(x));
  }
}

/** `Softmax` over the channels of an image. */
export class Softmax2d extends Module {
  static readonly builtIn: string = 'Softmax2d';

  /**
   * - `x`: `[batch, channels, height, width]` or `[channels, height, width]`
   * - returns: the same shape
   *
   * @throws {ShapeError} `x` has neither 3 nor 4 dimensions.
   */
  forward(x: Tensor): Tensor {
    if (x.ndim !== 3 && x.ndim !== 4) {
      throw new ShapeError(
        `Softmax2d: x is [batch, channels, height, width] or [channels, height, width], got ${showShape(x.shape)}`,
        { op: 'Softmax2d' },
      );
    }
    return softmax(x, -3);
  }
}

/** `a sigmoid(b)` of the halves of `x` along `dim`. @see https://arxiv.org/abs/1612.08083 */
export class GLU extends Module {
  static readonly builtIn: string = 'GLU';
  readonly dim: number;

  constructor(dim = -1) {
    super();
    this.dim = dim;
  }

  /**
   * - `x`: `[..., 2n, ...]`
   * - returns: `[..., n, ...]`
   */
  forward(x: Tensor): Tensor {
    return glu(x, this.dim);
  }

  override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}
