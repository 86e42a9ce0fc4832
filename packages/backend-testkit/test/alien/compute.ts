import {
  BackendError,
  byteLengthOf,
  type DType,
  isFloating,
  type MatmulSize,
  type Operand,
  type Parameters,
  type Program,
  type ReduceCombiner,
  type Reduction,
  type ScanCombiner,
  type ScatterMode,
  type Update,
} from '@flambeau/core/backend';
import { type Elements, elementsOf, type Value } from './elements.ts';
import { Interpreter } from './interpreter.ts';
import { binary, logAddExp } from './scalar.ts';
import { Walk, type Walked } from './walk.ts';

/** What the kernels compute, element by element. They run on the queue, on operands that were checked at the call. */

/** An operand whose memory can be reached: on the queue only. */
export interface Reached extends Walked {
  readonly dtype: DType;
  readonly elements: Elements;
}

export function pointwise(
  program: Program,
  shape: readonly number[],
  output: Reached,
  inputs: readonly Reached[],
  parameters: Parameters,
): void {
  const interpreter = new Interpreter(program, parameters);
  const walk = new Walk(shape, [output, ...inputs]);
  interpreter.index = walk.index;
  do {
    for (let k = 0; k < inputs.length; k++) interpreter.inputs[k] = inputs[k]!.elements.get(walk.at[k + 1]!);
    output.elements.set(walk.at[0]!, interpreter.run());
  } while (walk.next());
}

/** The steps of an update one after the other, each over the whole row. */
export function update(
  { locals, steps }: Update,
  length: number,
  operands: readonly Reached[],
  parameters: Parameters,
): void {
  const made = locals.map((dtype): Reached => {
    const elements = elementsOf(new Uint8Array(length * byteLengthOf(dtype)), dtype);
    return { dtype, elements, offset: 0, strides: [1] };
  });
  const values = [...operands, ...made];
  for (const { target, program } of steps) pointwise(program, [length], values[target]!, values, parameters);
}

export function reduce(
  { pre, combiner, post }: Reduction,
  shape: readonly number[],
  keptRank: number,
  output: Reached,
  inputs: readonly Reached[],
  parameters: Parameters,
): void {
  const before = new Interpreter(pre, parameters);
  const after = new Interpreter(post, parameters);
  const combine = combination(combiner, pre.output);
  const kept = new Walk(shape.slice(0, keptRank), [output, ...inputs]);
  do {
    const starts = inputs.map((input, k) => ({
      offset: kept.at[k + 1]!,
      strides: input.strides.slice(keptRank),
    }));
    const reduced = new Walk(shape.slice(keptRank), starts);
    const values: Value[] = [];
    do {
      for (let k = 0; k < inputs.length; k++) before.inputs[k] = inputs[k]!.elements.get(reduced.at[k]!);
      before.index = [...kept.index, ...reduced.index];
      values.push(before.run());
    } while (reduced.next());
    after.inputs[0] = pairwise(values, 0, values.length, combine);
    after.index = kept.index;
    output.elements.set(kept.at[0]!, after.run());
  } while (kept.next());
}

/** Combines halves with halves, so that a sum of n values is off by about log n roundings. */
function pairwise(
  values: readonly Value[],
  from: number,
  to: number,
  combine: (a: Value, b: Value) => Value,
): Value {
  if (to - from === 1) return values[from]!;
  const middle = (from + to) >> 1;
  return combine(pairwise(values, from, middle, combine), pairwise(values, middle, to, combine));
}

const COMBINERS = { sum: 'add', prod: 'mul', max: 'max', min: 'min', any: 'or', all: 'and' } as const;

const combination = (combiner: ReduceCombiner | Exclude<ScanCombiner, 'logaddexp'>, dtype: DType) =>
  binary(COMBINERS[combiner], dtype);

/** Halves are computed with in float32. */
const computed = (dtype: DType): DType => (dtype === 'float16' || dtype === 'bfloat16' ? 'float32' : dtype);

const isNotNumber = (x: Value): boolean => typeof x === 'number' && Number.isNaN(x);

export function argReduce(
  mode: 'max' | 'min',
  shape: readonly number[],
  output: Reached,
  input: Reached,
): void {
  const last = shape.length - 1;
  const rows = new Walk(shape.slice(0, last), [output, input]);
  do {
    let best = 0;
    for (let i = 1; i < shape[last]!; i++) {
      const leader = input.elements.get(rows.at[1]! + best * input.strides[last]!);
      if (isNotNumber(leader)) break;
      const value = input.elements.get(rows.at[1]! + i * input.strides[last]!);
      if (isNotNumber(value) || (mode === 'max' ? value > leader : value < leader)) best = i;
    }
    output.elements.set(rows.at[0]!, best);
  } while (rows.next());
}

export function scan(
  combiner: ScanCombiner,
  shape: readonly number[],
  output: Reached,
  input: Reached,
  reverse: boolean,
): void {
  const dtype = computed(input.dtype);
  const combine = combiner === 'logaddexp' ? logAddExp : combination(combiner, dtype);
  const last = shape.length - 1;
  const count = shape[last]!;
  const rows = new Walk(shape.slice(0, last), [output, input]);
  do {
    let running: Value | undefined;
    for (let step = 0; step < count; step++) {
      const i = reverse ? count - 1 - step : step;
      const value = input.elements.get(rows.at[1]! + i * input.strides[last]!);
      running = running === undefined ? value : combine(running, value);
      output.elements.set(rows.at[0]! + i * output.strides[last]!, running);
    }
  } while (rows.next());
}

export function matmul({ batch, m, k, n }: MatmulSize, output: Reached, a: Reached, b: Reached): void {
  const dtype = computed(output.dtype);
  const add = binary('add', dtype);
  const multiply = binary('mul', isFloating(dtype) ? 'float64' : dtype);
  const rank = batch.length;
  const matrices = new Walk(
    [...batch, m, n],
    [
      output,
      { offset: a.offset, strides: [...a.strides.slice(0, rank), a.strides[rank]!, 0] },
      { offset: b.offset, strides: [...b.strides.slice(0, rank), 0, b.strides[rank + 1]!] },
    ],
  );
  do {
    let sum: Value = dtype === 'int64' ? 0n : 0;
    for (let i = 0; i < k; i++) {
      const x = a.elements.get(matrices.at[1]! + i * a.strides[rank + 1]!);
      const y = b.elements.get(matrices.at[2]! + i * b.strides[rank]!);
      // As a fused multiply-add does: the product is exact, the sum is rounded.
      sum = add(sum, multiply(x, y));
    }
    output.elements.set(matrices.at[0]!, sum);
  } while (matrices.next());
}

/** A place along a dimension; undefined, with the fault noted, where it lies outside. */
class Indices {
  private readonly op: string;
  private readonly length: number;
  private fault: BackendError | undefined;

  constructor(op: string, length: number) {
    this.op = op;
    this.length = length;
  }

  place(index: Value): number | undefined {
    const place = Number(index);
    if (place >= 0 && place < this.length) return place;
    this.fault ??= new BackendError(`${this.op}: index ${index} is out of range for size ${this.length}`, {
      op: this.op,
      data: { index, size: this.length },
    });
    return undefined;
  }

  throwFault(): void {
    if (this.fault !== undefined) throw this.fault;
  }
}

/** The operand as it lies at place 0 of the last dimension, whatever the index there. */
const withoutLast = ({ offset, strides }: Reached): Walked => ({
  offset,
  strides: [...strides.slice(0, -1), 0],
});

/** Goes on past an index that lies outside: what it names is left as it was, and the first is reported at the end. */
export function gather(
  shape: readonly number[],
  inputLength: number,
  output: Reached,
  input: Reached,
  index: Reached,
): void {
  const indices = new Indices('gather', inputLength);
  const along = input.strides.at(-1)!;
  const walk = new Walk(shape, [output, withoutLast(input), index]);
  do {
    const place = indices.place(index.elements.get(walk.at[2]!));
    if (place !== undefined)
      output.elements.set(walk.at[0]!, input.elements.get(walk.at[1]! + place * along));
  } while (walk.next());
  indices.throwFault();
}

export function scatter(
  mode: ScatterMode,
  shape: readonly number[],
  outputLength: number,
  output: Reached,
  source: Reached,
  index: Reached,
): void {
  const indices = new Indices('scatter', outputLength);
  const combine = mode === 'assign' ? null : binary(SCATTERS[mode], computed(output.dtype));
  const along = output.strides.at(-1)!;
  const walk = new Walk(shape, [withoutLast(output), source, index]);
  do {
    const place = indices.place(index.elements.get(walk.at[2]!));
    if (place === undefined) continue;
    const target = walk.at[0]! + place * along;
    const value = source.elements.get(walk.at[1]!);
    output.elements.set(target, combine === null ? value : combine(output.elements.get(target), value));
  } while (walk.next());
  indices.throwFault();
}

const SCATTERS = { add: 'add', mul: 'mul', max: 'max', min: 'min' } as const;

export function sort(
  shape: readonly number[],
  values: Reached,
  indices: Reached,
  input: Reached,
  descending: boolean,
): void {
  const last = shape.length - 1;
  const rows = new Walk(shape.slice(0, last), [values, indices, input]);
  const order = descending ? (a: Value, b: Value) => ascending(b, a) : ascending;
  do {
    const row = Array.from({ length: shape[last]! }, (_, i) => ({
      i,
      value: input.elements.get(rows.at[2]! + i * input.strides[last]!),
    }));
    row.sort((a, b) => order(a.value, b.value) || a.i - b.i);
    row.forEach(({ i, value }, rank) => {
      values.elements.set(rows.at[0]! + rank * values.strides[last]!, value);
      indices.elements.set(rows.at[1]! + rank * indices.strides[last]!, i);
    });
  } while (rows.next());
}

function ascending(a: Value, b: Value): number {
  if (isNotNumber(a) || isNotNumber(b)) return Number(isNotNumber(a)) - Number(isNotNumber(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

/** An operand with its memory. */
export const reached = (operand: Operand, elements: Elements): Reached => ({
  dtype: operand.dtype,
  offset: operand.offset,
  strides: operand.strides,
  elements,
});
