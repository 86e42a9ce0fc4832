import { checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { reducedDims, reducedShape } from '../dispatch/reduction.ts';
import { getDefaultDtype, isDifferentiable } from '../dtype.ts';
import { checkOptions } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, mul, sub } from './arithmetic.ts';
import { sum } from './broadcast.ts';
import { isfinite } from './comparison.ts';
import { cast } from './copying.ts';
import { exp, log } from './exponential.ts';
import { amax } from './reductions.ts';
import { reshape } from './reshape.ts';
import { where } from './where.ts';

export interface LogsumexpOptions {
  /** Keeps reduced dimensions with size 1. */
  readonly keepdim?: boolean;
}

const logsumexpOver = composite('logsumexp', {
  infer: (x: Tensor, dims: readonly number[], keepdim: boolean) => ({
    inputs: { x },
    attrs: { dims, keepdim, kept: reducedShape(x.shape, dims, true) },
    outputs: { y: { shape: reducedShape(x.shape, dims, keepdim), dtype: x.dtype } },
  }),
  decompose({ x }, { dims, keepdim, kept }) {
    const shape = reducedShape(x.shape, dims, keepdim);
    if (dims.some((dim) => x.shape[dim] === 0)) return log(sum(exp(x), dims, { keepdim }));
    const largest = amax(x, dims, { keepdim: true });
    // An infinite maximum would give NaN by inf - inf.
    const shift = where(isfinite(largest), largest, 0);
    const y = add(log(sum(exp(sub(x, shift)), dims, { keepdim: true })), shift);
    return kept.length === shape.length ? y : reshape(y, shape);
  },
  saves: ['x', 'y'],
  vjp: ({ y: dy }, { x, y }, { kept }) =>
    dy === undefined ? {} : { x: mul(reshape(dy, kept), exp(sub(x, reshape(y, kept)))) },
});

/**
 * `log(sum(exp(x)))` over `dim` or several dims, without overflow.
 *
 * - `x`: any shape; integers are taken as floats
 *
 * @throws {ShapeError} a dim is out of range.
 * @example logsumexp(tensor([0, 0]), 0) // tensor(0.6931)
 */
export const logsumexp = composite(
  'logsumexp',
  (x: Tensor, dim: number | readonly number[], options?: LogsumexpOptions): Tensor => {
    checkTensor('logsumexp', 'x', x);
    checkOptions('logsumexp', options, ['keepdim']);
    const given = isDifferentiable(x.dtype) ? x : cast(x, getDefaultDtype());
    const dims = reducedDims('logsumexp', given, dim);
    return logsumexpOver(given, dims, options?.keepdim ?? false);
  },
);
