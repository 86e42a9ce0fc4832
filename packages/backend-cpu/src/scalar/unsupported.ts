import { DTypeError, type ScalarType } from '@flambeau/core/backend';

/** What a program meets that asks for an operation which its type does not have. */
export const unsupported = (op: string, type: ScalarType): DTypeError =>
  new DTypeError(`cpu: no ${op} on ${type}`, { op, data: { type } });
