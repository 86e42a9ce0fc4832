import type { ScalarType } from '@flambeau/core/backend';
import type { Library } from './library.ts';
import { valueTypeOf } from './types.ts';

const SMALLEST_NORMAL = 2 ** -126;

const floatScratch = new Float32Array(1);
const bitScratch = new Uint32Array(floatScratch.buffer);

/** The bits of a number as float32. */
export function floatBits(value: number): number {
  floatScratch[0] = value;
  return bitScratch[0]!;
}

/** A float32. What is no constant expression in WGSL is made of its bits. */
export function floatLiteral(value: number, library: Library): string {
  const single = Math.fround(value);
  const plain = Number.isFinite(single) && (Math.abs(single) >= SMALLEST_NORMAL || Object.is(single, 0));
  if (!plain) return library.call('from_bits', `0x${floatBits(single).toString(16)}u`);
  return single < 0 ? `(${single}f)` : `${single}f`;
}

/** A literal in the type of its step. */
export function literalSource(type: ScalarType, value: number | boolean, library: Library): string {
  const number = Number(value);
  switch (valueTypeOf(type)) {
    case 'bool':
      return String(number !== 0);
    case 'u32':
      return `${number >>> 0}u`;
    case 'i32':
      return `i32(${wrapped(type, number)})`;
    case 'f32':
      return type === 'float32'
        ? floatLiteral(number, library)
        : library.call(`round_${type}`, floatLiteral(number, library));
  }
}

function wrapped(type: ScalarType, value: number): number {
  switch (type) {
    case 'int8':
      return (value << 24) >> 24;
    case 'int16':
      return (value << 16) >> 16;
    case 'uint8':
      return value & 255;
    default:
      return value | 0;
  }
}
