import type { DType, ScalarType } from '@flambeau/core/backend';
import type { Preamble } from './preamble.ts';

/** How a value of a scalar type is computed with: halves in float, narrow integers in int, wrapped after each step. */
export type Representation = 'float' | 'double' | 'int' | 'uint32' | 'int64' | 'bool';

export function representationOf(type: ScalarType): Representation {
  switch (type) {
    case 'float16':
    case 'bfloat16':
    case 'float32':
    case 'complex64':
      return 'float';
    case 'float64':
      return 'double';
    case 'int8':
    case 'int16':
    case 'int32':
    case 'uint8':
      return 'int';
    case 'uint32':
      return 'uint32';
    case 'int64':
      return 'int64';
    case 'bool':
      return 'bool';
  }
}

const VALUE: Readonly<Record<Representation, string>> = {
  float: 'float',
  double: 'double',
  int: 'int',
  uint32: 'unsigned',
  int64: 'long long',
  bool: 'bool',
};

/** The C type in which a value is computed. */
export const valueType = (type: ScalarType): string => VALUE[representationOf(type)];

const STORED: Readonly<Record<DType, string>> = {
  float32: 'float',
  float64: 'double',
  float16: 'unsigned short',
  bfloat16: 'unsigned short',
  int64: 'long long',
  int32: 'int',
  int16: 'short',
  int8: 'signed char',
  uint8: 'unsigned char',
  bool: 'unsigned char',
  complex64: 'float2',
};

/** The C type in which an element lies in memory. */
export const storedType = (dtype: DType): string => STORED[dtype];

/** An element as it lies in memory, as the value that it stands for. */
export function loaded(preamble: Preamble, dtype: DType, element: string): string {
  switch (dtype) {
    case 'float16':
      return preamble.call('halfToFloat', element);
    case 'bfloat16':
      return preamble.call('bfloatToFloat', element);
    case 'bool':
      return `(${element} != 0)`;
    case 'int16':
    case 'int8':
    case 'uint8':
      return `(int)${element}`;
    default:
      return element;
  }
}

/** A value as it is stored for a dtype. */
export function stored(preamble: Preamble, dtype: DType, value: string): string {
  switch (dtype) {
    case 'float16':
      return preamble.call('floatToHalf', value);
    case 'bfloat16':
      return preamble.call('floatToBfloat', value);
    case 'bool':
      return `(unsigned char)((${value}) ? 1 : 0)`;
    case 'int16':
    case 'int8':
    case 'uint8':
      return `(${STORED[dtype]})(${value})`;
    default:
      return value;
  }
}

/** Cuts an int's value to a narrower type, as C wraps it. */
export function wrapped(type: ScalarType, text: string): string {
  switch (type) {
    case 'int8':
      return `(int)(signed char)(${text})`;
    case 'int16':
      return `(int)(short)(${text})`;
    case 'uint8':
      return `(int)(unsigned char)(${text})`;
    case 'uint32':
      return `(unsigned)(${text})`;
    default:
      return `(int)(${text})`;
  }
}
