import type { DType } from '@flambeau/core/backend';
import type { Value } from './support.ts';

/** Two elements as scans and scatters combine them, in the arithmetic of their dtype. */
export function combine(combiner: 'sum' | 'prod' | 'max' | 'min', dtype: DType, a: Value, b: Value): Value {
  if (dtype === 'bool') return combiner === 'sum' || combiner === 'max' ? a || b : a && b;
  if (combiner === 'max') return a > b ? a : b;
  if (combiner === 'min') return a < b ? a : b;
  if (typeof a === 'bigint') return BigInt.asIntN(64, combiner === 'sum' ? a + BigInt(b) : a * BigInt(b));
  const exact = combiner === 'sum' ? Number(a) + Number(b) : Number(a) * Number(b);
  switch (dtype) {
    case 'uint8':
      return exact & 255;
    case 'int8':
      return (exact << 24) >> 24;
    case 'int16':
      return (exact << 16) >> 16;
    case 'int32':
      return exact | 0;
    default:
      return exact;
  }
}
