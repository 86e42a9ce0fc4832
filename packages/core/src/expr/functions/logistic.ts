import { type Expr, literal, scalarFunction } from '../expr.ts';

/** `log(1 + e^x)`, without overflow and exact far below 0. */
export const softplus = scalarFunction(
  'softplus',
  (x: Expr) => x.max(0).add(x.abs().neg().exp().log1p()),
  (dy, [x]) => [dy.mul(x.sigmoid())],
);

/** `x / (1 + e^v)`: `x` times the logistic function of `-v`, by one division. */
export const gatedBelow = scalarFunction(
  'gatedBelow',
  (x: Expr, v: Expr) => x.div(v.exp().add(1)),
  // Where `e^v` overflows, the quotient's own derivative would be infinity over infinity.
  (dy, [x, v]) => {
    const gate = v.neg().sigmoid();
    const dx = dy.mul(gate);
    return [dx, dx.mul(x).mul(gate.sub(literal(1)))];
  },
);
