/**
 * float16 and bfloat16 as bits in a Uint16Array. Conversions go through float32, as in PyTorch, and round to the
 * nearest, halves to even.
 */

const floatScratch = new Float32Array(1);
const bitScratch = new Uint32Array(floatScratch.buffer);

let float16Table: Float32Array | null = null;

/** The values of all 65,536 float16 patterns: reading one is one load. Made when first asked for. */
export function float16Values(): Float32Array {
  if (float16Table === null) {
    float16Table = new Float32Array(65536);
    for (let bits = 0; bits < 65536; bits++) float16Table[bits] = decodeFloat16(bits);
  }
  return float16Table;
}

function decodeFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The number that a float16 pattern stands for. */
export const fromFloat16 = (bits: number): number => float16Values()[bits]!;

/** The float16 pattern nearest to a number. */
export function toFloat16(value: number): number {
  floatScratch[0] = value;
  const bits = bitScratch[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // From 65520 on the nearest is infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000)
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1)) >> 13);
  // Below 2^-14, adding 0.5 in float32 leaves the count of 2^-24 in the lowest bits, rounded as wanted.
  floatScratch[0] = Math.abs(floatScratch[0]!) + 0.5;
  return sign | (bitScratch[0]! - 0x3f000000);
}

/** The number that a bfloat16 pattern stands for. */
export function fromBfloat16(bits: number): number {
  bitScratch[0] = bits << 16;
  return floatScratch[0]!;
}

/** The bfloat16 pattern nearest to a number. */
export function toBfloat16(value: number): number {
  floatScratch[0] = value;
  const bits = bitScratch[0]!;
  if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) & 0x8000) | 0x7fc0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

export const roundFloat16 = (value: number): number => fromFloat16(toFloat16(value));
export const roundBfloat16 = (value: number): number => fromBfloat16(toBfloat16(value));
