import {
  add,
  avgPool2d,
  checkOptions,
  div,
  mul,
  pad,
  pow,
  reshape,
  ShapeError,
  scope,
  showShape,
  square,
  type Tensor,
} from '@flambeau/core';

export interface LocalResponseNormOptions {
  /** Default 1e-4. */
  readonly alpha?: number;
  /** Default 0.75. */
  readonly beta?: number;
  /** Default 1. */
  readonly k?: number;
}

/**
 * Divides each element by a norm of its neighbours among the channels: `x / (k + alpha mean(x²))^beta`, the mean over
 * `size` channels around its own, zeros beyond the edges.
 *
 * - `x`: `[batch, channels, length, ...]`, floating
 * - returns: the same shape
 *
 * @throws {ShapeError} `x` has fewer than three dimensions.
 * @see Krizhevsky et al., ImageNet Classification with Deep Convolutional Neural Networks (2012)
 */
export function localResponseNorm(x: Tensor, size: number, options: LocalResponseNormOptions = {}): Tensor {
  checkOptions('localResponseNorm', options, ['alpha', 'beta', 'k']);
  const { shape } = x;
  if (shape.length < 3)
    throw new ShapeError(`localResponseNorm: x is [batch, channels, length, ...], got ${showShape(shape)}`, {
      op: 'localResponseNorm',
      data: { shape },
    });
  if (x.size === 0) return x;
  const { alpha = 1e-4, beta = 0.75, k = 1 } = options;
  return scope(() => {
    const [batch, channels] = shape as [number, number];
    const rows = reshape(square(x), [batch, 1, channels, x.size / (batch * channels)]);
    const padded = pad(rows, [0, 0, Math.floor(size / 2), Math.floor((size - 1) / 2)]);
    const mean = reshape(avgPool2d(padded, [size, 1], { stride: 1 }), shape);
    return div(x, pow(add(mul(mean, alpha), k), beta));
  });
}
