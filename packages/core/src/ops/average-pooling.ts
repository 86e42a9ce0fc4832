import { composite, type Declared } from '../dispatch/declare.ts';
import { PointwiseOp } from '../dispatch/pointwise.ts';
import { isFloating } from '../dtype.ts';
import { type Expr, index } from '../expr/expr.ts';
import type { Tensor } from '../graph/tensor.ts';
import { expand, sum } from './broadcast.ts';
import { axes, numbered, type Pool, UNSET, unset } from './pooling.ts';
import { reshape } from './reshape.ts';
import { overlapAdd, padForWindows, windowsOf } from './windows.ts';

/** How many elements a window's sum is divided by, along one dimension; `include` counts padding too. */
function countAlong(i: number, p: Readonly<Record<string, Expr>>): Expr {
  const [kernel, stride, padding, size] = ['kernel', 'stride', 'padding', 'size'].map(
    (name) => p[`${name}${i}`]!,
  ) as [Expr, Expr, Expr, Expr];
  const begin = index(i + 2)
    .mul(stride)
    .sub(padding);
  const end = begin.add(kernel).min(size.add(padding));
  const include = p.include!.ne(0);
  return include.select(end, end.min(size)).sub(include.select(begin, begin.max(0)));
}

const dividers = [false, true].map((floating) =>
  [1, 2, 3].map(
    (rank) =>
      new PointwiseOp(
        'avgPoolDivide',
        1,
        ([x], p) => {
          const counted = axes(rank)
            .map((i) => countAlong(i, p))
            .reduce((product, count) => product.mul(count));
          const divisor = p.divisor!.ne(0).select(p.divisor!, counted);
          return floating ? x!.div(divisor) : x!.truncDiv(divisor);
        },
        { params: { ...unset(rank, 'kernel', 'stride', 'padding', 'size'), include: UNSET, divisor: UNSET } },
      ),
  ),
);

export interface AveragePool extends Pool {
  /** Whether padding counts as elements. */
  readonly include: boolean;
  /** What every sum is divided by; 0 for the number of elements. */
  readonly divisor: number;
}

function divide(x: Tensor, { kernel, stride, padding, size, include, divisor }: AveragePool): Tensor {
  const op = dividers[isFloating(x.dtype) ? 1 : 0]![kernel.length - 1]!;
  return op.call([x], { ...numbered({ kernel, stride, padding, size }), include: Number(include), divisor });
}

/**
 * The gradient of `avgPool`: each element gets its share of those of the windows that cover it. Fused kernels come under
 * this name.
 *
 * - `dy`: `[batch, channels, ...output]`
 * - returns: `[batch, channels, ...size]`
 */
const avgPoolBackward: ((dy: Tensor, pool: AveragePool) => Tensor) & Declared = composite('avgPoolBackward', {
  infer: (dy: Tensor, pool: AveragePool) => ({
    inputs: { dy },
    attrs: pool,
    outputs: { dx: { shape: [...dy.shape.slice(0, 2), ...pool.size], dtype: dy.dtype } },
  }),
  decompose({ dy }, pool) {
    const lead = dy.shape.slice(0, 2);
    const share = reshape(divide(dy, pool), [...lead, ...pool.kernel.map(() => 1), ...pool.output]);
    return overlapAdd(expand(share, [...lead, ...pool.kernel, ...pool.output]), pool.size, pool);
  },
  vjp: ({ dx: ddx }, _saved, pool) => ({ dy: ddx && avgPool(ddx, pool) }),
});

/** Pools of means. Fused kernels come under this name. */
export const avgPool: ((x: Tensor, pool: AveragePool) => Tensor) & Declared = composite('avgPool', {
  infer: (x: Tensor, pool: AveragePool) => ({
    inputs: { x },
    attrs: pool,
    outputs: { y: { shape: [...x.shape.slice(0, 2), ...pool.output], dtype: x.dtype } },
  }),
  decompose({ x }, pool) {
    const view = windowsOf(padForWindows(x, pool, 0), pool);
    return divide(
      sum(
        view,
        axes(pool.kernel.length).map((i) => i + 2),
        { dtype: x.dtype },
      ),
      pool,
    );
  },
  vjp: ({ y: dy }, _saved, pool) => ({ x: dy && avgPoolBackward(dy, pool) }),
});
