import { BACKEND_DTYPES, type DType, isFloating, isInteger } from '@flambeau/core/backend';

/** An element on the host: int64 as a bigint, bool as a boolean, all else as a number. */
export type Value = number | bigint | boolean;

export const FLOATING = BACKEND_DTYPES.filter(isFloating);
export const INTEGERS = BACKEND_DTYPES.filter(isInteger);

/** float16 values by their bits, from the definition of the format. */
export function float16(bits: number): number {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** bfloat16 values by their bits. */
export function bfloat16(bits: number): number {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 7) & 255;
  const fraction = bits & 127;
  if (exponent === 255) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -133 : (128 + fraction) * 2 ** (exponent - 134));
}

/**
 * The pattern nearest to a number, ties to the even pattern, by bisection over the positive ones, which rise with
 * their values. Beyond half the last step lies infinity.
 */
function nearestBits(decode: (bits: number) => number, infinity: number, value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  if (Number.isNaN(value)) return infinity + 1;
  const magnitude = Math.abs(value);
  let low = 0;
  let high = infinity;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (decode(middle) <= magnitude) low = middle;
    else high = middle;
  }
  const below = decode(low);
  // Infinity stands where the next step of the last exponent would.
  const above = high === infinity ? below + (below - decode(low - 1)) : decode(high);
  const [down, up] = [magnitude - below, above - magnitude];
  const nearest =
    magnitude === Number.POSITIVE_INFINITY || up < down || (up === down && high % 2 === 0) ? high : low;
  return sign | nearest;
}

export const float16Bits = (value: number): number => nearestBits(float16, 0x7c00, value);
export const bfloat16Bits = (value: number): number => nearestBits(bfloat16, 0x7f80, value);

/** Elements as a device holds them. */
export function bytesOf(dtype: DType, values: readonly Value[]): Uint8Array {
  const array = ((): ArrayBufferView => {
    switch (dtype) {
      case 'float32':
      case 'complex64':
        return Float32Array.from(values, Number);
      case 'float64':
        return Float64Array.from(values, Number);
      case 'float16':
        return Uint16Array.from(values, (value) => float16Bits(Number(value)));
      case 'bfloat16':
        return Uint16Array.from(values, (value) => bfloat16Bits(Number(value)));
      case 'int64':
        return BigInt64Array.from(values, BigInt);
      case 'int32':
        return Int32Array.from(values, Number);
      case 'int16':
        return Int16Array.from(values, Number);
      case 'int8':
        return Int8Array.from(values, Number);
      case 'uint8':
      case 'bool':
        return Uint8Array.from(values, Number);
    }
  })();
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** The elements that bytes hold. */
export function valuesOf(dtype: DType, bytes: Uint8Array): Value[] {
  const buffer = bytes.slice().buffer;
  switch (dtype) {
    case 'float32':
    case 'complex64':
      return [...new Float32Array(buffer)];
    case 'float64':
      return [...new Float64Array(buffer)];
    case 'float16':
      return Array.from(new Uint16Array(buffer), float16);
    case 'bfloat16':
      return Array.from(new Uint16Array(buffer), bfloat16);
    case 'int64':
      return [...new BigInt64Array(buffer)];
    case 'int32':
      return [...new Int32Array(buffer)];
    case 'int16':
      return [...new Int16Array(buffer)];
    case 'int8':
      return [...new Int8Array(buffer)];
    case 'uint8':
      return [...new Uint8Array(buffer)];
    case 'bool':
      return Array.from(new Uint8Array(buffer), (byte) => byte !== 0);
  }
}
