import {
  ArgumentError,
  add,
  checkOptions,
  clamp,
  emptyLike,
  log,
  lt,
  mul,
  neg,
  sqrt,
  sub,
  type Tensor,
  where,
} from '@flambeau/core';
import { type DrawOptions, draw, initialise } from './fill.ts';

export interface TruncNormalOptions extends DrawOptions {
  /** Default 0. */
  readonly mean?: number;
  /** Default 1. */
  readonly std?: number;
  /** Lower bound. Default -2. */
  readonly a?: number;
  /** Upper bound. Default 2. */
  readonly b?: number;
}

/**
 * Overwrites a tensor with numbers of the normal distribution, given that they lie in `[a, b]`.
 *
 * @throws {ArgumentError} the bounds hold nothing, or `std` is not positive.
 * @example init.truncNormal_(empty([3, 5]), { std: 0.02 })
 */
export function truncNormal_(tensor: Tensor, options: TruncNormalOptions = {}): Tensor {
  checkOptions('truncNormal_', options, ['mean', 'std', 'a', 'b', 'generator']);
  const { mean = 0, std = 1, a = -2, b = 2 } = options;
  if (!(a < b) || !(std > 0))
    throw new ArgumentError(
      `truncNormal_: a must lie below b and std above 0, got a ${a}, b ${b}, std ${std}`,
      { op: 'truncNormal_' },
    );
  return initialise('truncNormal_', tensor, () => {
    const [low, high] = [(a - mean) / std, (b - mean) / std];
    // Probabilities near 1 have no room in floating point: what lies above the mean is drawn below and turned over.
    const flip = low + high > 0;
    const [from, to] = flip ? [-high, -low] : [low, high];
    const u = emptyLike(tensor).uniform_(normalCdf(from), normalCdf(to), draw(options));
    tensor.copy_(clamp(add(mul(normalQuantile(u), flip ? -std : std), mean), { min: a, max: b }));
  });
}

const CENTRE = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164,
  0.246640727, 1.50140941,
];
const TAIL = [
  -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
  1.00167406, 2.83297682,
];

const polynomial = (x: Tensor, [first, ...rest]: readonly number[]): Tensor =>
  rest.reduce((y: Tensor | number, c) => add(mul(y, x), c), first!) as Tensor;

/**
 * The value below which a normal number lies with probability `u`.
 * @see Giles, Approximating the erfinv function (2010)
 */
function normalQuantile(u: Tensor): Tensor {
  const v = sub(mul(u, 2), 1);
  const w = neg(log(mul(mul(u, 4), sub(1, u))));
  const inverse = where(lt(w, 5), polynomial(sub(w, 2.5), CENTRE), polynomial(sub(sqrt(w), 3), TAIL));
  return mul(mul(inverse, v), Math.SQRT2);
}

const ERFC = [
  1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
  0.17087277,
];

/**
 * The probability of a normal number below `x`, to 1e-7 of itself.
 * @see Press et al., Numerical Recipes, section 6.2
 */
function normalCdf(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + z / 2);
  const erfc = t * Math.exp(-z * z - 1.26551223 + t * ERFC.reduceRight((sum, c) => sum * t + c, 0));
  return x < 0 ? erfc / 2 : 1 - erfc / 2;
}
