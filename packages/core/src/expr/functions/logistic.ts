import { type Expr, scalarFunction } from '../expr.ts';

/** `log(1 + e^x)`, without overflow and exact far below 0. */
export const softplus = scalarFunction(
  'softplus',
  (x: Expr) => x.max(0).add(x.abs().neg().exp().log1p()),
  (dy, [x]) => [dy.mul(x.sigmoid())],
);
