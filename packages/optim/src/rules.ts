import { type Expr, type UpdateOperator, type UpdateSettings, update } from '@flambeau/core';

/** `average + weight * (x - average)`: a running average takes in a value. */
export const blend = (average: Expr, x: Expr, weight: Expr): Expr => average.add(x.sub(average).mul(weight));

/** `decay * average + weight * x²`: a running average takes in a square. */
export const blendSquare = (average: Expr, x: Expr, decay: Expr, weight: Expr): Expr =>
  average.mul(decay).add(x.square().mul(weight));

/** The root of a running average of squares, kept away from 0: `sqrt(x) / correction + epsilon`. */
export const denominator = (square: Expr, correction: Expr, epsilon: Expr): Expr =>
  square.sqrt().div(correction).add(epsilon);

/** What decides along which gradient a parameter goes down. */
export interface DescentOptions {
  readonly maximize: boolean;
  readonly weightDecay: number;
}

/** A rule that goes down a gradient `g` from a parameter `x`. */
export interface DescentRule<N extends string> {
  /** Along the gradient as it is. */
  readonly plain: UpdateOperator<N>;
  /** Along that of the loss, or its negative, with the term `weightDecay / 2 * x²` of weight decay. */
  readonly turned: UpdateOperator<N | 'direction' | 'decay'>;
}

/** Declares both forms of a rule from the one that goes along `g` as it is. */
/* @__NO_SIDE_EFFECTS__ */
export function descent<const O extends string, const N extends string, const L extends string = never>(
  name: string,
  settings: UpdateSettings<O | 'x' | 'g', N, L>,
): DescentRule<N> {
  const { operands, numbers, locals = [], steps } = settings;
  type Build = (values: Readonly<Record<string, Expr>>) => Expr;
  const along = Object.entries<Build>(steps as Record<string, Build>).map(
    ([target, build]): [string, Build] => [target, (values) => build({ ...values, g: values.descent! })],
  );
  return {
    plain: update(name, settings),
    turned: update<string, string, string>(name, {
      operands,
      numbers: [...numbers, 'direction', 'decay'],
      locals: ['descent', ...locals],
      steps: {
        descent: ({ g, x, direction, decay }) => g!.mul(direction!).add(x!.mul(decay!)),
        ...Object.fromEntries(along),
      },
    }),
  };
}
