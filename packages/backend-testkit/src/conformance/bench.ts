import type { Allocation, Backend, DType, Operand } from '@flambeau/core/backend';
import { byteLengthOf } from '@flambeau/core/backend';
import { ensure } from './case.ts';
import { bytesOf, type Value, valuesOf } from './elements.ts';
import type { Random } from './random.ts';

/** Where the elements of a tensor lie in its memory. */
export interface Layout {
  readonly offset: number;
  readonly strides: readonly number[];
}

/** A tensor for a kernel under test, with memory of its own and known values around its elements. */
export interface Box extends Operand {
  readonly shape: readonly number[];
  /** How many elements the memory holds. */
  readonly length: number;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, n) => size * n, 1);

/** Row-major strides. */
export function rowMajor(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let dim = shape.length - 2; dim >= 0; dim--) strides[dim] = strides[dim + 1]! * shape[dim + 1]!;
  return strides;
}

/** Every index of a shape in row-major order. */
export function* indicesOf(shape: readonly number[]): Generator<number[]> {
  const strides = rowMajor(shape);
  for (let i = 0; i < sizeOf(shape); i++)
    yield shape.map((size, dim) => Math.floor(i / strides[dim]!) % size);
}

export const positionOf = ({ offset, strides }: Layout, index: readonly number[]): number =>
  strides.reduce((at, stride, dim) => at + stride * index[dim]!, offset);

/** Dimensions in any order in memory, gaps between them, an offset; with `repeats`, some strides of 0. */
export function strided(random: Random, shape: readonly number[], repeats = false): Layout {
  const strides = new Array<number>(shape.length).fill(0);
  let stride = 1;
  for (const dim of random.shuffled(shape.map((_, i) => i))) {
    if (repeats && random.next() < 0.25) continue;
    stride += random.integer(0, 2);
    strides[dim] = stride;
    stride *= shape[dim]!;
  }
  return { offset: random.integer(0, 5), strides };
}

/** Row-major but for the last dimension, which was moved there from anywhere: the outputs of "along" kernels. */
export function movedLast(random: Random, shape: readonly number[]): Layout {
  const last = shape.length - 1;
  const from = random.integer(0, last);
  const order = shape
    .map((_, dim) => dim)
    .slice(0, last)
    .toSpliced(from, 0, last);
  const dense = rowMajor(order.map((dim) => shape[dim]!));
  const strides = shape.map((_, dim) => dense[order.indexOf(dim)]!);
  return { offset: random.integer(0, 3), strides };
}

export const packed = (shape: readonly number[]): Layout => ({ offset: 0, strides: rowMajor(shape) });

/** What lies in memory between the elements, so that a stray write shows. */
const filler = (dtype: DType): Value => (dtype === 'int64' ? 77n : dtype === 'bool' ? true : 77);
const GUARD_ELEMENTS = 4;

/** Makes tensors on a backend and frees them all at the end. */
export class Bench {
  readonly backend: Backend;
  private readonly allocations = new Set<Allocation>();

  constructor(backend: Backend) {
    this.backend = backend;
  }

  allocate(byteLength: number, dtype: DType = 'float32'): Allocation {
    const allocation = this.backend.allocate(Math.max(16, Math.ceil(byteLength / 16) * 16), dtype);
    this.allocations.add(allocation);
    return allocation;
  }

  free(allocation: Allocation): void {
    this.allocations.delete(allocation);
    this.backend.free(allocation);
  }

  dispose(): void {
    for (const allocation of [...this.allocations]) this.free(allocation);
  }

  /** Values laid out in new memory; null leaves what lies around the elements in their place too. */
  box(
    dtype: DType,
    shape: readonly number[],
    values: readonly Value[] | null,
    layout: Layout = packed(shape),
  ): Box {
    const reach =
      layout.strides.reduce((last, stride, dim) => last + stride * (shape[dim]! - 1), layout.offset) + 1;
    const length = reach + GUARD_ELEMENTS;
    const memory = new Array<Value>(length).fill(filler(dtype));
    if (values !== null) {
      let i = 0;
      for (const index of indicesOf(shape)) memory[positionOf(layout, index)] = values[i++]!;
    }
    const allocation = this.allocate(length * byteLengthOf(dtype), dtype);
    this.backend.write(allocation, 0, bytesOf(dtype, memory));
    return { allocation, dtype, offset: layout.offset, strides: layout.strides, shape, length };
  }

  private async memoryOf({ allocation, dtype, length }: Box): Promise<Value[]> {
    return valuesOf(dtype, await this.backend.read(allocation, 0, length * byteLengthOf(dtype)));
  }

  /** A tensor's values in row-major order. With strides of 0, values that were given for one place are those of the last. */
  async values(box: Box): Promise<Value[]> {
    const memory = await this.memoryOf(box);
    return Array.from(indicesOf(box.shape), (index) => memory[positionOf(box, index)]!);
  }

  /** The values, once it is sure that nothing around them was written. */
  async result(what: string, box: Box): Promise<Value[]> {
    const memory = await this.memoryOf(box);
    const own = new Set(Array.from(indicesOf(box.shape), (index) => positionOf(box, index)));
    memory.forEach((value, at) => {
      ensure(
        own.has(at) || value === filler(box.dtype),
        `${what}: memory outside of the output was written, at element ${at}`,
      );
    });
    return Array.from(indicesOf(box.shape), (index) => memory[positionOf(box, index)]!);
  }
}

/** Runs with a bench that is cleared afterwards, also after a failure. */
export async function onBench(backend: Backend, body: (bench: Bench) => Promise<void>): Promise<void> {
  const bench = new Bench(backend);
  try {
    await body(bench);
  } finally {
    bench.dispose();
    // A fault that a case provoked and did not fetch is none of the next one's.
    await backend.synchronize().catch(() => {});
  }
}

/** The values that a kernel sees in a box, when `values` were given for it: a place that repeats holds the last one. */
export function seen(shape: readonly number[], layout: Layout, values: readonly Value[]): Value[] {
  const memory = new Map<number, Value>();
  let i = 0;
  for (const index of indicesOf(shape)) memory.set(positionOf(layout, index), values[i++]!);
  return Array.from(indicesOf(shape), (index) => memory.get(positionOf(layout, index))!);
}

/** The text of the error that `run`, or waiting for the device afterwards, ends in; undefined where there is none. */
export async function faultOf(backend: Backend, run: () => void): Promise<string | undefined> {
  try {
    run();
    await backend.synchronize();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
