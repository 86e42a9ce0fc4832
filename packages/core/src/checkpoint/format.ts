import { byteLengthOf, type DType } from '../dtype.ts';
import { CheckpointError } from '../errors.ts';

/**
 * The format's names of dtypes, in its own order: a writer puts the tensors of later ones first, so that each lies at a
 * multiple of its element's size.
 */
export const FORMAT_DTYPES = {
  BOOL: 'bool',
  U8: 'uint8',
  I8: 'int8',
  I16: 'int16',
  F16: 'float16',
  BF16: 'bfloat16',
  I32: 'int32',
  F32: 'float32',
  F64: 'float64',
  I64: 'int64',
} as const satisfies Readonly<Record<string, DType>>;

export type FormatDType = keyof typeof FORMAT_DTYPES;

export const isFormatDType = (name: string): name is FormatDType => Object.hasOwn(FORMAT_DTYPES, name);

/** The largest header that is read or written, as in the reference implementation. */
export const MAX_HEADER_BYTES = 100_000_000;

/** The header's own length stands before it, as a little-endian integer of 64 bits. */
export const PREFIX_BYTES = 8;

/** The one name in a header that is no tensor's. */
export const METADATA = '__metadata__';

/** A tensor in a checkpoint: its bytes are `start..end` of the data after the header. */
export interface StoredTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

export interface Header {
  /** In the order in which the header names them. */
  readonly tensors: readonly StoredTensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** A half of a surrogate pair alone, which UTF-8 cannot carry. */
export const hasLoneSurrogate = (text: string): boolean => /\p{Surrogate}/u.test(text);

/** A name for an error's text, in quotes and of bounded length. */
export const quoted = (name: string): string =>
  JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);

/** Refuses a checkpoint: `load: model.safetensors: the header …`. */
export const refusal = (
  label: string,
  what: string,
  data?: Readonly<Record<string, unknown>>,
): CheckpointError =>
  new CheckpointError(`load: ${label}: ${what}`, data === undefined ? { op: 'load' } : { op: 'load', data });

/**
 * Number of elements; undefined where it, the bytes, or the product of the sizes that are not 0 cannot be counted.
 */
export function countElements(shape: readonly number[], dtype: DType): number | undefined {
  let span = byteLengthOf(dtype);
  for (const size of shape) {
    span *= Math.max(size, 1);
    if (span > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return shape.reduce((count, size) => count * size, 1);
}
