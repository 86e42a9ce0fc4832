import type { FunctionTable } from './library.ts';

/** Conversions between stored bits and values, by integer arithmetic: exact, and the same on every adapter. */
export const STORAGE_FUNCTIONS: FunctionTable = {
  // Bits in a call are no constant expression, which may not be infinite or NaN.
  from_bits: { source: 'fn from_bits(bits: u32) -> f32 { return bitcast<f32>(bits); }' },

  decode_float16: {
    source: `
fn decode_float16(bits: u32) -> f32 {
  let sign = (bits & 0x8000u) << 16u;
  let magnitude = bits & 0x7fffu;
  let small = bitcast<u32>(f32(magnitude) * 5.9604644775390625e-8f);
  let rebias = select(0x38000000u, 0x70000000u, magnitude >= 0x7c00u);
  return bitcast<f32>(sign | select((magnitude << 13u) + rebias, small, magnitude < 0x400u));
}`,
  },

  encode_float16: {
    // Halves to even. Below 2^-14 the step is 2^-24, and adding 0.5 in float32 leaves the count of steps in the lowest bits.
    source: `
fn encode_float16(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let sign = (bits >> 16u) & 0x8000u;
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) { return sign | 0x7e00u; }
  if (magnitude >= 0x477ff000u) { return sign | 0x7c00u; }
  if (magnitude < 0x38800000u) { return sign | (bitcast<u32>(bitcast<f32>(magnitude) + 0.5f) - 0x3f000000u); }
  return sign | ((magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13u) & 1u)) >> 13u);
}`,
  },

  decode_bfloat16: { source: 'fn decode_bfloat16(bits: u32) -> f32 { return bitcast<f32>(bits << 16u); }' },

  encode_bfloat16: {
    source: `
fn encode_bfloat16(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) { return ((bits >> 16u) & 0x8000u) | 0x7fc0u; }
  return (bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u;
}`,
  },

  round_float16: {
    source: 'fn round_float16(x: f32) -> f32 { return decode_float16(encode_float16(x)); }',
    needs: ['decode_float16', 'encode_float16'],
  },
  round_bfloat16: {
    source: 'fn round_bfloat16(x: f32) -> f32 { return decode_bfloat16(encode_bfloat16(x)); }',
    needs: ['decode_bfloat16', 'encode_bfloat16'],
  },
};
