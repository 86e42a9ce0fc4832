import type { ScalarType } from '@flambeau/core/backend';
import { roundBfloat16, roundFloat16 } from '../half.ts';
import { floatToInt64 } from './arithmetic.ts';
import { representationOf, type Value } from './representation.ts';

/**
 * A literal in the type of its step. A float32 literal is rounded, so that comparing a float32 element with 0.1
 * finds the elements that hold 0.1.
 */
export function literalAs(type: ScalarType, value: number | boolean): Value {
  const number = Number(value);
  switch (representationOf(type)) {
    case 'bool':
      return number !== 0;
    case 'int64':
      return floatToInt64(number);
    case 'uint32':
      return number >>> 0;
    case 'int':
      return type === 'int8'
        ? (number << 24) >> 24
        : type === 'int16'
          ? (number << 16) >> 16
          : type === 'uint8'
            ? number & 255
            : number | 0;
    case 'float':
      if (type === 'float64') return number;
      return type === 'float16'
        ? roundFloat16(number)
        : type === 'bfloat16'
          ? roundBfloat16(number)
          : Math.fround(number);
  }
}
