import { type DType, neg, scope, softmax, type Tensor } from '@flambeau/core';

/**
 * `softmax` of `-x` along `dim`: `e^-x / sum(e^-x)`.
 *
 * - `x`: `[..., n, ...]`, floating
 * - returns: the same shape
 *
 * @example softmin(tensor([0, 0]), 0) // tensor([0.5000, 0.5000])
 */
export const softmin = (x: Tensor, dim: number, options: { readonly dtype?: DType } = {}): Tensor => scope(() => softmax(neg(x), dim, options));
