import { pointwise } from '../dispatch/declare.ts';

/**
 * `x + alpha * y`, broadcast.
 *
 * @example add(tensor([1, 2]), 10) // tensor([11., 12.])
 */
export const add = pointwise('add', (x, y, { alpha }) => x.add(y.mul(alpha)), { params: { alpha: 1 } });

/** `x - alpha * y`, broadcast. */
export const sub = pointwise('sub', (x, y, { alpha }) => x.sub(y.mul(alpha)), {
  params: { alpha: 1 },
  refuse: { bool: 'use logicalXor, or logicalNot for the inverse' },
});

/** `y - alpha * x`: `sub` with the operands exchanged. */
export const rsub = pointwise('rsub', (x, y, { alpha }) => y.sub(x.mul(alpha)), {
  params: { alpha: 1 },
  refuse: { bool: 'use logicalXor, or logicalNot for the inverse' },
});

/** `x * y`, broadcast. */
export const mul = pointwise('mul', (x, y) => x.mul(y));

/** `-x`. */
export const neg = pointwise('neg', (x) => x.neg(), { refuse: { bool: 'use logicalNot' } });
