import { FlambeauError } from '@flambeau/core';

/** A file of a data set that is damaged, hostile or not what it should be. */
export class DataError extends FlambeauError {
  override readonly code: string = 'DATA';
  override readonly name: string = 'DataError';
}
