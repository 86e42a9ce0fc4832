import { type Expr, literal } from '../expr.ts';

/** `c[0] + c[1] x + c[2] x² + …`, by Horner's rule. */
export function polynomial(x: Expr, coefficients: readonly number[]): Expr {
  let value = literal(coefficients.at(-1) ?? 0);
  for (let i = coefficients.length - 2; i >= 0; i--) value = value.mul(x).add(coefficients[i]!);
  return value;
}

/** `c[0] xⁿ + c[1] xⁿ⁻¹ + … + c[n]`: the order in which tables of approximations are printed. */
export const falling = (x: Expr, coefficients: readonly number[]): Expr =>
  polynomial(x, coefficients.toReversed());

/** A Chebyshev series `c[0]/2 + c[1] T₁(x/2) + …` in falling order, by Clenshaw's recurrence, as Cephes prints it. */
export function chebyshev(x: Expr, coefficients: readonly number[]): Expr {
  let newest = literal(coefficients[0]!);
  let middle = literal(0);
  let oldest = literal(0);
  for (const coefficient of coefficients.slice(1)) {
    oldest = middle;
    middle = newest;
    newest = x.mul(middle).sub(oldest).add(coefficient);
  }
  return newest.sub(oldest).mul(0.5);
}
