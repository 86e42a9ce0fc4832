import {
  ArgumentError,
  add,
  checkOptions,
  type DropoutOptions,
  empty,
  mul,
  ShapeError,
  scope,
  showShape,
  sub,
  type Tensor,
} from '@flambeau/core';

function settle(op: string, options: DropoutOptions): { readonly p: number; readonly training: boolean } {
  checkOptions(op, options, ['p', 'training', 'generator']);
  const { p = 0.5, training = true } = options;
  if (!(p >= 0 && p <= 1)) throw new ArgumentError(`${op}: a probability lies in 0..1, got ${p}`, { op });
  return { p, training };
}

/** 1 where something is kept and 0 where it is dropped. */
function keep(x: Tensor, shape: readonly number[], p: number, { generator }: DropoutOptions): Tensor {
  return empty(shape, { dtype: x.dtype, device: x.device }).bernoulli_(
    1 - p,
    generator === undefined ? {} : { generator },
  );
}

/** One value for each channel: `[batch, channels, 1, ...]`. */
const perChannel = ({ shape }: Tensor): readonly number[] => shape.map((size, i) => (i < 2 ? size : 1));

/** Drops whole channels; `ranks` says how many dimensions an input may have, the smaller of two without a batch. */
function dropChannels(op: string, x: Tensor, ranks: readonly number[], options: DropoutOptions): Tensor {
  const { p, training } = settle(op, options);
  if (!ranks.includes(x.ndim))
    throw new ShapeError(`${op}: x must have ${ranks.join(' or ')} dimensions, got ${showShape(x.shape)}`, {
      op,
      data: { shape: x.shape },
    });
  if (!training || p === 0) return x;
  const unbatched = ranks.length > 1 && x.ndim === Math.min(...ranks);
  return scope(() => {
    const shape = unbatched ? x.shape.map((size, i) => (i < 1 ? size : 1)) : perChannel(x);
    return mul(x, mul(keep(x, shape, p, options), p === 1 ? 0 : 1 / (1 - p)));
  });
}

/**
 * Zeroes whole channels with probability `p` and scales the others by `1 / (1 - p)`.
 *
 * - `x`: `[batch, channels, length]` or `[channels, length]`, floating
 *
 * @throws {ShapeError} `x` has another number of dimensions. @throws {ArgumentError} `p` lies outside `0..1`.
 */
export const dropout1d = (x: Tensor, options: DropoutOptions = {}): Tensor =>
  dropChannels('dropout1d', x, [2, 3], options);

/**
 * Zeroes whole channels with probability `p` and scales the others by `1 / (1 - p)`.
 *
 * - `x`: `[batch, channels, height, width]`, or with three dimensions `[batch, channels, length]`, as in PyTorch; floating
 *
 * @throws {ShapeError} `x` has another number of dimensions. @throws {ArgumentError} `p` lies outside `0..1`.
 */
export function dropout2d(x: Tensor, options: DropoutOptions = {}): Tensor {
  if (x.ndim === 3) return dropChannels('dropout2d', x, [3], options);
  return dropChannels('dropout2d', x, [4], options);
}

/**
 * Zeroes whole channels with probability `p` and scales the others by `1 / (1 - p)`.
 *
 * - `x`: `[batch, channels, depth, height, width]` or `[channels, depth, height, width]`, floating
 *
 * @throws {ShapeError} `x` has another number of dimensions. @throws {ArgumentError} `p` lies outside `0..1`.
 */
export const dropout3d = (x: Tensor, options: DropoutOptions = {}): Tensor =>
  dropChannels('dropout3d', x, [4, 5], options);

/** What SELU tends to for very negative inputs. */
const SATURATION = -1.7580993408473766;

function dropToSaturation(op: string, x: Tensor, shape: readonly number[], options: DropoutOptions): Tensor {
  const { p, training } = settle(op, options);
  if (!training || p === 0) return x;
  return scope(() => {
    if (p === 1) return mul(x, 0);
    const kept = keep(x, shape, p, options);
    const a = 1 / Math.sqrt((1 - p) * (1 + p * SATURATION ** 2));
    // x where it is kept and the saturation elsewhere, then scaled and shifted back to mean 0 and variance 1.
    return add(mul(add(mul(x, kept), mul(sub(1, kept), SATURATION)), a), -a * p * SATURATION);
  });
}

/**
 * Sets elements to SELU's saturation with probability `p`, keeping mean and variance.
 *
 * @throws {ArgumentError} `p` lies outside `0..1`.
 * @see https://arxiv.org/abs/1706.02515
 */
export const alphaDropout = (x: Tensor, options: DropoutOptions = {}): Tensor =>
  dropToSaturation('alphaDropout', x, x.shape, options);

/** `alphaDropout` of whole channels of `[batch, channels, ...]`. */
export const featureAlphaDropout = (x: Tensor, options: DropoutOptions = {}): Tensor =>
  dropToSaturation('featureAlphaDropout', x, perChannel(x), options);
