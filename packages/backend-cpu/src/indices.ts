import { BackendError, type Operand, sizeOf } from '@flambeau/core/backend';
import { bigintsOf, numbersOf } from './allocation.ts';
import { arrange, byStride, innermost } from './loops.ts';
import { Odometer } from './walk.ts';

/** Indices that have been checked, as int32. */
export interface Indices {
  readonly array: Int32Array;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Where narrowed indices are written. */
export interface IndexRoom {
  readonly array: Int32Array;
  free(): void;
}

/** What looks through many indices faster than JavaScript. Both scans say how many are good before the first that is not. */
export interface IndexScan {
  /** Room that `narrow` can write to; null where JavaScript's own is better. */
  room(count: number): IndexRoom | null;
  /** Whether it can read a line of so many indices of an operand. */
  reaches(index: Operand, count: number): boolean;
  check(index: Operand, offset: number, step: number, count: number, limit: number): number;
  narrow(
    index: Operand,
    offset: number,
    step: number,
    count: number,
    limit: number,
    room: IndexRoom,
    filled: number,
  ): number;
}

/**
 * Checks every index against `0..length-1` before anything is read or written with one, and hands them to `use` as int32.
 * int64 indices are narrowed into memory of their own, which lives until `use` returns, and in which repeated dimensions
 * stay repeated.
 *
 * @throws {BackendError} naming the index and the size.
 */
export function withIndices(
  op: string,
  shape: readonly number[],
  index: Operand,
  length: number,
  scan: IndexScan | null,
  use: (indices: Indices) => void,
): void {
  const walked = shape.map((_, dim) => dim).filter((dim) => index.strides[dim] !== 0);
  const sizes = walked.map((dim) => shape[dim]!);
  const nest = arrange(sizes, [walked.map((dim) => index.strides[dim]!)]);
  const { outerRank, size, steps } = innermost(nest);
  const step = steps[0]!;
  const lines = new Odometer(nest.shape, outerRank, [{ offset: index.offset, strides: nest.strides[0]! }]);
  const scanned = scan?.reaches(index, size) ? scan : null;
  if (index.dtype === 'int32') {
    const array = int32sOf(index);
    do {
      const from = lines.offsets[0]!;
      const good =
        scanned?.check(index, from, step, size, length) ?? checkLine(array, from, step, size, length);
      if (good < size) outOfRange(op, array[from + good * step]!, length);
    } while (lines.next());
    use({ array, offset: index.offset, strides: index.strides });
    return;
  }
  const words = wordsOf(index);
  const room = scanned?.room(sizeOf(sizes)) ?? null;
  const target = room ?? { array: new Int32Array(sizeOf(sizes)), free: () => {} };
  try {
    let filled = 0;
    do {
      const from = lines.offsets[0]!;
      const good =
        room === null
          ? narrowLine(words, from, step, size, length, target.array, filled)
          : scanned!.narrow(index, from, step, size, length, room, filled);
      if (good < size) outOfRange(op, bigintsOf(index)[from + good * step]!, length);
      filled += size;
    } while (lines.next());
    use({ array: target.array, offset: 0, strides: compactStrides(shape, index.strides) });
  } finally {
    target.free();
  }
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

/** How many indices lie in `0..length-1` before the first that does not. */
function checkLine(array: Int32Array, start: number, step: number, count: number, length: number): number {
  for (let i = 0, at = start; i < count; i++, at += step) {
    const value = array[at]!;
    if (value < 0 || value >= length) return i;
  }
  return count;
}

function narrowLine(
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
    if (words[2 * at + 1 - LOW] !== 0 || value < 0 || value >= length) return i;
    target[to + i] = value;
  }
  return count;
}

/** Strides without gaps over the dimensions that are walked, in the order in which `arrange` walks them; 0 stays 0. */
function compactStrides(shape: readonly number[], strides: readonly number[]): number[] {
  const compact = new Array<number>(shape.length).fill(0);
  let stride = 1;
  for (const dim of byStride(shape, strides).reverse()) {
    if (strides[dim] === 0) continue;
    compact[dim] = stride;
    stride *= shape[dim]!;
  }
  return compact;
}
