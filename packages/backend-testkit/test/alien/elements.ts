import { BackendError, type DType } from '@flambeau/core/backend';

/** A value while it is computed with: int64 as a bigint, bool as a truth, all else as a number. */
export type Value = number | bigint | boolean;

/** The elements of a block of memory in one dtype. */
export interface Elements {
  readonly length: number;
  get(at: number): Value;
  set(at: number, value: Value): void;
}

type NumberArray = Float32Array | Float64Array | Int32Array | Int16Array | Int8Array | Uint8Array;

export function elementsOf(bytes: Uint8Array, dtype: DType): Elements {
  const { buffer } = bytes;
  switch (dtype) {
    case 'float32':
      return numbers(new Float32Array(buffer));
    case 'float64':
      return numbers(new Float64Array(buffer));
    case 'int32':
      return numbers(new Int32Array(buffer));
    case 'int16':
      return numbers(new Int16Array(buffer));
    case 'int8':
      return numbers(new Int8Array(buffer));
    case 'uint8':
      return numbers(bytes);
    case 'float16':
      return halves(new Uint16Array(buffer), decodeFloat16, encodeFloat16);
    case 'bfloat16':
      return halves(new Uint16Array(buffer), decodeBfloat16, encodeBfloat16);
    case 'int64': {
      const array = new BigInt64Array(buffer);
      return {
        length: array.length,
        get: (at) => array[at]!,
        set: (at, value) => {
          array[at] = BigInt(value);
        },
      };
    }
    case 'bool':
      return {
        length: bytes.length,
        get: (at) => bytes[at] !== 0,
        set: (at, value) => {
          bytes[at] = value ? 1 : 0;
        },
      };
    case 'complex64':
      throw new BackendError('alien: complex64 reached a backend; core lowers it to pairs of float32');
  }
}

function numbers(array: NumberArray): Elements {
  return {
    length: array.length,
    get: (at) => array[at]!,
    set: (at, value) => {
      array[at] = Number(value);
    },
  };
}

function halves(
  array: Uint16Array,
  decode: (bits: number) => number,
  encode: (value: number) => number,
): Elements {
  return {
    length: array.length,
    get: (at) => decode(array[at]!),
    set: (at, value) => {
      array[at] = encode(Number(value));
    },
  };
}

function decodeFloat16(bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

function encodeFloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(Math.fround(value));
  if (magnitude >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude)));
  // A fraction that rounds up to the next power of two carries into the exponent by itself.
  const fraction = roundEven(magnitude / 2 ** (exponent - 10));
  return sign | (fraction + (exponent + 14) * 1024);
}

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

function decodeBfloat16(bits: number): number {
  word[0] = bits << 16;
  return float[0]!;
}

function encodeBfloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  float[0] = value;
  return roundEven(word[0]! / 65536) & 0xffff;
}

/** To the nearest integer, halves to even. */
export function roundEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

export const roundFloat16 = (x: number): number => decodeFloat16(encodeFloat16(x));
export const roundBfloat16 = (x: number): number => decodeBfloat16(encodeBfloat16(x));
