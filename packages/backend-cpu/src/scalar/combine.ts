import type { BinaryIntrinsic, ReduceCombiner, ScalarType, ScanCombiner } from '@flambeau/core/backend';
import { logAddExp } from './arithmetic.ts';
import { type BinaryClosure, binaryClosure } from './closures.ts';
import { extremesOf, representationOf, type Value } from './representation.ts';
import { binarySource } from './source.ts';

type Combiner = ReduceCombiner | ScanCombiner;

const INTRINSIC: Readonly<Record<Exclude<Combiner, 'logaddexp' | 'any' | 'all'>, BinaryIntrinsic>> = {
  sum: 'add',
  prod: 'mul',
  max: 'max',
  min: 'min',
};

/** The value that a combiner begins with: it changes nothing. */
export function identityOf(combiner: Combiner, type: ScalarType): Value {
  const representation = representationOf(type);
  const number = (value: 0 | 1): Value =>
    representation === 'bool' ? value === 1 : representation === 'int64' ? BigInt(value) : value;
  switch (combiner) {
    case 'sum':
    case 'any':
      return number(0);
    case 'prod':
    case 'all':
      return number(1);
    case 'max':
    case 'logaddexp':
      return extremesOf(type)[0];
    case 'min':
      return extremesOf(type)[1];
  }
}

/** The combination of two values as source. `any` and `all` work on values that are 0 or 1 of the type. */
export function combineSource(combiner: Combiner, type: ScalarType, a: string, b: string): string {
  if (combiner === 'logaddexp') return `rt.logAddExp(${a}, ${b})`;
  if (combiner === 'any') return binarySource('max', type, a, b);
  if (combiner === 'all') return binarySource('min', type, a, b);
  return binarySource(INTRINSIC[combiner], type, a, b);
}

export function combineClosure(combiner: Combiner, type: ScalarType): BinaryClosure {
  if (combiner === 'logaddexp') return (a, b) => logAddExp(Number(a), Number(b));
  if (combiner === 'any') return binaryClosure('max', type);
  if (combiner === 'all') return binaryClosure('min', type);
  return binaryClosure(INTRINSIC[combiner], type);
}

/** Whether `any` or `all` must first make a truth of each element. */
export const wantsTruth = (combiner: Combiner, type: ScalarType): boolean =>
  (combiner === 'any' || combiner === 'all') && type !== 'bool';

/** A value as 0 or 1 of its own type. */
export function truthSource(type: ScalarType, value: string): string {
  return representationOf(type) === 'int64' ? `(${value} !== 0n ? 1n : 0n)` : `(${value} !== 0 ? 1 : 0)`;
}

export const truthOf = (value: Value): Value =>
  typeof value === 'bigint'
    ? value === 0n
      ? 0n
      : 1n
    : typeof value === 'number'
      ? value === 0
        ? 0
        : 1
      : value;
