import { bfloat16, bytesOf, float16, type Value, valuesOf } from '@flambeau/backend-testkit';
import type {
  Backend,
  BinaryIntrinsic,
  DType,
  Instruction,
  Operand,
  Program,
  ScalarType,
  UnaryIntrinsic,
} from '@flambeau/core/backend';
import { BackendError, DTYPES } from '@flambeau/core/backend';
import fc from 'fast-check';
import { backendOn } from '../src/backend.ts';
import { createHeap } from '../src/heap/heap.ts';
import { cpu } from '../src/index.ts';

export { bfloat16, float16, type Value } from '@flambeau/backend-testkit';
export { BACKEND_DTYPES } from '@flambeau/core/backend';

/** Every test runs on every way of making loops. */
export const backends: readonly [string, Backend][] = [
  ['function', cpu({ compiler: 'function', wasm: 'off' })],
  ['closures', cpu({ compiler: 'closures', wasm: 'off' })],
  ['WebAssembly', cpu({ wasmFrom: 1 })],
  ['WebAssembly without sharing', cpu({ wasmFrom: 1, sharedMemory: 'off', relaxedSimd: 'off' })],
  ['WebAssembly, wide tiles', backendOn(createHeap(), { relaxed: false, vectors: 4 }, { wasmFrom: 1 })],
];

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Row-major strides. */
export function dense(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
}

/** Every index of a shape, in row-major order. */
export function* indices(shape: readonly number[]): Generator<number[]> {
  const size = sizeOf(shape);
  const strides = dense(shape);
  for (let i = 0; i < size; i++) yield shape.map((n, d) => Math.floor(i / strides[d]!) % n);
}

/** Where each element lies, in row-major order of the shape. */
function positionsOf({ offset, strides }: Layout, shape: readonly number[]): number[] {
  let positions = [offset];
  for (const [d, size] of shape.entries()) {
    const inner: number[] = [];
    for (const position of positions) for (let i = 0; i < size; i++) inner.push(position + i * strides[d]!);
    positions = inner;
  }
  return positions;
}

/** A tensor for a kernel under test, with what lies around it in its memory. */
export interface Box extends Operand {
  readonly shape: readonly number[];
  readonly backend: Backend;
  /** How many elements the memory holds. */
  readonly length: number;
}

/** Where the elements of a tensor lie in memory. */
export interface Layout {
  readonly offset: number;
  readonly strides: readonly number[];
}

/** What fills the memory between elements. */
const FILLER = 77;
const fillerOf = (dtype: DType): Value =>
  dtype === 'int64' ? BigInt(FILLER) : dtype === 'bool' ? true : FILLER;

/** Values laid out in fresh memory; by default row-major. */
export function box(
  backend: Backend,
  dtype: DType,
  shape: readonly number[],
  values: readonly Value[] | null,
  layout: Layout = { offset: 0, strides: dense(shape) },
): Box {
  const length = layout.offset + layout.strides.reduce((sum, s, d) => sum + s * (shape[d]! - 1), 0) + 1;
  const memory = new Array<Value>(length).fill(fillerOf(dtype));
  if (values !== null) for (const [i, at] of positionsOf(layout, shape).entries()) memory[at] = values[i]!;
  const allocation = backend.allocate(length * DTYPES[dtype].byteLength, dtype);
  backend.write(allocation, 0, bytesOf(dtype, memory));
  return { allocation, dtype, ...layout, shape, backend, length };
}

const memoryOf = ({ backend, allocation, dtype, length }: Box): Value[] =>
  valuesOf(dtype, backend.readSync!(allocation, 0, length * DTYPES[dtype].byteLength));

/** A tensor's values in row-major order. */
export function unbox(tensor: Box): Value[] {
  const memory = memoryOf(tensor);
  return positionsOf(tensor, tensor.shape).map((at) => memory[at]!);
}

/** Whether nothing but the tensor's own elements was changed in memory that `box` made. */
export function untouchedAround(tensor: Box): boolean {
  const memory = memoryOf(tensor);
  const own = new Set(positionsOf(tensor, tensor.shape));
  return memory.every((value, i) => own.has(i) || value === fillerOf(tensor.dtype));
}

/** Builds programs step by step, for tests that must not depend on core's own compiler. */
export class Steps {
  readonly list: Instruction[] = [];
  private push(step: Instruction): number {
    this.list.push(step);
    return this.list.length - 1;
  }
  input(slot: number, type: ScalarType): number {
    return this.push({ op: 'input', slot, type });
  }
  literal(value: number | boolean, type: ScalarType): number {
    return this.push({ op: 'literal', value, type });
  }
  parameter(slot: number, type: ScalarType): number {
    return this.push({ op: 'parameter', slot, type });
  }
  index(dim: number): number {
    return this.push({ op: 'index', dim, type: 'int32' });
  }
  cast(a: number, type: ScalarType): number {
    return this.push({ op: 'cast', a, type });
  }
  unary(op: UnaryIntrinsic, a: number): number {
    const type = op === 'isnan' || op === 'not' ? 'bool' : this.list[a]!.type;
    return this.push({ op, a, type });
  }
  binary(op: BinaryIntrinsic, a: number, b: number): number {
    const type = COMPARISONS.has(op) ? 'bool' : this.list[a]!.type;
    return this.push({ op, a, b, type });
  }
  select(c: number, a: number, b: number): number {
    return this.push({ op: 'select', c, a, b, type: this.list[a]!.type });
  }
}

export const COMPARISONS: ReadonlySet<string> = new Set(['eq', 'ne', 'lt', 'le', 'gt', 'ge']);

let programCount = 0;

/** A program whose last step is its result. */
export function program(
  inputs: readonly DType[],
  output: DType,
  build: (steps: Steps) => void,
  parameterCount = 0,
): Program {
  const steps = new Steps();
  build(steps);
  const id = programCount++;
  return {
    key: `test ${id}`,
    id,
    inputs,
    output,
    parameterCount,
    usesIndex: steps.list.some((step) => step.op === 'index'),
    steps: steps.list,
  };
}

/** A program that hands its one input on. Halves pass through float32, as core's do. */
export const identity = (dtype: DType): Program => program([dtype], dtype, (s) => s.input(0, dtype));

/** Runs a pointwise program over contiguous operands of one shape. */
export function apply(
  backend: Backend,
  p: Program,
  columns: readonly (readonly Value[])[],
  parameters: readonly (number | bigint)[] = [],
): Value[] {
  const shape = [columns[0]?.length ?? 1];
  const inputs = columns.map((values, k) => box(backend, p.inputs[k]!, shape, values));
  const output = box(backend, p.output, shape, null);
  backend.kernels.pointwise(p, shape, output, inputs, parameters);
  return unbox(output);
}

/** A random layout for a shape: dimensions in any order in memory, gaps, an offset, and repeated dimensions where allowed. */
export const layoutOf = (shape: readonly number[], repeats = false): fc.Arbitrary<Layout> =>
  fc
    .record({
      order: fc.shuffledSubarray(
        shape.map((_, d) => d),
        { minLength: shape.length },
      ),
      gaps: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: shape.length, maxLength: shape.length }),
      repeated: fc.array(fc.integer({ min: 0, max: 3 }), {
        minLength: shape.length,
        maxLength: shape.length,
      }),
      offset: fc.integer({ min: 0, max: 5 }),
      plain: fc.boolean(),
    })
    .map(({ order, gaps, repeated, offset, plain }) => {
      if (plain) return { offset, strides: dense(shape) };
      const strides = new Array<number>(shape.length).fill(0);
      let stride = 1;
      for (const d of order) {
        if (repeats && repeated[d] === 0) continue;
        stride += gaps[d]!;
        strides[d] = stride;
        stride *= shape[d]!;
      }
      return { offset, strides };
    });

export const shapeOf = (minRank: number, maxRank: number, maxSize = 5): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 1, max: maxSize }), { minLength: minRank, maxLength: maxRank });

/** Values that every dtype of the kind holds exactly, so that references need no rounding. */
export function smallValue(dtype: DType): fc.Arbitrary<Value> {
  if (dtype === 'bool') return fc.boolean();
  if (dtype === 'int64') return fc.bigInt({ min: -9n, max: 9n });
  if (dtype === 'uint8') return fc.integer({ min: 0, max: 9 });
  return fc.integer({ min: -9, max: 9 });
}

/** Values with all that is special about a dtype. */
export function anyValue(dtype: DType): fc.Arbitrary<Value> {
  switch (dtype) {
    case 'bool':
      return fc.boolean();
    case 'int64':
      return fc.oneof(
        fc.bigInt({ min: -5n, max: 5n }),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      );
    case 'int32':
      return fc.oneof(fc.integer({ min: -5, max: 5 }), fc.integer());
    case 'int16':
      return fc.integer({ min: -32768, max: 32767 });
    case 'int8':
      return fc.integer({ min: -128, max: 127 });
    case 'uint8':
      return fc.integer({ min: 0, max: 255 });
    case 'float16':
      return fc.integer({ min: 0, max: 65535 }).map(float16);
    case 'bfloat16':
      return fc.integer({ min: 0, max: 65535 }).map(bfloat16);
    case 'float32':
      return fc.oneof(fc.float(), fc.float({ min: -10, max: 10 }), fc.integer({ min: -3, max: 3 }));
    default:
      return fc.oneof(fc.double(), fc.double({ min: -10, max: 10 }), fc.integer({ min: -3, max: 3 }));
  }
}

export const valuesFor = (element: fc.Arbitrary<Value>, count: number): fc.Arbitrary<Value[]> =>
  fc.array(element, { minLength: count, maxLength: count });

/** For `fc.assert`: the same cases every time. */
export const seeded = (numRuns: number): { seed: number; numRuns: number } => ({ seed: 20, numRuns });

/** The text of the fault that `run` ends in, or of its absence. */
export function faultOf(run: () => void): string {
  try {
    run();
  } catch (error) {
    if (error instanceof BackendError) return error.message;
    throw error;
  }
  return 'no fault';
}
