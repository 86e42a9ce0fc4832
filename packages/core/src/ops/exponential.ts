import { choice, use } from '../dispatch/choice.ts';
import { pointwise } from '../dispatch/declare.ts';
import { checkOptions } from '../errors.ts';
import { literal } from '../expr/expr.ts';
import type { Tensor } from '../graph/tensor.ts';

/** `e ^ x`. */
export const exp = pointwise('exp', (x) => x.exp(), { promote: 'float' });

/** `2 ^ x`. */
export const exp2 = pointwise('exp2', (x) => x.exp2(), { promote: 'float' });

/** `e ^ x - 1`, exact for small `x`. */
export const expm1 = pointwise('expm1', (x) => x.expm1(), { promote: 'float' });

/** The natural logarithm; -Infinity at 0, NaN below. */
export const log = pointwise('log', (x) => x.log(), { promote: 'float' });

/** `log(1 + x)`, exact for small `x`. */
export const log1p = pointwise('log1p', (x) => x.log1p(), { promote: 'float' });

/** The logarithm to base 2. */
export const log2 = pointwise('log2', (x) => x.log2(), { promote: 'float' });

/** The logarithm to base 10. */
export const log10 = pointwise('log10', (x) => x.log10(), { promote: 'float' });

/** The logistic function: `1 / (1 + e ^ -x)`. */
export const sigmoid = pointwise('sigmoid', (x) => x.sigmoid(), { promote: 'float' });

/**
 * `x * log(y)`, broadcast, which is 0 where `x` is 0 unless `y` is NaN.
 *
 * @example xlogy(tensor([0, 2]), tensor([0, 1])) // tensor([0., 0.])
 */
export const xlogy = pointwise('xlogy', (x, y) => x.eq(0).and(y.isnan().not()).select(0, x.mul(y.log())), {
  promote: 'float',
  grad: ({ dy, inputs: [x, y] }) => [
    x!
      .eq(0)
      .and(y!.le(0))
      .select(0, dy.eq(0).and(y!.isnan().not()).select(0, dy.mul(y!.log()))),
    dy.mul(x!).div(y!),
  ],
});

/** `x * log(1 + y)`, broadcast, which is 0 where `x` is 0 unless `y` is NaN. */
export const xlog1py = pointwise(
  'xlog1py',
  (x, y) => x.eq(0).and(y.isnan().not()).select(0, x.mul(y.log1p())),
  {
    promote: 'float',
    grad: ({ dy, inputs: [x, y] }) => [
      x!
        .eq(0)
        .and(y!.le(-1))
        .select(0, dy.eq(0).and(y!.isnan().not()).select(0, dy.mul(y!.log1p()))),
      dy.mul(x!).div(y!.add(1)),
    ],
  },
);

const FLOATING_ONLY = {
  bool: "convert it to a floating dtype first: to({ dtype: 'float32' })",
  integer: "convert it to a floating dtype first: to({ dtype: 'float32' })",
} as const;

/**
 * `log(e ^ x + e ^ y)`, broadcast, without overflow.
 *
 * @throws {DTypeError} integers and booleans.
 */
export const logaddexp = pointwise(
  'logaddexp',
  (x, y) => x.eq(y).select(x.add(Math.LN2), x.max(y).add(x.sub(y).abs().neg().exp().log1p())),
  {
    refuse: FLOATING_ONLY,
    grad: ({ dy, inputs: [x, y] }) => [dy.mul(x!.sub(y!).sigmoid()), dy.mul(y!.sub(x!).sigmoid())],
  },
);

/**
 * `log2(2 ^ x + 2 ^ y)`, broadcast, without overflow.
 *
 * @throws {DTypeError} integers and booleans.
 */
export const logaddexp2 = pointwise(
  'logaddexp2',
  (x, y) => x.eq(y).select(x.add(1), x.max(y).add(x.sub(y).abs().neg().exp2().log1p().mul(Math.LOG2E))),
  {
    refuse: FLOATING_ONLY,
    grad: ({ dy, inputs: [x, y] }) => [dy.div(y!.sub(x!).exp2().add(1)), dy.div(x!.sub(y!).exp2().add(1))],
  },
);

/** `x * 2 ^ other`, broadcast. */
export const ldexp = pointwise('ldexp', (x, other) => x.mul(other.exp2()), { promote: 'float' });

const logitOf = pointwise('logit', (x) => x.div(literal(1).sub(x)).log(), {
  promote: 'float',
  grad: ({ dy, x }) =>
    x
      .lt(0)
      .or(x.gt(1))
      .select(Number.NaN, dy.div(x.mul(literal(1).sub(x)))),
});

const logitWithin = pointwise(
  'logit',
  (x, { eps }) => {
    const z = x.lt(eps).select(eps, x.gt(literal(1).sub(eps)).select(literal(1).sub(eps), x));
    return z.div(literal(1).sub(z)).log();
  },
  {
    promote: 'float',
    params: { eps: 0 },
    grad: ({ dy, x, params: { eps } }) =>
      x
        .ge(eps!)
        .and(x.le(literal(1).sub(eps!)))
        .select(dy.div(x.mul(literal(1).sub(x))), 0),
  },
);

export interface LogitOptions {
  /** Cuts `x` to `eps..1 - eps` first. */
  readonly eps?: number | null;
}

/**
 * The inverse of `sigmoid`: `log(x / (1 - x))`; NaN outside 0..1 unless `eps` is given.
 *
 * @example logit(tensor([0.5])) // tensor([0.])
 */
export const logit = choice('logit', (x: Tensor, options?: LogitOptions) => {
  checkOptions('logit', options, ['eps']);
  const eps = options?.eps ?? undefined;
  return eps === undefined ? use(logitOf, x) : use(logitWithin, x, { eps });
});
