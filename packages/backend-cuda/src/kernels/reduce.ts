import {
  byteLengthOf,
  type DType,
  type Operand,
  type Parameters,
  type Reduction,
  type RequiredKernels,
  sizeOf,
} from '@flambeau/core/backend';
import { faults, type ParameterSlot, parameterSlots } from '../cuda-c/body.ts';
import { accumulatorDType } from '../cuda-c/combine.ts';
import { rankClass } from '../cuda-c/nest.ts';
import { REDUCE_THREADS, type ReduceStage, reduceSource } from '../cuda-c/reduce.ts';
import type { CudaAllocation } from '../launch.ts';
import { type Context, Variants, writeParameters } from './context.ts';
import { arrange, type Loops, pointerTo, reachOf, writeCount, writeNest } from './loops.ts';

/** The `reduce` kernel. */
export function reduceKernel(context: Context): RequiredKernels['reduce'] {
  const compiled: CompiledReduction[] = [];
  return (reduction, shape, keptRank, output, inputs, parameters) => {
    const one = (compiled[reduction.id] ??= new CompiledReduction(context, reduction));
    one.run(shape, keptRank, output, inputs, parameters);
  };
}

/** A block of fewer threads than this wastes its warps' scheduling. */
const BLOCK_THREADS = 256;
/** Elements that one thread should have, before threads are spread over more blocks or lanes. */
const PER_LANE = 4;
/** Elements that a lane should keep where blocks share a result. */
const PER_CHUNK_LANE = 16;
/** The most blocks that share one result. */
const MOST_CHUNKS = 512;
/** Kept neighbours must be this many before neighbouring threads take them. */
const FEW_COLUMNS = 8;

/** How the threads of a launch are spread. */
interface Spread {
  readonly byRow: boolean;
  readonly lanes: number;
  /** Results for one block. */
  readonly rows: number;
  readonly blocks: number;
  readonly chunks: number;
  readonly chunk: number;
}

const floorPower = (x: number): number => 2 ** Math.floor(Math.log2(x));
const ceilPower = (x: number): number => 2 ** Math.ceil(Math.log2(x));

const STAGES: Readonly<Record<ReduceStage, number>> = { whole: 0, partial: 1, final: 2 };

/** A reduction with its kernels. */
export class CompiledReduction {
  private readonly context: Context;
  private readonly reduction: Reduction;
  private readonly variants: Variants;
  private readonly slots: Readonly<Record<ReduceStage, readonly ParameterSlot[]>>;
  private readonly faults: Readonly<Record<ReduceStage, boolean>>;
  private readonly accumulator: DType;
  private readonly usesIndex: boolean;

  constructor(context: Context, reduction: Reduction) {
    const { pre, post } = reduction;
    this.context = context;
    this.reduction = reduction;
    this.variants = new Variants(context.launch);
    this.slots = {
      whole: parameterSlots([pre, post]),
      partial: parameterSlots([pre]),
      final: parameterSlots([post]),
    };
    this.faults = {
      whole: faults(pre) || faults(post),
      partial: faults(pre),
      final: faults(post),
    };
    this.accumulator = accumulatorDType(pre.output);
    this.usesIndex = pre.usesIndex || post.usesIndex;
  }

  run(
    shape: readonly number[],
    keptRank: number,
    output: Operand,
    inputs: readonly Operand[],
    parameters: Parameters,
  ): void {
    const outer = inputs.map(({ strides }) => strides.slice(0, keptRank));
    const inner = inputs.map(({ strides }) => strides.slice(keptRank));
    const keptLoops = { shape: shape.slice(0, keptRank), strides: [...outer, output.strides] };
    const reducedLoops = { shape: shape.slice(keptRank), strides: inner };
    // A program that reads indices keeps its dimensions as they are.
    const keptArranged = this.usesIndex ? atLeastOne(keptLoops) : arrange(keptLoops);
    const reduced = this.usesIndex ? atLeastOne(reducedLoops) : arrange(reducedLoops);
    const kept = {
      shape: keptArranged.shape,
      strides: [keptArranged.strides.at(-1)!, ...keptArranged.strides.slice(0, -1)],
    };
    const spread = spreadOf(kept, reduced, this.context.launch.properties.multiprocessors);
    const call: Call = {
      kept,
      reduced,
      output,
      inputs,
      parameters,
      spread,
      wide: this.isWide(kept, reduced),
    };
    if (spread.chunks === 1) {
      this.launch('whole', call, null);
      return;
    }
    const { launch } = this.context;
    const count = sizeOf(kept.shape);
    const parts = launch.workspace(spread.chunks * count * byteLengthOf(this.accumulator));
    this.launch('partial', call, parts);
    const last = spreadOver(count, spread.chunks, false);
    this.launch('final', { ...call, spread: last }, parts);
    launch.release(parts);
  }

  private isWide(kept: Loops, reduced: Loops): boolean {
    const limit = this.context.narrowLimit;
    const [outer, inner] = [sizeOf(kept.shape), sizeOf(reduced.shape)];
    if (outer >= limit || inner >= limit) return true;
    return kept.strides.some((strides, k) => {
      const reach =
        reachOf(kept.shape, strides) + (k === 0 ? 0 : reachOf(reduced.shape, reduced.strides[k - 1]!));
      return reach >= limit;
    });
  }

  private launch(stage: ReduceStage, call: Call, parts: CudaAllocation | null): void {
    const { launch } = this.context;
    const { kept, reduced, output, inputs, spread, wide } = call;
    const { pre, post } = this.reduction;
    // One class for both, so that there are few kernels.
    const rank = rankClass(Math.max(kept.shape.length, stage === 'final' ? 0 : reduced.shape.length));
    const keptRank = this.usesIndex ? kept.shape.length : rank;
    const reducedRank = this.usesIndex ? reduced.shape.length : rank;
    const variant = (((STAGES[stage] * 9 + keptRank) * 9 + reducedRank) << 1) | (wide ? 1 : 0);
    const kernel = this.variants.get(variant, () =>
      reduceSource(this.reduction, { stage, keptRank, reducedRank, wide }),
    );
    const args = launch.arguments.reset();
    if (stage !== 'partial') pointerTo(args, output, byteLengthOf(post.output));
    if (parts !== null) args.pointer(parts, 0);
    if (stage !== 'final')
      for (const [k, input] of inputs.entries()) pointerTo(args, input, byteLengthOf(pre.inputs[k]!));
    if (this.faults[stage]) args.pointer(launch.fault, 0);
    const reducedCount = stage === 'final' ? call.spread.chunk : sizeOf(reduced.shape);
    writeCount(args, sizeOf(kept.shape), wide);
    writeCount(args, reducedCount, wide);
    writeCount(args, spread.chunk, wide);
    args.i32(spread.lanes).i32(spread.byRow ? 1 : 0);
    writeNest(args, keptFor(stage, kept), keptRank, wide);
    if (stage !== 'final') writeNest(args, reduced, reducedRank, wide);
    writeParameters(args, this.slots[stage], call.parameters);
    const threads = spread.lanes * spread.rows;
    launch.launch(kernel, [spread.blocks, spread.chunks, 1], [threads, 1, 1], 0, args);
  }
}

interface Call {
  readonly kept: Loops;
  readonly reduced: Loops;
  readonly output: Operand;
  readonly inputs: readonly Operand[];
  readonly parameters: Parameters;
  readonly spread: Spread;
  readonly wide: boolean;
}

/** Partial results have no output yet, and the last kernel has no inputs. */
function keptFor(stage: ReduceStage, { shape, strides }: Loops): Loops {
  if (stage === 'whole') return { shape, strides };
  return { shape, strides: stage === 'partial' ? strides.slice(1) : strides.slice(0, 1) };
}

const atLeastOne = ({ shape, strides }: Loops): Loops =>
  shape.length > 0 ? { shape, strides } : { shape: [1], strides: strides.map(() => [0]) };

/** The largest stride along the innermost dimension. */
function innerStride({ shape, strides }: Loops, from: number): number {
  let step = 0;
  for (let k = from; k < strides.length; k++) step = Math.max(step, strides[k]![shape.length - 1]!);
  return step;
}

function spreadOf(kept: Loops, reduced: Loops, multiprocessors: number): Spread {
  const [results, elements] = [sizeOf(kept.shape), sizeOf(reduced.shape)];
  const columns = kept.shape.at(-1)!;
  const byRow = columns < FEW_COLUMNS || innerStride(kept, 1) >= innerStride(reduced, 0);
  const whole = spreadOver(results, elements, byRow);
  const wanted = Math.ceil((2 * multiprocessors) / whole.blocks);
  const chunks = Math.min(MOST_CHUNKS, wanted, Math.floor(elements / (whole.lanes * PER_CHUNK_LANE)));
  if (chunks < 2) return whole;
  const chunk = Math.ceil(elements / chunks);
  return { ...whole, chunks: Math.ceil(elements / chunk), chunk };
}

function spreadOver(results: number, elements: number, byRow: boolean): Spread {
  const busy = Math.max(1, Math.ceil(elements / PER_LANE));
  if (byRow) {
    const lanes = Math.min(REDUCE_THREADS, ceilPower(busy));
    const rows = Math.max(1, Math.min(BLOCK_THREADS / lanes, ceilPower(results)));
    return fullWarps({ byRow, lanes, rows, results, elements });
  }
  const rows = Math.min(32, ceilPower(results));
  const lanes = Math.min(BLOCK_THREADS / rows, floorPower(busy));
  // A single lane for each result: then a block takes more of them.
  return fullWarps({ byRow, lanes, rows: lanes === 1 ? BLOCK_THREADS / 2 : rows, results, elements });
}

/** Shuffles take whole warps, so that a block has 32 threads at least. */
function fullWarps(plan: {
  readonly byRow: boolean;
  readonly lanes: number;
  readonly rows: number;
  readonly results: number;
  readonly elements: number;
}): Spread {
  const { byRow, lanes, results, elements } = plan;
  const rows = Math.max(plan.rows, Math.ceil(32 / lanes));
  return { byRow, lanes, rows, blocks: Math.ceil(results / rows), chunks: 1, chunk: elements };
}
