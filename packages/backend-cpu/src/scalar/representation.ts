import type { ScalarType } from '@flambeau/core/backend';

/**
 * How a value of a scalar type is held while a program runs: floats as numbers (float32 too: it is computed in
 * double and rounded where it is stored), narrow integers as numbers that are wrapped after every step, int64 as
 * bigints, truths as booleans.
 */
export type Representation = 'float' | 'int' | 'uint32' | 'int64' | 'bool';

export type Value = number | bigint | boolean;

export function representationOf(type: ScalarType): Representation {
  switch (type) {
    case 'float16':
    case 'bfloat16':
    case 'float32':
    case 'float64':
    case 'complex64':
      return 'float';
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

/** The least and the greatest value of a type: where `max` and `min` begin. */
export function extremesOf(type: ScalarType): readonly [Value, Value] {
  switch (type) {
    case 'bool':
      return [false, true];
    case 'uint8':
      return [0, 255];
    case 'int8':
      return [-128, 127];
    case 'int16':
      return [-32768, 32767];
    case 'int32':
      return [-(2 ** 31), 2 ** 31 - 1];
    case 'uint32':
      return [0, 2 ** 32 - 1];
    case 'int64':
      return [-(2n ** 63n), 2n ** 63n - 1n];
    case 'float16':
    case 'bfloat16':
    case 'float32':
    case 'float64':
    case 'complex64':
      return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  }
}
