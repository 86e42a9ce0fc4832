import type { FunctionTable } from './library.ts';

/** Trigonometric and hyperbolic functions of float32, as in `float-functions.ts`. */
export const TRIGONOMETRIC_FUNCTIONS: FunctionTable = {
  /** x = q * pi/2 + r with |r| <= pi/4, for |x| of 8192 and more: by 96 bits of 2/pi. */
  reduce_large: {
    source: `
const TWO_OVER_PI = array<u32, 6>(0x28be60dbu, 0x9391054au, 0x7f09d5f4u, 0x7d4d3770u, 0x36d8a566u, 0x4f10e410u);
fn two_over_pi(i: u32) -> u32 { var words = TWO_OVER_PI; return words[min(i, 5u)]; }
fn reduce_large(x: f32) -> Reduced {
  let bits = bitcast<u32>(x);
  let significand = ((bits & 0x007fffffu) | 0x00800000u) << 8u;
  let exponent = ((bits >> 23u) & 0xffu) - 126u;
  let i = exponent >> 5u;
  let e = exponent & 31u;
  var high = 0u;
  if (i > 0u) { high = two_over_pi(i - 1u); }
  var middle = two_over_pi(i);
  var low = two_over_pi(i + 1u);
  if (e > 0u) {
    high = (high << e) | (middle >> (32u - e));
    middle = (middle << e) | (low >> (32u - e));
    low = (low << e) | (two_over_pi(i + 2u) >> (32u - e));
  }
  let carried = mul_high(significand, low);
  let p0 = significand * middle + carried;
  var p1 = mul_high(significand, middle) + select(0u, 1u, p0 < carried) + significand * high;
  var q = p1 >> 30u;
  p1 = p1 & 0x3fffffffu;
  var negative = false;
  var lower = p0;
  if (p1 >= 0x20000000u) {
    negative = true;
    q += 1u;
    lower = ~p0 + 1u;
    p1 = 0x3fffffffu - p1 + select(0u, 1u, p0 == 0u);
  }
  var r = (f32(p1) * 4294967296f + f32(lower)) * 3.4061215800304693e-19f;
  if (negative != (bits >= 0x80000000u)) { r = -r; }
  return Reduced(r, select(q, 0u - q, bits >= 0x80000000u));
}`,
    needs: ['mul_high'],
  },
  reduce_angle: {
    source: `
struct Reduced { r: f32, q: u32 }
fn reduce_angle(x: f32) -> Reduced {
  if (abs(x) >= 8192f) { return reduce_large(x); }
  let n = round(x * 0.636619772367581f);
  let r = ((x - n * 1.5703125f) - n * 4.837512969970703125e-4f) - n * 7.54978995489188216e-8f;
  return Reduced(r, bitcast<u32>(i32(n)));
}`,
    needs: ['reduce_large'],
  },
  /** Sine and cosine for |r| <= pi/4. */
  small_sin: {
    source: `
fn small_sin(r: f32) -> f32 {
  let z = r * r;
  return r + r * z * (-1.6666654611e-1f + z * (8.3321608736e-3f + z * -1.9515295891e-4f));
}`,
  },
  small_cos: {
    source: `
fn small_cos(r: f32) -> f32 {
  let z = r * r;
  return 1f - 0.5f * z + z * z * (4.166664568298827e-2f + z * (-1.388731625493765e-3f + z * 2.443315711809948e-5f));
}`,
  },
  float_sin: {
    source: `
fn float_sin(x: f32) -> f32 {
  if ((bitcast<u32>(x) & 0x7fffffffu) >= 0x7f800000u) { return from_bits(0x7fc00000u); }
  let a = reduce_angle(x);
  let y = select(small_sin(a.r), small_cos(a.r), (a.q & 1u) == 1u);
  return select(y, -y, (a.q & 2u) == 2u);
}`,
    needs: ['reduce_angle', 'small_sin', 'small_cos', 'from_bits'],
  },
  float_cos: {
    source: `
fn float_cos(x: f32) -> f32 {
  if ((bitcast<u32>(x) & 0x7fffffffu) >= 0x7f800000u) { return from_bits(0x7fc00000u); }
  let a = reduce_angle(x);
  let y = select(small_cos(a.r), small_sin(a.r), (a.q & 1u) == 1u);
  return select(y, -y, ((a.q + 1u) & 2u) == 2u);
}`,
    needs: ['reduce_angle', 'small_sin', 'small_cos', 'from_bits'],
  },
  float_tan: {
    source: `
fn float_tan(x: f32) -> f32 {
  if ((bitcast<u32>(x) & 0x7fffffffu) >= 0x7f800000u) { return from_bits(0x7fc00000u); }
  let a = reduce_angle(x);
  let s = small_sin(a.r);
  let c = small_cos(a.r);
  if ((a.q & 1u) == 1u) { return -c / s; }
  return s / c;
}`,
    needs: ['reduce_angle', 'small_sin', 'small_cos', 'from_bits'],
  },

  /** asin for 0 <= x <= 0.5. */
  small_asin: {
    source: `
fn small_asin(x: f32) -> f32 {
  let z = x * x;
  var p = 4.2163199048e-2f;
  p = p * z + 2.4181311049e-2f;
  p = p * z + 4.5470025998e-2f;
  p = p * z + 7.4953002686e-2f;
  p = p * z + 1.6666752422e-1f;
  return p * z * x + x;
}`,
  },
  float_asin: {
    source: `
fn float_asin(x: f32) -> f32 {
  let m = abs(x);
  if (!(m <= 1f) || is_nan(x)) { return from_bits(0x7fc00000u); }
  var y = 0f;
  if (m > 0.5f) { y = 1.57079632679489662f - 2f * small_asin(sqrt(0.5f * (1f - m))); }
  else { y = small_asin(m); }
  return select(y, -y, x < 0f);
}`,
    needs: ['small_asin', 'is_nan', 'from_bits'],
  },
  float_acos: {
    source: `
fn float_acos(x: f32) -> f32 {
  let m = abs(x);
  if (!(m <= 1f) || is_nan(x)) { return from_bits(0x7fc00000u); }
  if (m <= 0.5f) {
    let y = small_asin(m);
    return 1.57079632679489662f - select(y, -y, x < 0f);
  }
  let y = 2f * small_asin(sqrt(0.5f * (1f - m)));
  return select(y, 3.14159265358979324f - y, x < 0f);
}`,
    needs: ['small_asin', 'is_nan', 'from_bits'],
  },
  /** atan for x >= 0. */
  positive_atan: {
    source: `
fn positive_atan(x: f32) -> f32 {
  var t = x;
  var base = 0f;
  if (x > 2.414213562373095f) { t = -1f / x; base = 1.57079632679489662f; }
  else if (x > 0.4142135623730950f) { t = (x - 1f) / (x + 1f); base = 0.785398163397448310f; }
  let z = t * t;
  var p = 8.05374449538e-2f;
  p = p * z - 1.38776856032e-1f;
  p = p * z + 1.99777106478e-1f;
  p = p * z - 3.33329491539e-1f;
  return base + (p * z * t + t);
}`,
  },
  float_atan: {
    source: `
fn float_atan(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (is_inf(x)) { return select(1.57079632679489662f, -1.57079632679489662f, x < 0f); }
  let y = positive_atan(abs(x));
  return select(y, -y, x < 0f);
}`,
    needs: ['positive_atan', 'is_nan', 'is_inf'],
  },
  float_atan2: {
    source: `
fn float_atan2(y: f32, x: f32) -> f32 {
  if (is_nan(x) || is_nan(y)) { return from_bits(0x7fc00000u); }
  let ax = abs(x);
  let ay = abs(y);
  var angle = 0f;
  if (is_inf(ax) && is_inf(ay)) { angle = 0.785398163397448310f; }
  else if (is_inf(ay)) { angle = 1.57079632679489662f; }
  else if (!is_inf(ax) && ay > ax) { angle = 1.57079632679489662f - positive_atan(ax / ay); }
  else if (!is_inf(ax) && ax > 0f) { angle = positive_atan(ay / ax); }
  if (bitcast<u32>(x) >= 0x80000000u) { angle = 3.14159265358979324f - angle; }
  return select(angle, -angle, bitcast<u32>(y) >= 0x80000000u);
}`,
    needs: ['positive_atan', 'is_nan', 'is_inf', 'from_bits'],
  },

  float_sinh: {
    source: `
fn float_sinh(x: f32) -> f32 {
  let m = abs(x);
  if (is_nan(x)) { return x; }
  if (m <= 1f) {
    let z = x * x;
    return ((2.03721912945e-4f * z + 8.33028376239e-3f) * z + 1.66667160211e-1f) * z * x + x;
  }
  var y = 0f;
  if (m > 80f) {
    let root = float_exp(0.5f * m);
    y = (0.5f * root) * root;
  } else {
    let e = float_exp(m);
    y = 0.5f * (e - 1f / e);
  }
  return select(y, -y, x < 0f);
}`,
    needs: ['float_exp', 'is_nan'],
  },
  float_cosh: {
    source: `
fn float_cosh(x: f32) -> f32 {
  let m = abs(x);
  if (m > 80f) {
    let root = float_exp(0.5f * m);
    return (0.5f * root) * root;
  }
  let e = float_exp(m);
  return 0.5f * (e + 1f / e);
}`,
    needs: ['float_exp'],
  },
  float_tanh: {
    source: `
fn float_tanh(x: f32) -> f32 {
  let m = abs(x);
  let z = x * x;
  var p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  let near = p * z * x + x;
  let y = 1f - 2f / (float_exp(2f * min(m, 20f)) + 1f);
  let far = select(y, -y, x < 0f);
  return select(select(far, near, m < 0.625f), x, is_nan(x));
}`,
    needs: ['float_exp', 'is_nan'],
  },
};
