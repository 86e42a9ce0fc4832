import { checkTensor } from '../dispatch/checks.ts';
import { composite, pointwise } from '../dispatch/declare.ts';
import { isDifferentiable } from '../dtype.ts';
import { ArgumentError, checkOptions, describe, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { div } from './arithmetic.ts';
import { sum } from './broadcast.ts';
import { pad } from './pad.ts';
import { square } from './power.ts';
import { mean } from './reductions.ts';
import { unfold } from './slicing.ts';

export interface LocalResponseNormOptions {
  /** Default 1e-4. */
  readonly alpha?: number;
  /** Default 0.75. */
  readonly beta?: number;
  /** Default 1. */
  readonly k?: number;
}

const respond = pointwise(
  'localResponseNorm',
  (x, power, { alpha, beta, k }) => x.div(power.mul(alpha).add(k).pow(beta)),
  {
    promote: 'float',
    params: { alpha: 1e-4, beta: 0.75, k: 1 },
  },
);

/**
 * Divides by the power of neighbouring channels: `x / (k + alpha · mean of x² over size channels)^beta`. Channels
 * beyond the first and last count as zero.
 *
 * - `x`: `[batch, channels, ...]`
 *
 * @throws {ShapeError} `x` has no dimension after the channels. @throws {ArgumentError} `size` is no positive integer.
 * @see Krizhevsky, Sutskever and Hinton, ImageNet Classification with Deep Convolutional Neural Networks (2012)
 */
export const localResponseNorm = composite(
  'localResponseNorm',
  (x: Tensor, size: number, options: LocalResponseNormOptions = {}): Tensor => {
    const op = 'localResponseNorm';
    checkOptions(op, options, ['alpha', 'beta', 'k']);
    checkTensor(op, 'x', x);
    if (x.shape.length < 3)
      throw new ShapeError(
        `${op}: x must be [batch, channels, ...] with at least one more dimension, got ${showShape(x.shape)}`,
        { op },
      );
    if (!Number.isInteger(size) || size < 1)
      throw new ArgumentError(`${op}: size must be an integer of 1 or more, got ${describe(size)}`, { op });
    const beyond = [
      ...x.shape.slice(2).flatMap(() => [0, 0]),
      Math.floor(size / 2),
      Math.floor((size - 1) / 2),
    ];
    const squares = unfold(pad(square(x), beyond), 1, size, 1);
    // Integers are averaged as integers, as a pool does.
    const power = isDifferentiable(x.dtype)
      ? mean(squares, -1)
      : div(sum(squares, -1), size, { roundingMode: 'trunc' });
    const { alpha = 1e-4, beta = 0.75, k = 1 } = options;
    return respond(x, power, { alpha, beta, k });
  },
);
