import { pointwise } from '../dispatch/declare.ts';

const BITS = {
  floating:
    "bits belong to integers and booleans; use logicalAnd and its like, or convert: to({ dtype: 'int32' })",
} as const;
const SHIFTED = { ...BITS, bool: "convert it first: to({ dtype: 'int32' })" } as const;

/** Whether `x` is zero: bool. */
export const logicalNot = pointwise('logicalNot', (x) => x.eq(0));

/** Whether both are other than zero, broadcast: bool. */
export const logicalAnd = pointwise('logicalAnd', (x, y) => x.ne(0).and(y.ne(0)));

/** Whether one is other than zero, or both are, broadcast: bool. */
export const logicalOr = pointwise('logicalOr', (x, y) => x.ne(0).or(y.ne(0)));

/** Whether just one is other than zero, broadcast: bool. */
export const logicalXor = pointwise('logicalXor', (x, y) => x.ne(0).xor(y.ne(0)));

/** Every bit turned; on bool, the inverse. @throws {DTypeError} floating numbers. */
export const bitwiseNot = pointwise('bitwiseNot', (x) => x.bitNot(), { refuse: BITS });

/** The bits that both have, broadcast. @throws {DTypeError} floating numbers. */
export const bitwiseAnd = pointwise('bitwiseAnd', (x, y) => x.bitAnd(y), { refuse: BITS });

/** The bits that one or both have, broadcast. @throws {DTypeError} floating numbers. */
export const bitwiseOr = pointwise('bitwiseOr', (x, y) => x.bitOr(y), { refuse: BITS });

/** The bits that just one has, broadcast. @throws {DTypeError} floating numbers. */
export const bitwiseXor = pointwise('bitwiseXor', (x, y) => x.bitXor(y), { refuse: BITS });

/** The bits of `x` moved up by `y` places, broadcast. @throws {DTypeError} floating numbers and bool. */
export const bitwiseLeftShift = pointwise('bitwiseLeftShift', (x, y) => x.shiftLeft(y), { refuse: SHIFTED });

/** The bits of `x` moved down by `y` places, keeping the sign, broadcast. @throws {DTypeError} floating numbers and bool. */
export const bitwiseRightShift = pointwise('bitwiseRightShift', (x, y) => x.shiftRight(y), {
  refuse: SHIFTED,
});
