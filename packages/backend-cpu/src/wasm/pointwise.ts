import {
  byteLengthOf,
  type Operand,
  type Parameters,
  type Program,
  type RequiredKernels,
  sizeOf,
} from '@flambeau/core/backend';
import { arrange } from '../loops.ts';
import { copiedInput } from '../pointwise/source.ts';
import { addressOf, allInHeap, staged } from '../staging.ts';
import { Odometer } from '../walk.ts';
import { ALONE_NS, type Engine, isDescending, walkOf } from './engine.ts';
import { isVectorizable, programWeight } from './programs/body.ts';
import { type Parameter, parametersOf, writeParameters } from './programs/frame.ts';
import type { Kernel } from './programs/kernel.ts';
import {
  pointwiseKernel as compile,
  indexWord,
  PointwiseWord,
  WORDS_PER_OPERAND,
  wordCount,
} from './programs/pointwise.ts';

type Pointwise = RequiredKernels['pointwise'];

/** Columns of a transposed operand that are walked together, so that its cache lines are used up. */
const TILE = 64;

/** A program prepared: its kernels by layout. */
interface Prepared {
  readonly sizes: readonly number[];
  readonly parameters: readonly Parameter[];
  /** The input that is handed on as it is; -1 where something is computed. */
  readonly copied: number;
  /** About how long one element takes. */
  readonly nanoseconds: number;
  readonly kernels: (Kernel | undefined)[];
}

/** The `pointwise` kernel in WebAssembly; what is small or has no vector code goes to `otherwise`. */
export function wasmPointwise(engine: Engine, otherwise: Pointwise): Pointwise {
  const table: (Prepared | null | undefined)[] = [];
  return (program, shape, output, inputs, parameters) => {
    const size = shape.length === 1 ? shape[0]! : sizeOf(shape);
    if (size < engine.leastElements || !engine.ready) {
      otherwise(program, shape, output, inputs, parameters);
      return;
    }
    let prepared = table[program.id];
    if (prepared === undefined) prepared = table[program.id] = prepare(program);
    if (prepared === null) {
      otherwise(program, shape, output, inputs, parameters);
      return;
    }
    if (allInHeap(output, inputs)) {
      const source = inputs[prepared.copied];
      if (source !== undefined && isFlatCopy(shape, output, source)) {
        const byteLength = prepared.sizes[0]!;
        engine.heap.copy(addressOf(source, byteLength), addressOf(output, byteLength), size * byteLength);
      } else run(engine, program, prepared, shape, output, inputs, parameters);
      return;
    }
    const known = prepared;
    const done = staged(engine.heap, [output], inputs, ([y], xs) =>
      run(engine, program, known, shape, y!, xs, parameters),
    );
    if (!done) otherwise(program, shape, output, inputs, parameters);
  };
}

function prepare(program: Program): Prepared | null {
  if (!isVectorizable(program)) return null;
  return {
    sizes: [program.output, ...program.inputs].map(byteLengthOf),
    parameters: parametersOf(program),
    copied: copiedInput(program),
    nanoseconds: 0.1 + programWeight(program) * 0.04,
    kernels: [],
  };
}

const isFlatCopy = (shape: readonly number[], output: Operand, source: Operand): boolean =>
  shape.length === 1 && output.strides[0] === 1 && source.strides[0] === 1;

function run(
  engine: Engine,
  program: Program,
  prepared: Prepared,
  shape: readonly number[],
  output: Operand,
  inputs: readonly Operand[],
  parameters: Parameters,
): void {
  if (shape.length > 1 && !program.usesIndex && !isDescending(output.strides)) {
    const strides = [output.strides, ...inputs.map((input) => input.strides)];
    const loops = arrange(shape, strides);
    const moved = (operand: Operand, k: number): Operand => ({ ...operand, strides: loops.strides[k]! });
    launch(
      engine,
      program,
      prepared,
      loops.shape,
      [moved(output, 0), ...inputs.map((input, k) => moved(input, k + 1))],
      parameters,
    );
    return;
  }
  launch(engine, program, prepared, shape, [output, ...inputs], parameters);
}

function kernelFor(
  engine: Engine,
  program: Program,
  prepared: Prepared,
  operands: readonly Operand[],
  rank: number,
): Kernel {
  let layout = program.usesIndex ? rank : 0;
  for (const { strides } of operands) layout = layout * 4 + walkOf(strides[rank - 1] ?? 1);
  let kernel = prepared.kernels[layout];
  if (kernel === undefined) {
    const walks = operands.map(({ strides }) => walkOf(strides[rank - 1] ?? 1));
    kernel = compile(engine.target, program, walks, rank);
    prepared.kernels[layout] = kernel;
  }
  return kernel;
}

function launch(
  engine: Engine,
  program: Program,
  prepared: Prepared,
  shape: readonly number[],
  operands: readonly Operand[],
  parameters: Parameters,
): void {
  const rank = shape.length;
  const { sizes } = prepared;
  const kernel = kernelFor(engine, program, prepared, operands, rank);
  const views = engine.view();
  const frame = engine.frame(0);
  const first = frame / 4;
  const { words } = views;
  const [last, row] = [rank - 1, rank - 2];
  const count = shape[last] ?? 1;
  words[first + PointwiseWord.rows] = shape[row] ?? 1;
  words[first + PointwiseWord.count] = count;
  for (let k = 0; k < operands.length; k++) {
    const { strides } = operands[k]!;
    const word = first + PointwiseWord.operands + k * WORDS_PER_OPERAND;
    words[word] = addressOf(operands[k]!, sizes[k]!);
    words[word + 1] = (strides[row] ?? 0) * sizes[k]!;
    words[word + 2] = (strides[last] ?? 1) * sizes[k]!;
  }
  if (program.usesIndex)
    words.fill(0, first + indexWord(operands.length), first + wordCount(operands.length));
  if (prepared.parameters.length > 0)
    writeParameters(views, frame, wordCount(operands.length), prepared.parameters, parameters);
  const tile = rank > 1 && count > TILE && isTransposed(operands, last) ? TILE : count;
  if (rank < 3 && tile === count) {
    if (prepared.nanoseconds * count * words[first + PointwiseWord.rows]! < ALONE_NS) {
      kernel.run(frame);
      return;
    }
    shareFlat(
      engine,
      kernel,
      prepared,
      operands.length,
      rank,
      words[first + PointwiseWord.rows]!,
      count,
      program.usesIndex,
    );
    return;
  }
  launchNest(kernel, words, first, frame, shape, operands, sizes, tile, program.usesIndex);
}

/** Elements of which a thread takes at least so many at once: no two write into one cache line. */
const GRAIN = 1024;

/** One loop, or rows of one: shared by rows where there are enough of them, else by elements. */
function shareFlat(
  engine: Engine,
  kernel: Kernel,
  { nanoseconds }: Prepared,
  operandCount: number,
  rank: number,
  rows: number,
  count: number,
  usesIndex: boolean,
): void {
  const { words } = engine.view();
  const byRows = rows >= ENOUGH_ROWS;
  const index = indexWord(operandCount) + (byRows ? 0 : rank - 1);
  const narrow = (word: number, from: number, part: number): void => {
    words[word + (byRows ? PointwiseWord.rows : PointwiseWord.count)] = part;
    for (let k = 0; k < operandCount; k++) {
      const operand = word + PointwiseWord.operands + k * WORDS_PER_OPERAND;
      words[operand]! += from * words[operand + (byRows ? 1 : 2)]!;
    }
    if (usesIndex) words[word + index] = from;
  };
  const grain = byRows ? Math.max(1, Math.ceil(GRAIN / count)) : GRAIN;
  engine.share(kernel, nanoseconds * rows * count, byRows ? rows : count, grain, narrow);
}
const ENOUGH_ROWS = 16;

/** Whether an operand's neighbours lie along the rows' dimension. */
const isTransposed = (operands: readonly Operand[], last: number): boolean =>
  operands.some(
    ({ strides }) => strides[last]! > 1 && strides[last - 1]! > 0 && strides[last - 1]! < strides[last]!,
  );

/** The dimensions before the last two, and the tiles of the last. */
function launchNest(
  kernel: Kernel,
  words: Int32Array,
  first: number,
  frame: number,
  shape: readonly number[],
  operands: readonly Operand[],
  sizes: readonly number[],
  tile: number,
  usesIndex: boolean,
): void {
  const rank = shape.length;
  const count = shape[rank - 1]!;
  const index = first + indexWord(operands.length);
  const outer = new Odometer(shape, Math.max(rank - 2, 0), operands);
  const starts = operands.map((operand, k) => addressOf(operand, sizes[k]!) - operand.offset * sizes[k]!);
  do {
    for (let at = 0; at < count; at += tile) {
      words[first + PointwiseWord.count] = Math.min(tile, count - at);
      for (let k = 0; k < operands.length; k++) {
        const offset = outer.offsets[k]! + at * operands[k]!.strides[rank - 1]!;
        words[first + PointwiseWord.operands + k * WORDS_PER_OPERAND] = starts[k]! + offset * sizes[k]!;
      }
      if (usesIndex) {
        for (let dim = 0; dim < rank - 2; dim++) words[index + dim] = outer.counters[dim]!;
        words[index + rank - 1] = at;
      }
      kernel.run(frame);
    }
  } while (outer.next());
}
