import type { DType, ReduceCombiner, ScanCombiner } from '@flambeau/core/backend';
import type { Preamble } from './preamble.ts';
import { binarySource, literalSource } from './steps.ts';
import { representationOf, wrapped } from './types.ts';

/** What reductions, scans and scatters do with two values of an accumulator. */

export type Combiner = ReduceCombiner | ScanCombiner;

/** The C type of an accumulator: halves in float, truths and narrow integers in int. */
export function accumulatorType(dtype: DType): string {
  switch (representationOf(dtype)) {
    case 'float':
      return 'float';
    case 'double':
      return 'double';
    case 'int64':
      return 'long long';
    default:
      return 'int';
  }
}

/** The dtype whose memory holds an accumulator exactly. */
export function accumulatorDType(dtype: DType): DType {
  switch (representationOf(dtype)) {
    case 'float':
      return 'float32';
    case 'double':
      return 'float64';
    case 'int64':
      return 'int64';
    default:
      return 'int32';
  }
}

const LEAST: Partial<Record<DType, number>> = { int8: -128, int16: -32768, int32: -2147483648, uint8: 0 };
const GREATEST: Partial<Record<DType, number>> = { int8: 127, int16: 32767, int32: 2147483647, uint8: 255 };

function extreme(dtype: DType, greatest: boolean): string {
  const infinity = greatest ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  switch (representationOf(dtype)) {
    case 'float':
      return literalSource('float32', infinity);
    case 'double':
      return literalSource('float64', infinity);
    case 'int64':
      return greatest ? '9223372036854775807LL' : '(-9223372036854775807LL - 1)';
    case 'bool':
      return greatest ? '1' : '0';
    default:
      return literalSource('int32', (greatest ? GREATEST : LEAST)[dtype]!);
  }
}

/** The value that a combiner begins with: it changes nothing. */
export function identitySource(combiner: Combiner, dtype: DType): string {
  const accumulator = accumulatorDType(dtype);
  switch (combiner) {
    case 'sum':
    case 'any':
      return literalSource(accumulator, 0);
    case 'prod':
    case 'all':
      return literalSource(accumulator, 1);
    case 'max':
    case 'logaddexp':
      return extreme(dtype, false);
    case 'min':
      return extreme(dtype, true);
  }
}

/** Two accumulated values as one. Sums and products of narrow integers wrap when they are finished. */
export function combineSource(
  preamble: Preamble,
  combiner: Combiner,
  dtype: DType,
  a: string,
  b: string,
): string {
  const accumulator = accumulatorDType(dtype);
  if (dtype === 'bool') {
    const all = combiner === 'prod' || combiner === 'min' || combiner === 'all';
    return `${a} ${all ? '&' : '|'} ${b}`;
  }
  switch (combiner) {
    case 'sum':
      return binarySource(preamble, 'add', accumulator, a, b);
    case 'prod':
      return binarySource(preamble, 'mul', accumulator, a, b);
    case 'max':
    case 'any':
      return binarySource(preamble, 'max', accumulator, a, b);
    case 'min':
    case 'all':
      return binarySource(preamble, 'min', accumulator, a, b);
    case 'logaddexp':
      return preamble.call(accumulator === 'float64' ? 'logAddExpD' : 'logAddExpF', a, b);
  }
}

/** What is accumulated for a value: `any` and `all` take truths. */
export function accumulated(combiner: Combiner, dtype: DType, value: string): string {
  const type = accumulatorType(dtype);
  if (combiner === 'any' || combiner === 'all' || dtype === 'bool') return `(${type})((${value}) != 0)`;
  return value;
}

/** The value of `dtype` that an accumulator holds at its end. */
export function finished(dtype: DType, accumulator: string): string {
  switch (representationOf(dtype)) {
    case 'bool':
      return `(${accumulator} != 0)`;
    case 'int':
      return wrapped(dtype, accumulator);
    default:
      return accumulator;
  }
}
