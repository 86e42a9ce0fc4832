import {
  byteLengthOf,
  type Operand,
  type Parameters,
  type Update,
  type UpdateKernel,
  type UpdateRow,
} from '@flambeau/core/backend';
import { type CpuAllocation, copyBytes, HeapAllocation, SMALL_BYTES } from '../allocation.ts';
import { addressOf, inHeap } from '../staging.ts';
import { PARTS_PER_THREAD } from '../threads/pool.ts';
import type { Engine } from './engine.ts';
import { isVectorizable } from './programs/body.ts';
import { type Parameter, parametersOf, writeParameters } from './programs/frame.ts';
import type { Kernel } from './programs/kernel.ts';
import { entryWords, programsOf, updateKernel, updateWeight } from './programs/update.ts';

/** An update prepared. */
interface Prepared {
  readonly kernel: Kernel;
  readonly sizes: readonly number[];
  readonly written: readonly boolean[];
  readonly parameters: readonly Parameter[];
  /** About how long one element takes. */
  readonly nanoseconds: number;
}

/** Updates in WebAssembly: one kernel walks a table of runs of elements, in which every row stands. */
export function wasmUpdate(engine: Engine): UpdateKernel {
  const known: (Prepared | null | undefined)[] = [];
  const preparedFor = (update: Update): Prepared | null => {
    let prepared = known[update.id];
    if (prepared === undefined) prepared = known[update.id] = prepare(engine, update);
    return prepared;
  };
  const table = new Table(engine);
  return {
    when: (update, { operands }) =>
      engine.ready && operands.every(isReachable) && preparedFor(update) !== null,
    run: (update, rows, parameters) => table.run(preparedFor(update)!, rows, parameters),
  };
}

function prepare(engine: Engine, update: Update): Prepared | null {
  const programs = programsOf(update);
  if (!programs.every(isVectorizable)) return null;
  return {
    kernel: updateKernel(engine.target, update),
    sizes: update.operands.map(byteLengthOf),
    written: update.operands.map((_, k) => update.written.includes(k)),
    parameters: parametersOf(...programs),
    nanoseconds: 0.1 + updateWeight(update) * 0.04,
  };
}

/** Whether an operand lies in the heap, or is small enough to be copied there. */
const isReachable = (operand: Operand): boolean =>
  inHeap(operand) || operand.allocation.byteLength <= SMALL_BYTES;

/** Elements that no two threads divide among themselves. */
const GRAIN = 1024;
/** Places for copies of small tensors, which lie outside of the heap. */
const COPIES = 256;

/** A small tensor that a kernel overwrites in a copy. */
interface Overwritten {
  readonly copy: HeapAllocation;
  readonly original: CpuAllocation;
}

/**
 * The table that kernels walk, in the memory of the engine's frames: parameters, then an entry for each run of elements,
 * and at the end copies of small tensors. Where threads share the work, long rows are several entries.
 */
class Table {
  private readonly engine: Engine;
  private readonly copies: HeapAllocation[] = [];
  private readonly overwritten: Overwritten[] = [];
  private count = 0;
  private copyCount = 0;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  run(prepared: Prepared, rows: readonly UpdateRow[], given: Parameters): void {
    const { engine } = this;
    const { parameters, sizes } = prepared;
    const base = engine.frame(0);
    writeParameters(engine.view(), base, 0, parameters, given);
    const entries = base + parameters.length * 8;
    const most = Math.floor((this.copiesFrom - entries) / (entryWords(sizes.length) * 4));
    let total = 0;
    for (const { length } of rows) total += length;
    const width = prepared.kernel.code === null ? 1 : engine.pool.width(total * prepared.nanoseconds);
    const part = width === 1 ? total : Math.ceil(total / (width * PARTS_PER_THREAD) / GRAIN) * GRAIN;
    for (const row of rows) {
      for (let from = 0; from < row.length; from += part) {
        if (this.count === most || this.copyCount + sizes.length > COPIES)
          this.launch(prepared, width, entries);
        this.enter(prepared, entries, row, from, Math.min(part, row.length - from));
      }
    }
    this.launch(prepared, width, entries);
  }

  private get copiesFrom(): number {
    return this.engine.frame(0) + this.engine.frameBytes - COPIES * SMALL_BYTES;
  }

  private enter(
    { sizes, written }: Prepared,
    entries: number,
    { operands }: UpdateRow,
    from: number,
    length: number,
  ): void {
    const { words } = this.engine.view();
    let word = entries / 4 + this.count * entryWords(sizes.length);
    words[word++] = length;
    for (let k = 0; k < operands.length; k++) {
      const operand = operands[k]!;
      const size = sizes[k]!;
      words[word++] = inHeap(operand)
        ? addressOf(operand, size) + from * size
        : this.copyOf(operand, written[k]!).address + (operand.offset + from) * size;
    }
    this.count += 1;
  }

  private copyOf({ allocation }: Operand, isWritten: boolean): HeapAllocation {
    const { heap } = this.engine;
    const at = this.copyCount++;
    const copy = (this.copies[at] ??= new HeapAllocation(
      SMALL_BYTES,
      heap,
      this.copiesFrom + at * SMALL_BYTES,
    ));
    // What does not lie in the heap is a piece of a typed array, made by this backend.
    const original = allocation as CpuAllocation;
    copyBytes(original, 0, copy, 0, original.byteLength);
    if (isWritten) this.overwritten.push({ copy, original });
    return copy;
  }

  private launch({ kernel, sizes }: Prepared, width: number, entries: number): void {
    const { count, overwritten } = this;
    const base = this.engine.frame(0);
    const { code, run } = kernel;
    this.count = 0;
    this.copyCount = 0;
    if (width === 1 || code === null || count === 1) run(entries, count, base);
    else {
      const per = Math.ceil(count / (width * PARTS_PER_THREAD));
      this.engine.pool.run({
        code,
        name: 'run',
        args: [entries, per, base],
        steps: [per * entryWords(sizes.length) * 4],
        chunks: Math.ceil(count / per),
        count: { at: 1, per, total: count },
      });
    }
    for (const { copy, original } of overwritten) copyBytes(copy, 0, original, 0, original.byteLength);
    overwritten.length = 0;
  }
}
