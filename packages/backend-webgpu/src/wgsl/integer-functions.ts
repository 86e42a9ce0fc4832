import type { FunctionTable } from './library.ts';

/** Functions of i32 and u32 with more to them than an operator of WGSL. Dividing by zero gives the dividend, as WGSL has it. */
export const INTEGER_FUNCTIONS: FunctionTable = {
  int_floor_div: {
    source: `
fn int_floor_div(a: i32, b: i32) -> i32 {
  let q = a / b;
  let r = a % b;
  return select(q, q - 1, r != 0 && (r < 0) != (b < 0));
}`,
  },
  int_mod: {
    source: `
fn int_mod(a: i32, b: i32) -> i32 {
  let r = a % b;
  return select(r, r + b, r != 0 && (r < 0) != (b < 0));
}`,
  },
  /** Modulo 2^32; a negative exponent gives the truncated reciprocal. */
  int_pow: {
    source: `
fn int_pow(base: i32, exponent: i32) -> i32 {
  if (exponent < 0) {
    if (base == 1) { return 1; }
    if (base == -1) { return select(-1, 1, (exponent & 1) == 0); }
    return 0;
  }
  var result = 1;
  var factor = base;
  var rest = u32(exponent);
  while (rest > 0u) {
    if ((rest & 1u) == 1u) { result *= factor; }
    factor *= factor;
    rest = rest >> 1u;
  }
  return result;
}`,
  },
  int_shift_left: {
    source:
      'fn int_shift_left(a: i32, n: i32) -> i32 { return select(0, a << u32(n & 31), n >= 0 && n < 32); }',
  },
  int_shift_right: {
    source:
      'fn int_shift_right(a: i32, n: i32) -> i32 { return a >> select(31u, u32(n & 31), n >= 0 && n < 32); }',
  },
  uint_shift_left: {
    source: 'fn uint_shift_left(a: u32, n: u32) -> u32 { return select(0u, a << (n & 31u), n < 32u); }',
  },
  uint_shift_right: {
    source: 'fn uint_shift_right(a: u32, n: u32) -> u32 { return select(0u, a >> (n & 31u), n < 32u); }',
  },
  /** The upper half of a 64-bit product. */
  mul_high: {
    source: `
fn mul_high(a: u32, b: u32) -> u32 {
  let al = a & 0xffffu;
  let ah = a >> 16u;
  let bl = b & 0xffffu;
  let bh = b >> 16u;
  let cross = ah * bl;
  let middle = al * bh + ((al * bl) >> 16u) + (cross & 0xffffu);
  return ah * bh + (cross >> 16u) + (middle >> 16u);
}`,
  },
};
