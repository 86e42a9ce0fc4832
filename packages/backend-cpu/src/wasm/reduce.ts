import {
  byteLengthOf,
  type Operand,
  type Parameters,
  type Reduction,
  type RequiredKernels,
  sizeOf,
} from '@flambeau/core/backend';
import { arrange } from '../loops.ts';
import { addressOf, allInHeap, staged } from '../staging.ts';
import { Odometer } from '../walk.ts';
import { ALONE_NS, type Engine, walkOf } from './engine.ts';
import { programWeight } from './programs/body.ts';
import { type Parameter, parametersOf, writeParameters } from './programs/frame.ts';
import type { Kernel } from './programs/kernel.ts';
import { canReduce, reduceKernel as compile } from './programs/reduce.ts';
import { ReduceWord, reduceWordCount, Stride, WORDS_PER_INPUT } from './programs/reduce-frame.ts';

type Reduce = RequiredKernels['reduce'];

interface Prepared {
  readonly outputSize: number;
  readonly inputSizes: readonly number[];
  readonly parameters: readonly Parameter[];
  /** About how long one element takes. */
  readonly nanoseconds: number;
  readonly kernels: (Kernel | undefined)[];
}

/** Below this many columns a row of accumulators costs more than it saves. */
const FEW_COLUMNS = 4;
/** From so many rows on threads share these, and columns otherwise. */
const ENOUGH_ROWS = 64;
/** Elements of which a thread takes at least so many at once. */
const GRAIN = 4096;

/** The `reduce` kernel in WebAssembly; what is small or has no vector code goes to `otherwise`. */
export function wasmReduce(engine: Engine, otherwise: Reduce): Reduce {
  const table: (Prepared | null | undefined)[] = [];
  return (reduction, shape, keptRank, output, inputs, parameters) => {
    const size = shape.length === 1 ? shape[0]! : sizeOf(shape);
    const prepared =
      size < engine.leastElements || !engine.ready
        ? null
        : (table[reduction.id] ??= canReduce(reduction) ? prepare(reduction) : null);
    const plan = prepared === null ? null : planOf(shape, keptRank, output, inputs);
    if (prepared !== null && plan !== null) {
      if (allInHeap(output, inputs)) {
        launch(engine, reduction, prepared, plan, output, inputs, parameters);
        return;
      }
      const run = ([y]: readonly Operand[], xs: readonly Operand[]): void =>
        launch(engine, reduction, prepared, plan, y!, xs, parameters);
      if (staged(engine.heap, [output], inputs, run)) return;
    }
    otherwise(reduction, shape, keptRank, output, inputs, parameters);
  };
}

function prepare(reduction: Reduction): Prepared {
  return {
    outputSize: byteLengthOf(reduction.post.output),
    inputSizes: reduction.pre.inputs.map(byteLengthOf),
    parameters: parametersOf(reduction.pre, reduction.post),
    nanoseconds: 0.1 + programWeight(reduction.pre) * 0.04,
    kernels: [],
  };
}

/** A loop: its size, and the strides of the output (0 where it is reduced) and of the inputs, in elements. */
interface Loop {
  readonly size: number;
  readonly strides: readonly number[];
}

/** The loop that is none, over the most operands that a kernel has. */
const once: Loop = { size: 1, strides: new Array<number>(16).fill(0) };
const NONE: readonly Loop[] = [];

/** Which loop runs where. */
interface Plan {
  readonly byColumns: boolean;
  readonly rows: Loop;
  readonly columns: Loop;
  readonly outer: Loop;
  readonly inner: Loop;
  /** Kept loops around those in the kernel. */
  readonly around: readonly Loop[];
}

/** Null where the reduced dimensions are more than the kernel's loops. */
function planOf(
  shape: readonly number[],
  keptRank: number,
  output: Operand,
  inputs: readonly Operand[],
): Plan | null {
  if (keptRank === 0 && shape.length === 1) {
    const strides = [0];
    for (const input of inputs) strides.push(input.strides[0]!);
    const inner = { size: shape[0]!, strides };
    return { byColumns: false, rows: once, columns: once, outer: once, inner, around: NONE };
  }
  const loopsOf = (from: number, to: number): Loop[] => {
    const sizes = shape.slice(from, to);
    const of = ({ strides }: Operand): number[] => strides.slice(from, to);
    const own = from === 0 ? output.strides.slice(0, to) : sizes.map(() => 0);
    // The first input leads: the nearest of its elements come last.
    const loops = arrange(sizes, [of(inputs[0]!), own, ...inputs.slice(1).map(of)]);
    return loops.shape.map((size, dim) => {
      const [first, y, ...others] = loops.strides.map((strides) => strides[dim]!);
      return { size, strides: [y!, first!, ...others] };
    });
  };
  const kept = loopsOf(0, keptRank);
  const reduced = loopsOf(keptRank, shape.length);
  if (reduced.length > 2) return null;
  const inner = reduced.at(-1) ?? once;
  const outer = reduced.at(-2) ?? once;
  const column = kept.at(-1);
  const reach = ({ strides }: Loop): number => Math.max(...strides.slice(1));
  const byColumns =
    column !== undefined && column.size >= FEW_COLUMNS && inner.size > 1 && reach(column) < reach(inner);
  const inside = byColumns ? 2 : 1;
  return {
    byColumns,
    rows: kept.at(-inside) ?? once,
    columns: byColumns ? column : once,
    outer,
    inner,
    around: kept.slice(0, Math.max(0, kept.length - inside)),
  };
}

function kernelFor(engine: Engine, reduction: Reduction, prepared: Prepared, plan: Plan): Kernel {
  const along = plan.byColumns ? plan.columns : plan.inner;
  const walks = along.strides.map(walkOf);
  let layout = plan.byColumns ? 1 : 0;
  for (const walk of walks) layout = layout * 3 + walk;
  return (prepared.kernels[layout] ??= compile(engine.target, reduction, plan.byColumns, walks));
}

function launch(
  engine: Engine,
  reduction: Reduction,
  prepared: Prepared,
  plan: Plan,
  output: Operand,
  inputs: readonly Operand[],
  parameters: Parameters,
): void {
  const kernel = kernelFor(engine, reduction, prepared, plan);
  const { outputSize, inputSizes } = prepared;
  const views = engine.view();
  const frame = engine.frame(0);
  const first = frame / 4;
  const { words } = views;
  const { rows, columns, outer, inner, around } = plan;
  words[first + ReduceWord.outer] = outer.size;
  words[first + ReduceWord.inner] = inner.size;
  words[first + ReduceWord.output + 1] = rows.strides[0]! * outputSize;
  words[first + ReduceWord.output + 2] = columns.strides[0]! * outputSize;
  const wordOf = (k: number): number => first + ReduceWord.inputs + k * WORDS_PER_INPUT;
  for (let k = 0; k < inputSizes.length; k++) {
    const size = inputSizes[k]!;
    words[wordOf(k) + Stride.row] = rows.strides[k + 1]! * size;
    words[wordOf(k) + Stride.column] = columns.strides[k + 1]! * size;
    words[wordOf(k) + Stride.outer] = outer.strides[k + 1]! * size;
    words[wordOf(k) + Stride.inner] = inner.strides[k + 1]! * size;
  }
  if (prepared.parameters.length > 0)
    writeParameters(views, frame, reduceWordCount(inputs.length), prepared.parameters, parameters);
  const elements = rows.size * columns.size * outer.size * inner.size;
  if (around.length === 0 && prepared.nanoseconds * elements < ALONE_NS) {
    words[first + ReduceWord.rows] = rows.size;
    words[first + ReduceWord.columns] = columns.size;
    words[first + ReduceWord.output] = addressOf(output, outputSize);
    for (let k = 0; k < inputs.length; k++) words[wordOf(k)] = addressOf(inputs[k]!, inputSizes[k]!);
    kernel.run(frame);
    return;
  }
  const walked = [output, ...inputs].map(({ offset }, k) => ({
    offset,
    strides: around.map(({ strides }) => strides[k]!),
  }));
  const turns = new Odometer(
    around.map(({ size }) => size),
    around.length,
    walked,
  );
  const start = addressOf(output, 0);
  const starts = inputs.map((input) => addressOf(input, 0));
  const byRows = rows.size >= ENOUGH_ROWS || !plan.byColumns;
  const narrow = (word: number, from: number, part: number): void => {
    words[word + (byRows ? ReduceWord.rows : ReduceWord.columns)] = part;
    words[word + ReduceWord.output]! += from * words[word + ReduceWord.output + (byRows ? 1 : 2)]!;
    for (let k = 0; k < inputs.length; k++) {
      const input = word + ReduceWord.inputs + k * WORDS_PER_INPUT;
      words[input]! += from * words[input + (byRows ? Stride.row : Stride.column)]!;
    }
  };
  const grain = byRows ? Math.max(16, Math.ceil((GRAIN * rows.size) / elements)) : 64;
  do {
    words[first + ReduceWord.rows] = rows.size;
    words[first + ReduceWord.columns] = columns.size;
    words[first + ReduceWord.output] = start + turns.offsets[0]! * outputSize;
    for (let k = 0; k < starts.length; k++)
      words[wordOf(k)] = starts[k]! + turns.offsets[k + 1]! * inputSizes[k]!;
    engine.share(kernel, prepared.nanoseconds * elements, byRows ? rows.size : columns.size, grain, narrow);
  } while (turns.next());
}
