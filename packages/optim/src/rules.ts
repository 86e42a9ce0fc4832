import { type Expr, pointwise, type Tensor } from '@flambeau/core';

interface Overwritable<A extends unknown[]> {
  (x: Tensor, ...rest: A): Tensor;
  readonly inPlace?: unknown;
}

/** The form of a pointwise operator that writes its result over its first operand. */
export function inPlace<A extends unknown[]>(op: Overwritable<A>): (x: Tensor, ...rest: A) => Tensor {
  // Core leaves the other arguments open, as they are those of the operator itself.
  return op.inPlace as (x: Tensor, ...rest: A) => Tensor;
}

/** The default of a number that every call gives: no value of it is ever compiled into a program. */
export const GIVEN = Number.NaN;

/** `average + weight * (x - average)`: a running average takes in a value. */
export const blend = inPlace(
  pointwise('blend', (average, x, { weight }) => average.add(x.sub(average).mul(weight)), {
    params: { weight: GIVEN },
  }),
);

/** `decay * average + weight * x²`: a running average takes in a square. */
export const blendSquare = inPlace(
  pointwise(
    'blendSquare',
    (average, x, { decay, weight }) => average.mul(decay).add(x.square().mul(weight)),
    { params: { decay: GIVEN, weight: GIVEN } },
  ),
);

/** `decay * sum + weight * x`. */
export const accumulate = inPlace(
  pointwise('accumulate', (total, x, { decay, weight }) => total.mul(decay).add(x.mul(weight)), {
    params: { decay: GIVEN, weight: GIVEN },
  }),
);

const towards = pointwise(
  'descent',
  (gradient, x, { direction, decay }) => gradient.mul(direction).add(x.mul(decay)),
  { params: { direction: GIVEN, decay: GIVEN } },
);

/** What decides along which gradient a parameter goes down. */
export interface DescentOptions {
  readonly maximize: boolean;
  readonly weightDecay: number;
}

/**
 * The gradient of what is minimised: the loss, or its negative, with the term `weightDecay / 2 * x²` of weight decay.
 */
export function descent(x: Tensor, gradient: Tensor, { maximize, weightDecay }: DescentOptions): Tensor {
  if (!maximize && weightDecay === 0) return gradient;
  return towards(gradient, x, { direction: maximize ? -1 : 1, decay: weightDecay });
}

/** The root of a running average of squares, kept away from 0: `sqrt(x) / correction + epsilon`. */
export const denominator = (square: Expr, correction: Expr, epsilon: Expr): Expr =>
  square.sqrt().div(correction).add(epsilon);
