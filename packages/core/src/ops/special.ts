import { pointwise } from '../dispatch/declare.ts';
import * as errorFunctions from '../expr/functions/error.ts';
import * as gammaFunctions from '../expr/functions/gamma.ts';

/** The error function: `2/√π ∫₀ˣ exp(-t²) dt`. */
export const erf = pointwise('erf', (x) => errorFunctions.erf(x), { promote: 'float' });

/** The complement of the error function, `1 - erf(x)`, exact for large `x`. */
export const erfc = pointwise('erfc', (x) => errorFunctions.erfc(x), { promote: 'float' });

/** The inverse of the error function: infinities at -1 and 1, NaN beyond. */
export const erfinv = pointwise('erfinv', (x) => errorFunctions.erfinv(x), { promote: 'float' });

/** The logarithm of `|Γ(x)|`. @example lgamma(tensor([1, 5])) // tensor([0.0000, 3.1781]) */
export const lgamma = pointwise('lgamma', (x) => gammaFunctions.lgamma(x), { promote: 'float' });

/** The derivative of `lgamma`. */
export const digamma = pointwise('digamma', (x) => gammaFunctions.digamma(x), { promote: 'float' });
