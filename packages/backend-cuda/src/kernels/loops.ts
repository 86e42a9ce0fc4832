import { type Operand, sizeOf } from '@flambeau/core/backend';
import { rankClass } from '../cuda-c/nest.ts';
import type { LaunchArguments } from '../launch.ts';

/** Loops over several operands: sizes, and for each operand a stride for each size. */
export interface Loops {
  readonly shape: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/** How far the last element of an operand lies from its first. */
export function reachOf(shape: readonly number[], strides: readonly number[]): number {
  let reach = 0;
  for (let dim = 0; dim < shape.length; dim++) reach += (shape[dim]! - 1) * strides[dim]!;
  return reach;
}

/**
 * The same loops in the order in which operands lie in memory, largest stride first, with neighbours joined where
 * every operand walks them in one stride. The first operand decides, where its strides are alike the next. For kernels
 * that may visit elements in any order.
 */
export function arrange({ shape, strides }: Loops): Loops {
  if (shape.length === 0) return { shape: [1], strides: strides.map(() => [0]) };
  const order: number[] = [];
  for (let dim = 0; dim < shape.length; dim++) if (shape[dim] !== 1) order.push(dim);
  order.sort((a, b) => {
    for (const s of strides) if (s[a] !== s[b]) return s[b]! - s[a]!;
    return a - b;
  });
  const sizes: number[] = [];
  const walks: number[][] = strides.map(() => []);
  for (const dim of order) {
    const size = shape[dim]!;
    const last = sizes.length - 1;
    const joins = last >= 0 && strides.every((s, k) => walks[k]![last] === s[dim]! * size);
    if (joins) sizes[last] = sizes[last]! * size;
    else sizes.push(size);
    for (const [k, walk] of walks.entries()) {
      if (joins) walk[last] = strides[k]![dim]!;
      else walk.push(strides[k]![dim]!);
    }
  }
  return sizes.length === 0
    ? { shape: [1], strides: strides.map(() => [0]) }
    : { shape: sizes, strides: walks };
}

interface Divisor {
  readonly multiplier: number;
  readonly shift: number;
}

const divisors = new Map<number, Divisor>();
const MANY_DIVISORS = 4096;

/** `x / size` for `x` below 2^31 is `(high word of x * multiplier + x) >> shift`. */
function divisorOf(size: number): Divisor {
  let found = divisors.get(size);
  if (found === undefined) {
    const shift = size <= 1 ? 0 : 32 - Math.clz32(size - 1);
    const divisor = BigInt(size);
    const multiplier = Number((((1n << BigInt(shift)) - divisor) << 32n) / divisor + 1n);
    found = { multiplier, shift };
    if (divisors.size >= MANY_DIVISORS) divisors.clear();
    divisors.set(size, found);
  }
  return found;
}

/** Writes what `NestSource.parameters` names. A nest of fewer dimensions than its class is padded in front. */
export function writeNest(
  args: LaunchArguments,
  { shape, strides }: Loops,
  rank: number,
  wide: boolean,
): void {
  const padding = rank - shape.length;
  for (let dim = 1; dim < rank; dim++) {
    const size = dim < padding ? 1 : shape[dim - padding]!;
    if (wide) args.i64(size);
    else {
      const { multiplier, shift } = divisorOf(size);
      args
        .i32(size)
        .i32(multiplier | 0)
        .i32(shift);
    }
  }
  for (const walk of strides) {
    for (let dim = 0; dim < rank; dim++) {
      const stride = dim < padding ? 0 : walk[dim - padding]!;
      if (wide) args.i64(stride);
      else args.i32(stride);
    }
  }
}

export const writeCount = (args: LaunchArguments, count: number, wide: boolean): LaunchArguments =>
  wide ? args.i64(count) : args.i32(count);

/** From how many elements on a kernel counts in 64 bits. */
export const NARROW_LIMIT = 2 ** 31 - 2 ** 16;

/** Whether a kernel over these loops must count in 64 bits. */
export function isWide(loops: Loops, limit: number): boolean {
  if (sizeOf(loops.shape) >= limit) return true;
  for (const strides of loops.strides) if (reachOf(loops.shape, strides) >= limit) return true;
  return false;
}

export const classOf = (loops: Loops): number => rankClass(loops.shape.length);

export const pointerTo = (args: LaunchArguments, operand: Operand, byteLength: number): LaunchArguments =>
  args.pointer(operand.allocation, operand.offset * byteLength);

/** Threads of a block and blocks for so many threads: whole warps, and small blocks for little work. */
export function gridFor(threads: number, largest = 256): { readonly blocks: number; readonly size: number } {
  const size = threads >= largest ? largest : Math.max(32, Math.ceil(threads / 32) * 32);
  return { blocks: Math.ceil(threads / size), size };
}
