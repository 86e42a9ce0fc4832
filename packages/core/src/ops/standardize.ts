import { composite } from '../dispatch/declare.ts';
import { reducedShape } from '../dispatch/reduction.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, mul, sub } from './arithmetic.ts';
import { expand } from './broadcast.ts';
import { rsqrt, square } from './power.ts';
import { mean } from './reductions.ts';

/**
 * What every normalisation by statistics of its own input does: `y = (x - mean) * rstd` with
 * `rstd = 1 / sqrt(var + eps)` over `dims`. All three are outputs with a gradient, so that the gradient of the
 * gradient follows too.
 */
export const standardize = composite('standardize', {
  infer(x: Tensor, dims: readonly number[], eps: number) {
    const shape = reducedShape(x.shape, dims, true);
    const count = dims.reduce((n, dim) => n * x.shape[dim]!, 1);
    return {
      inputs: { x },
      attrs: { dims, eps, count },
      outputs: {
        y: { shape: x.shape, dtype: x.dtype },
        mean: { shape, dtype: x.dtype },
        rstd: { shape, dtype: x.dtype },
      },
    };
  },
  decompose({ x }, { dims, eps }) {
    const center = mean(x, dims, { keepdim: true });
    const centered = sub(x, center);
    const rstd = rsqrt(add(mean(square(centered), dims, { keepdim: true }), eps));
    return { y: mul(centered, rstd), mean: center, rstd };
  },
  saves: ['y', 'rstd'],
  vjp({ y: dy, mean: dmean, rstd: drstd }, { y, rstd }, { dims, count }) {
    const over = { keepdim: true };
    const terms: Tensor[] = [];
    if (dy !== undefined) {
      const centered = sub(dy, mean(dy, dims, over));
      terms.push(mul(rstd, sub(centered, mul(y, mean(mul(dy, y), dims, over)))));
    }
    if (dmean !== undefined) terms.push(expand(mul(dmean, 1 / count), y.shape));
    if (drstd !== undefined) terms.push(mul(y, mul(mul(drstd, square(rstd)), -1 / count)));
    return terms.length === 0 ? {} : { x: terms.reduce((a, b) => add(a, b)) };
  },
});
