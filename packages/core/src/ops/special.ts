import { checkInteger, checkTensor } from '../dispatch/checks.ts';
import { composite, pointwise, type UnaryOperator } from '../dispatch/declare.ts';
import { ArgumentError } from '../errors.ts';
import type { Expr } from '../expr/expr.ts';
import * as errorFunctions from '../expr/functions/error.ts';
import * as gammaFunctions from '../expr/functions/gamma.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add } from './arithmetic.ts';

/** The error function: `2/√π ∫₀ˣ exp(-t²) dt`. */
export const erf = pointwise('erf', (x) => errorFunctions.erf(x), { promote: 'float' });

/** The complement of the error function, `1 - erf(x)`, exact for large `x`. */
export const erfc = pointwise('erfc', (x) => errorFunctions.erfc(x), { promote: 'float' });

/** The standard normal distribution function: `erfc(-x / √2) / 2`. @example ndtr(tensor([0])) // tensor([0.5000]) */
export const ndtr = pointwise('ndtr', (x) => errorFunctions.erfc(x.mul(-Math.SQRT1_2)).div(2), {
  promote: 'float',
});

/** The inverse of the error function: infinities at -1 and 1, NaN beyond. */
export const erfinv = pointwise('erfinv', (x) => errorFunctions.erfinv(x), { promote: 'float' });

/** The logarithm of `|Γ(x)|`. @example lgamma(tensor([1, 5])) // tensor([0.0000, 3.1781]) */
export const lgamma = pointwise('lgamma', (x) => gammaFunctions.lgamma(x), { promote: 'float' });

/** The derivative of `lgamma`. */
export const digamma = pointwise('digamma', (x) => gammaFunctions.digamma(x), { promote: 'float' });

const polygammas = new Map<number, UnaryOperator>();

/**
 * The `n`-th derivative of `digamma`; `digamma` itself for 0.
 *
 * @throws {ArgumentError} `n` is negative or no integer.
 * @example polygamma(1, tensor([1])) // tensor([1.6449])
 */
export const polygamma = composite('polygamma', (n: number, x: Tensor): Tensor => {
  checkTensor('polygamma', 'x', x);
  checkInteger('polygamma', 'n', n);
  if (n < 0) throw new ArgumentError(`polygamma: n must be 0 or more, got ${n}`, { op: 'polygamma' });
  let operator = polygammas.get(n);
  if (operator === undefined) {
    const build = gammaFunctions.polygamma(n);
    operator = pointwise('polygamma', (x: Expr) => build(x), { promote: 'float' });
    polygammas.set(n, operator);
  }
  return operator(x);
});

/**
 * The logarithm of the multivariate gamma function of dimension `p`:
 * `p (p - 1) / 4 · log π + Σ lgamma(x + (1 - i) / 2)` over `i = 1 … p`, for `x > (p - 1) / 2`.
 *
 * @throws {ArgumentError} `p` is less than 1 or no integer.
 */
export const mvlgamma = composite('mvlgamma', (x: Tensor, p: number): Tensor => {
  checkTensor('mvlgamma', 'x', x);
  checkInteger('mvlgamma', 'p', p);
  if (p < 1) throw new ArgumentError(`mvlgamma: p must be 1 or more, got ${p}`, { op: 'mvlgamma' });
  let total = add(lgamma(x), (p * (p - 1) * Math.log(Math.PI)) / 4);
  for (let i = 2; i <= p; i++) total = add(total, lgamma(add(x, (1 - i) / 2)));
  return total;
});
