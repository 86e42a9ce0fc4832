import { BackendError, type Operand, sizeOf } from '@flambeau/core/backend';
import { bigintsOf, numbersOf } from './allocation.ts';
import { Odometer } from './walk.ts';

/** Indices that have been checked, as int32. */
export interface Indices {
  readonly array: Int32Array;
  readonly offset: number;
  readonly strides: readonly number[];
}

/**
 * Checks every index against `0..length-1` before anything is read or written with one. int64 indices are
 * narrowed into an array of their own, in which repeated dimensions stay repeated.
 *
 * @throws {BackendError} naming the index and the size.
 */
export function checkedIndices(
  op: string,
  shape: readonly number[],
  index: Operand,
  length: number,
): Indices {
  if (index.dtype === 'int32' && shape.length === 1) {
    const array = int32sOf(index);
    const step = index.strides[0]!;
    const bad = findBad(array, index.offset, step, step === 0 ? 1 : shape[0]!, length);
    if (bad >= 0) outOfRange(op, array[bad]!, length);
    return { array, offset: index.offset, strides: index.strides };
  }
  const dims = shape.map((_, dim) => dim).filter((dim) => index.strides[dim] !== 0);
  const sizes = dims.map((dim) => shape[dim]!);
  const walked = { offset: index.offset, strides: dims.map((dim) => index.strides[dim]!) };
  const outerRank = Math.max(sizes.length - 1, 0);
  const size = sizes[outerRank] ?? 1;
  const step = walked.strides[outerRank] ?? 0;
  const rows = new Odometer(sizes, outerRank, [walked]);
  if (index.dtype === 'int32') {
    const array = int32sOf(index);
    do {
      const bad = findBad(array, rows.offsets[0]!, step, size, length);
      if (bad >= 0) outOfRange(op, array[bad]!, length);
    } while (rows.next());
    return { array, offset: index.offset, strides: index.strides };
  }
  const words = wordsOf(index);
  const array = new Int32Array(sizeOf(sizes));
  let filled = 0;
  do {
    const bad = narrow(words, rows.offsets[0]!, step, size, length, array, filled);
    if (bad >= 0) outOfRange(op, bigintsOf(index)[bad]!, length);
    filled += size;
  } while (rows.next());
  return { array, offset: 0, strides: compactStrides(shape, index.strides) };
}

/** int64 as pairs of words, which need no bigints. */
function wordsOf(index: Operand): Int32Array {
  const source = bigintsOf(index);
  return new Int32Array(source.buffer, source.byteOffset, source.length * 2);
}

/** Which of two words is the lower one depends on the machine. */
const LOW = new Int32Array(BigInt64Array.of(1n).buffer)[0] === 1 ? 0 : 1;

/** The dtype's array is an Int32Array by construction. */
const int32sOf = (index: Operand): Int32Array => numbersOf(index) as Int32Array;

function outOfRange(op: string, index: number | bigint, length: number): never {
  throw new BackendError(`${op}: index ${index} is out of range for size ${length}`, {
    op,
    data: { index, size: length },
  });
}

/** Where the first index outside `0..length-1` stands, or -1. */
function findBad(array: Int32Array, start: number, step: number, count: number, length: number): number {
  for (let i = 0, at = start; i < count; i++, at += step) {
    const value = array[at]!;
    if (value < 0 || value >= length) return at;
  }
  return -1;
}

function narrow(
  words: Int32Array,
  start: number,
  step: number,
  count: number,
  length: number,
  target: Int32Array,
  to: number,
): number {
  for (let i = 0, at = start; i < count; i++, at += step) {
    const value = words[2 * at + LOW]!;
    if (words[2 * at + 1 - LOW] !== 0 || value < 0 || value >= length) return at;
    target[to + i] = value;
  }
  return -1;
}

/** Row-major strides over the dimensions that are walked; 0 stays 0. */
function compactStrides(shape: readonly number[], strides: readonly number[]): number[] {
  const compact = new Array<number>(shape.length).fill(0);
  let stride = 1;
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    if (strides[dim] === 0) continue;
    compact[dim] = stride;
    stride *= shape[dim]!;
  }
  return compact;
}
