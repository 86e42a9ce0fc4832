import type { FunctionTable } from './library.ts';

/**
 * Functions of float32. WGSL leaves their accuracy to the device (a sine may be off by 2^-11) and lets compilers assume
 * that there is no NaN and no infinity. So they are written out here: polynomials of float32 accuracy, edges by bit
 * tests. What the tests see on one adapter is what every adapter computes.
 */
export const FLOAT_FUNCTIONS: FunctionTable = {
  is_nan: { source: 'fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }' },
  is_inf: { source: 'fn is_inf(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u; }' },
  /** Neither is NaN. */
  ordered: {
    source: `
fn ordered(a: f32, b: f32) -> bool {
  return max(bitcast<u32>(a) & 0x7fffffffu, bitcast<u32>(b) & 0x7fffffffu) <= 0x7f800000u;
}`,
  },
  float_eq: {
    source: 'fn float_eq(a: f32, b: f32) -> bool { return a == b && ordered(a, b); }',
    needs: ['ordered'],
  },
  float_ne: {
    source: 'fn float_ne(a: f32, b: f32) -> bool { return a != b || !ordered(a, b); }',
    needs: ['ordered'],
  },
  float_lt: {
    source: 'fn float_lt(a: f32, b: f32) -> bool { return a < b && ordered(a, b); }',
    needs: ['ordered'],
  },
  float_le: {
    source: 'fn float_le(a: f32, b: f32) -> bool { return a <= b && ordered(a, b); }',
    needs: ['ordered'],
  },
  float_max: {
    source: `
fn float_max(a: f32, b: f32) -> f32 {
  return select(select(max(a, b), b, is_nan(b)), a, is_nan(a));
}`,
    needs: ['is_nan'],
  },
  float_min: {
    source: `
fn float_min(a: f32, b: f32) -> f32 {
  return select(select(min(a, b), b, is_nan(b)), a, is_nan(a));
}`,
    needs: ['is_nan'],
  },
  float_sign: {
    source: 'fn float_sign(x: f32) -> f32 { return select(select(0f, -1f, x < 0f), 1f, x > 0f); }',
  },

  float_sqrt: {
    source: `
fn float_sqrt(x: f32) -> f32 {
  if (is_nan(x) || x == 0f || bitcast<u32>(x) == 0x7f800000u) { return x; }
  if (x < 0f) { return from_bits(0x7fc00000u); }
  return sqrt(x);
}`,
    needs: ['is_nan', 'from_bits'],
  },

  /** 2^n for -126 <= n <= 127. */
  power_of_two: { source: 'fn power_of_two(n: i32) -> f32 { return bitcast<f32>(u32(n + 127) << 23u); }' },
  /** y * 2^n for y near 1, also where 2^n itself has no float32. */
  scale: {
    source: `
fn scale(y: f32, n: i32) -> f32 {
  let half = n >> 1u;
  return y * power_of_two(half) * power_of_two(n - half);
}`,
    needs: ['power_of_two'],
  },
  /** exp for |r| <= ln(2)/2. */
  exp_near_zero: {
    source: `
fn exp_near_zero(r: f32) -> f32 {
  var p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return p * (r * r) + r + 1f;
}`,
  },
  float_exp: {
    source: `
fn float_exp(x: f32) -> f32 {
  let c = clamp(x, -104f, 89f);
  let n = round(c * 1.44269504088896341f);
  let r = (c - n * 0.693359375f) + n * 2.12194440e-4f;
  let y = scale(exp_near_zero(r), i32(n));
  let bounded = select(select(y, 0f, x < -103.98f), from_bits(0x7f800000u), x > 88.722839f);
  return select(bounded, x, is_nan(x));
}`,
    needs: ['scale', 'exp_near_zero', 'is_nan', 'from_bits'],
  },
  float_exp2: {
    source: `
fn float_exp2(x: f32) -> f32 {
  let c = clamp(x, -151f, 129f);
  let n = round(c);
  let y = scale(exp_near_zero((c - n) * 0.693147180559945f), i32(n));
  let bounded = select(select(y, 0f, x < -150f), from_bits(0x7f800000u), x >= 128f);
  return select(bounded, x, is_nan(x));
}`,
    needs: ['scale', 'exp_near_zero', 'is_nan', 'from_bits'],
  },
  float_expm1: {
    source: `
fn float_expm1(x: f32) -> f32 {
  if (abs(x) >= 0.5f || is_nan(x)) { return float_exp(x) - 1f; }
  var p = 2.4801587e-5f;
  p = p * x + 1.9841270e-4f;
  p = p * x + 1.3888889e-3f;
  p = p * x + 8.3333333e-3f;
  p = p * x + 4.1666667e-2f;
  p = p * x + 1.6666667e-1f;
  p = p * x + 0.5f;
  return p * (x * x) + x;
}`,
    needs: ['float_exp', 'is_nan'],
  },

  /** log(1 + z) - z for sqrt(1/2) - 1 <= z <= sqrt(2) - 1. */
  log_near_one: {
    source: `
fn log_near_one(z: f32) -> f32 {
  var p = 7.0376836292e-2f;
  p = p * z - 1.1514610310e-1f;
  p = p * z + 1.1676998740e-1f;
  p = p * z - 1.2420140846e-1f;
  p = p * z + 1.4249322787e-1f;
  p = p * z - 1.6668057665e-1f;
  p = p * z + 2.0000714765e-1f;
  p = p * z - 2.4999993993e-1f;
  p = p * z + 3.3333331174e-1f;
  let zz = z * z;
  return p * z * zz - 0.5f * zz;
}`,
  },
  /** x = (1 + z) * 2^e for positive finite x. */
  split_log: {
    source: `
struct SplitLog { z: f32, e: f32 }
fn split_log(x: f32) -> SplitLog {
  var bits = bitcast<u32>(x);
  var e = -127;
  if (bits < 0x00800000u) {
    bits = bitcast<u32>(f32(bits));
    e = -276;
  }
  e += i32(bits >> 23u);
  var m = bitcast<f32>((bits & 0x007fffffu) | 0x3f800000u);
  if (m > 1.41421356f) { m *= 0.5f; e += 1; }
  return SplitLog(m - 1f, f32(e));
}`,
  },
  /** What a logarithm gives where it is not finite; x itself otherwise. */
  log_edges: {
    source: `
fn log_edges(x: f32, y: f32) -> f32 {
  if (is_nan(x) || bitcast<u32>(x) == 0x7f800000u) { return x; }
  if (bitcast<u32>(x) > 0x80000000u) { return from_bits(0x7fc00000u); }
  return select(y, from_bits(0xff800000u), (bitcast<u32>(x) & 0x7fffffffu) == 0u);
}`,
    needs: ['is_nan', 'from_bits'],
  },
  float_log: {
    source: `
fn float_log(x: f32) -> f32 {
  let s = split_log(x);
  return log_edges(x, (s.z + (log_near_one(s.z) - s.e * 2.12194440e-4f)) + s.e * 0.693359375f);
}`,
    needs: ['split_log', 'log_near_one', 'log_edges'],
  },
  float_log2: {
    source: `
fn float_log2(x: f32) -> f32 {
  let s = split_log(x);
  return log_edges(x, (s.z + log_near_one(s.z)) * 1.44269504088896341f + s.e);
}`,
    needs: ['split_log', 'log_near_one', 'log_edges'],
  },
  float_log10: {
    source: `
fn float_log10(x: f32) -> f32 {
  let s = split_log(x);
  return log_edges(x, (s.z + log_near_one(s.z)) * 0.4342944819032518f + s.e * 0.3010299956639812f);
}`,
    needs: ['split_log', 'log_near_one', 'log_edges'],
  },
  float_log1p: {
    source: `
fn float_log1p(x: f32) -> f32 {
  if (x > -0.29f && x < 0.41f) { return x + log_near_one(x); }
  return float_log(1f + x);
}`,
    needs: ['float_log', 'log_near_one'],
  },

  /** m^b for positive finite m other than 1 and finite b: the exponents are multiplied exactly. */
  positive_pow: {
    source: `
fn positive_pow(m: f32, b: f32) -> f32 {
  let s = split_log(m);
  let f = (s.z + log_near_one(s.z)) * 1.44269504088896341f;
  let high = b * s.e;
  let low = fma(b, s.e, -high) + b * f;
  let y = high + low;
  if (y >= 128f) { return from_bits(0x7f800000u); }
  if (y < -150f) { return 0f; }
  let n = round(y);
  return scale(exp_near_zero(((high - n) + low) * 0.693147180559945f), i32(n));
}`,
    needs: ['split_log', 'log_near_one', 'exp_near_zero', 'scale', 'from_bits'],
  },
  float_pow: {
    source: `
fn float_pow(a: f32, b: f32) -> f32 {
  if (b == 0f || a == 1f) { return 1f; }
  if (is_nan(a) || is_nan(b)) { return from_bits(0x7fc00000u); }
  if (b == 2f) { return a * a; }
  let m = abs(a);
  let endless = is_inf(b);
  let whole = endless || floor(b) == b;
  let odd = !endless && whole && abs(b) < 16777216f && (i32(b) & 1) != 0;
  if (a < 0f && !whole) { return from_bits(0x7fc00000u); }
  let infinity = from_bits(0x7f800000u);
  var y = 1f;
  if (m == 0f) { y = select(infinity, 0f, b > 0f); }
  else if (is_inf(m)) { y = select(0f, infinity, b > 0f); }
  else if (m != 1f) {
    if (endless) { y = select(0f, infinity, (m > 1f) == (b > 0f)); }
    else { y = positive_pow(m, b); }
  }
  return select(y, -y, odd && bitcast<u32>(a) >= 0x80000000u);
}`,
    needs: ['is_nan', 'is_inf', 'from_bits', 'positive_pow'],
  },

  /** C's fmod, exact: long division of the significands, eight bits at a time. */
  float_rem: {
    source: `
fn float_rem(a: f32, b: f32) -> f32 {
  let ua = bitcast<u32>(a) & 0x7fffffffu;
  let ub = bitcast<u32>(b) & 0x7fffffffu;
  if (ua >= 0x7f800000u || ub == 0u || ub > 0x7f800000u) { return from_bits(0x7fc00000u); }
  if (ua < ub) { return a; }
  let ea = max(ua >> 23u, 1u);
  let eb = max(ub >> 23u, 1u);
  let ma = (ua & 0x007fffffu) | select(0u, 0x00800000u, ua >= 0x00800000u);
  let mb = (ub & 0x007fffffu) | select(0u, 0x00800000u, ub >= 0x00800000u);
  var r = ma % mb;
  var left = ea - eb;
  while (left > 0u && r != 0u) {
    let bits = min(left, 8u);
    r = (r << bits) % mb;
    left -= bits;
  }
  var bits = 0u;
  if (r != 0u) {
    let shift = countLeadingZeros(r) - 8u;
    bits = select(r << (eb - 1u), (((eb - shift) << 23u) | ((r << shift) & 0x007fffffu)), shift < eb);
  }
  return bitcast<f32>(bits | (bitcast<u32>(a) & 0x80000000u));
}`,
    needs: ['from_bits'],
  },
  float_mod: {
    source: `
fn float_mod(a: f32, b: f32) -> f32 {
  let r = float_rem(a, b);
  return select(r, r + b, r != 0f && (b < 0f) != (r < 0f));
}`,
    needs: ['float_rem'],
  },
  /** Python's //, in the form that PyTorch uses: the quotient of what the remainder leaves, rounded once. */
  float_floor_div: {
    source: `
fn float_floor_div(a: f32, b: f32) -> f32 {
  if (b == 0f) { return a / b; }
  let remainder = float_rem(a, b);
  var quotient = (a - remainder) / b;
  if (remainder != 0f && (b < 0f) != (remainder < 0f)) { quotient -= 1f; }
  if (quotient == 0f) { return bitcast<f32>((bitcast<u32>(a) ^ bitcast<u32>(b)) & 0x80000000u); }
  let below = floor(quotient);
  return select(below, below + 1f, quotient - below > 0.5f);
}`,
    needs: ['float_rem'],
  },
  /**
   * The quotient without its fraction. A quotient that is whole stays so where division is not exact: the product of
   * halves of 12 bits is exact on every device, which `fma` need not be.
   */
  float_trunc_div: {
    source: `
fn float_trunc_div(a: f32, b: f32) -> f32 {
  let q = a / b;
  let near = round(q);
  let near_high = upper_half(near);
  let high = upper_half(b);
  let near_low = near - near_high;
  let low = b - high;
  let left = ((a - near_high * high) - near_high * low - near_low * high) - near_low * low;
  return select(trunc(q), near, left == 0f);
}
fn upper_half(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u); }`,
  },

  float_to_int: {
    source: `
fn float_to_int(x: f32) -> i32 {
  return select(i32(clamp(x, -2147483648f, 2147483520f)), 0, is_nan(x));
}`,
    needs: ['is_nan'],
  },
  float_to_uint: {
    source: `
fn float_to_uint(x: f32) -> u32 {
  if (x < 0f) { return bitcast<u32>(float_to_int(x)); }
  return select(u32(min(x, 4294967040f)), 0u, is_nan(x));
}`,
    needs: ['float_to_int', 'is_nan'],
  },
  float_logaddexp: {
    source: `
fn float_logaddexp(a: f32, b: f32) -> f32 {
  if (a == b && !is_nan(a)) { return a + 0.693147180559945f; }
  return float_max(a, b) + float_log1p(float_exp(-abs(a - b)));
}`,
    needs: ['is_nan', 'float_max', 'float_log1p', 'float_exp'],
  },
};
