import type { DType } from '@flambeau/core/backend';

/**
 * How elements lie in a storage buffer of 32-bit words, and what they are in a shader: float16 and bfloat16 two to a
 * word, int8, uint8 and bool four, each in order from the low bits. Floats compute as f32, integers and truths as
 * i32. All conversions are by integer arithmetic, so that they are exact and the same on every adapter.
 */

/** Bits of an element in memory. */
export type Width = 8 | 16 | 32;

/** The type in which a shader computes with an element. */
export type ValueType = 'f32' | 'i32';

interface Element {
  readonly width: Width;
  readonly value: ValueType;
  /** The function from bits to the value, and back with rounding or wrapping. */
  readonly decode: string;
  readonly encode: string;
}

const FLOAT32: Element = {
  width: 32,
  value: 'f32',
  decode: 'fn decode(bits: u32) -> f32 { return bitcast<f32>(bits); }',
  encode: 'fn encode(x: f32) -> u32 { return bitcast<u32>(x); }',
};

const FLOAT16: Element = {
  width: 16,
  value: 'f32',
  decode: `fn decode(bits: u32) -> f32 {
  let sign = (bits & 0x8000u) << 16u;
  let magnitude = bits & 0x7fffu;
  if (magnitude < 0x400u) { return bitcast<f32>(sign | bitcast<u32>(f32(magnitude) * 5.9604644775390625e-8)); }
  let rebias = select(0x38000000u, 0x70000000u, magnitude >= 0x7c00u);
  return bitcast<f32>(sign | ((magnitude << 13u) + rebias));
}`,
  // Ties go to the even pattern; below 2^-14 the step is 2^-24.
  encode: `fn encode(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let sign = (bits >> 16u) & 0x8000u;
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) { return sign | 0x7e00u; }
  if (magnitude >= 0x477ff000u) { return sign | 0x7c00u; }
  if (magnitude >= 0x38800000u) {
    let rebased = magnitude - 0x38000000u;
    return sign | ((rebased + 0xfffu + ((rebased >> 13u) & 1u)) >> 13u);
  }
  if (magnitude <= 0x33000000u) { return sign; }
  let shift = 126u - (magnitude >> 23u);
  let fraction = (magnitude & 0x7fffffu) | 0x800000u;
  let whole = fraction >> shift;
  let half = 1u << (shift - 1u);
  let rest = fraction & ((1u << shift) - 1u);
  return sign | (whole + select(0u, 1u, rest > half || (rest == half && (whole & 1u) == 1u)));
}`,
};

const BFLOAT16: Element = {
  width: 16,
  value: 'f32',
  decode: 'fn decode(bits: u32) -> f32 { return bitcast<f32>(bits << 16u); }',
  encode: `fn encode(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) { return ((bits >> 16u) & 0x8000u) | 0x7fc0u; }
  return (bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u;
}`,
};

const integer = (width: Width, signed: boolean): Element => ({
  width,
  value: 'i32',
  decode:
    width === 32
      ? 'fn decode(bits: u32) -> i32 { return bitcast<i32>(bits); }'
      : signed
        ? `fn decode(bits: u32) -> i32 { return bitcast<i32>(bits << ${32 - width}u) >> ${32 - width}u; }`
        : 'fn decode(bits: u32) -> i32 { return bitcast<i32>(bits); }',
  encode:
    width === 32
      ? 'fn encode(x: i32) -> u32 { return bitcast<u32>(x); }'
      : `fn encode(x: i32) -> u32 { return bitcast<u32>(x) & ${width === 8 ? '0xffu' : '0xffffu'}; }`,
});

const BOOL: Element = {
  width: 8,
  value: 'i32',
  decode: 'fn decode(bits: u32) -> i32 { return select(0, 1, bits != 0u); }',
  encode: 'fn encode(x: i32) -> u32 { return select(0u, 1u, x != 0); }',
};

const ELEMENTS: Partial<Record<DType, Element>> = {
  float32: FLOAT32,
  float16: FLOAT16,
  bfloat16: BFLOAT16,
  int32: integer(32, true),
  int16: integer(16, true),
  int8: integer(8, true),
  uint8: integer(8, false),
  bool: BOOL,
};

/** What an element of `dtype` is. Core lets no other dtype through: `limits.dtypes` refuses them by name. */
export function elementOf(dtype: DType): Element {
  const element = ELEMENTS[dtype];
  if (element === undefined) throw new RangeError(`${dtype} has no place in a shader`);
  return element;
}

/** `fn load_NAME(i: u32) -> u32`: the bits of element `i` of the buffer NAME. */
export function loadBits(name: string, width: Width): string {
  const word = {
    8: `(${name}[i >> 2u] >> ((i & 3u) * 8u)) & 0xffu`,
    16: `(${name}[i >> 1u] >> ((i & 1u) * 16u)) & 0xffffu`,
    32: `${name}[i]`,
  }[width];
  return `fn load_${name}(i: u32) -> u32 { return ${word}; }`;
}

/** The type in which a buffer is declared that `storeBits` writes: neighbours in one word are written at the same time. */
export const storeType = (width: Width): string => (width === 32 ? 'array<u32>' : 'array<atomic<u32>>');

/**
 * `fn store_NAME(i: u32, bits: u32)`: writes element `i` of the buffer NAME. Several invocations may write into one
 * word, but no two of them the same element.
 */
export function storeBits(name: string, width: Width): string {
  if (width === 32) return `fn store_${name}(i: u32, bits: u32) { ${name}[i] = bits; }`;
  const [log, last, mask] = width === 16 ? [1, 1, '0xffffu'] : [2, 3, '0xffu'];
  return `fn store_${name}(i: u32, bits: u32) {
  let shift = (i & ${last}u) * ${width}u;
  atomicAnd(&${name}[i >> ${log}u], ~(${mask} << shift));
  atomicOr(&${name}[i >> ${log}u], bits << shift);
}`;
}

/** Whether an f32 is NaN, which compilers may assume away unless its bits are asked. */
export const IS_NAN = 'fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }';
