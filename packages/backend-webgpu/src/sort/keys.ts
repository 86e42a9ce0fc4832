import type { DType } from '@flambeau/core/backend';

/**
 * `fn key(bits: u32) -> u32`: an element's bits as an unsigned integer that sorts the same way; NaN above all,
 * zeros of both signs equal.
 */
export function keySource(dtype: DType): string {
  return `fn key(bits: u32) -> u32 {
  ${body(dtype)}
}`;
}

function body(dtype: DType): string {
  switch (dtype) {
    case 'float32':
      return floating('0x7fffffffu', '0x7f800000u', '0x80000000u', '0xffffffffu');
    case 'float16':
      return floating('0x7fffu', '0x7c00u', '0x8000u', '0xffffu');
    case 'bfloat16':
      return floating('0x7fffu', '0x7f80u', '0x8000u', '0xffffu');
    case 'int32':
      return 'return bits ^ 0x80000000u;';
    case 'int16':
      return 'return bits ^ 0x8000u;';
    case 'int8':
      return 'return bits ^ 0x80u;';
    case 'uint8':
    case 'bool':
      return 'return bits;';
    default:
      throw new RangeError(`${dtype} has no place in a shader`);
  }
}

/** Negative floats are turned round, positive ones put above them. */
const floating = (magnitudes: string, infinity: string, sign: string, all: string): string =>
  `let magnitude = bits & ${magnitudes};
  if (magnitude > ${infinity}) { return ${all}; }
  if (magnitude == 0u) { return ${sign}; }
  return select(${all} - bits, bits + ${sign}, bits == magnitude);`;
