import type { BinaryIntrinsic, ReduceCombiner, ScalarType, ScanCombiner } from '@flambeau/core/backend';
import type { Library } from './library.ts';
import { floatLiteral } from './literal.ts';
import { binarySource } from './steps.ts';
import { valueTypeOf } from './types.ts';

type Combiner = ReduceCombiner | ScanCombiner;

/** `any` and `all` combine values that are 0 or 1 of their type. */
const INTRINSIC: Readonly<Record<Exclude<Combiner, 'logaddexp'>, BinaryIntrinsic>> = {
  sum: 'add',
  prod: 'mul',
  max: 'max',
  min: 'min',
  any: 'max',
  all: 'min',
};

/** The combination of two values. */
export function combineSource(
  combiner: Combiner,
  type: ScalarType,
  a: string,
  b: string,
  library: Library,
): string {
  if (combiner === 'logaddexp') return library.call('float_logaddexp', a, b);
  return binarySource(INTRINSIC[combiner], type, a, b, library);
}

/** The value with which a combination begins: it changes nothing. */
export function identitySource(combiner: Combiner, type: ScalarType, library: Library): string {
  const value = valueTypeOf(type);
  switch (combiner) {
    case 'sum':
    case 'any':
      return value === 'bool' ? 'false' : `${value}(0)`;
    case 'prod':
    case 'all':
      return value === 'bool' ? 'true' : `${value}(1)`;
    case 'max':
    case 'logaddexp':
      return extreme(type, 0, library);
    case 'min':
      return extreme(type, 1, library);
  }
}

const RANGES: Partial<Record<ScalarType, readonly [string, string]>> = {
  bool: ['false', 'true'],
  uint8: ['i32(0)', 'i32(255)'],
  int8: ['i32(-128)', 'i32(127)'],
  int16: ['i32(-32768)', 'i32(32767)'],
  int32: ['i32(-2147483648)', 'i32(2147483647)'],
  uint32: ['0u', '0xffffffffu'],
};

function extreme(type: ScalarType, end: 0 | 1, library: Library): string {
  const range = RANGES[type];
  if (range !== undefined) return range[end];
  return floatLiteral(end === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY, library);
}

/** A value as `any` and `all` combine it. */
export function truthSource(combiner: Combiner, type: ScalarType, value: string, library: Library): string {
  if ((combiner !== 'any' && combiner !== 'all') || type === 'bool') return value;
  switch (valueTypeOf(type)) {
    case 'f32':
      return `select(0f, 1f, ${library.call('float_ne', value, '0f')})`;
    case 'u32':
      return `min(${value}, 1u)`;
    default:
      return `select(0, 1, ${value} != 0)`;
  }
}
