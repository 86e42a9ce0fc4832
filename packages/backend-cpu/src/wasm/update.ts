import {
  byteLengthOf,
  type Operand,
  OutOfMemoryError,
  type Parameters,
  type Update,
  type UpdateKernel,
  type UpdateRow,
} from '@flambeau/core/backend';
import { SMALL_BYTES } from '../allocation.ts';
import { addressOf, inHeap, staged } from '../staging.ts';
import type { Engine } from './engine.ts';
import { isVectorizable } from './programs/body.ts';
import { type Parameter, parametersOf, writeParameters } from './programs/frame.ts';
import type { Kernel } from './programs/kernel.ts';
import { entryWords, programsOf, updateKernel, updateWeight } from './programs/update.ts';

/** An update prepared. */
interface Prepared {
  readonly kernel: Kernel;
  readonly sizes: readonly number[];
  readonly parameters: readonly Parameter[];
  /** About how long one element takes. */
  readonly nanoseconds: number;
}

/** Elements that no two threads divide among themselves. */
const GRAIN = 1024;
/** Threads that come late leave their parts to the others. */
const PARTS_PER_THREAD = 4;

/**
 * Updates in WebAssembly: one kernel walks a table of runs of elements, in which every row stands, in pieces where threads
 * share the work. The table lies in the memory of the engine's frames, behind the parameters.
 */
export function wasmUpdate(engine: Engine): UpdateKernel {
  const table: (Prepared | null | undefined)[] = [];
  const preparedFor = (update: Update): Prepared | null => {
    let prepared = table[update.id];
    if (prepared === undefined) prepared = table[update.id] = prepare(engine, update);
    return prepared;
  };
  return {
    when: (update, { operands }) =>
      engine.ready && operands.every(isReachable) && preparedFor(update) !== null,
    run(update, rows, parameters) {
      const launch = new Launch(engine, preparedFor(update)!, parameters);
      const loose = rows.filter((row) => !row.operands.every(inHeap));
      if (loose.length === 0) launch.run(rows);
      else runStaged(engine, update, rows, loose, (placed) => launch.run(placed));
    },
  };
}

function prepare(engine: Engine, update: Update): Prepared | null {
  const programs = programsOf(update);
  if (!programs.every(isVectorizable)) return null;
  return {
    kernel: updateKernel(engine.target, update),
    sizes: update.operands.map(byteLengthOf),
    parameters: parametersOf(...programs),
    nanoseconds: 0.1 + updateWeight(update) * 0.04,
  };
}

/** Whether an operand lies in the heap, or is small enough to be copied there. */
const isReachable = (operand: Operand): boolean =>
  inHeap(operand) || operand.allocation.byteLength <= SMALL_BYTES;

/** Runs with copies of the rows of small tensors, which lie outside of the heap. */
function runStaged(
  engine: Engine,
  { written }: Update,
  rows: readonly UpdateRow[],
  loose: readonly UpdateRow[],
  run: (rows: readonly UpdateRow[]) => void,
): void {
  const targets = loose.flatMap(({ operands }) => written.map((k) => operands[k]!));
  const inputs = loose.flatMap(({ operands }) => operands);
  const done = staged(engine.heap, targets, inputs, (_, placed) => {
    let at = 0;
    const copies = loose.map(({ length, operands }) => {
      return { length, operands: placed.slice(at, (at += operands.length)) };
    });
    run([...rows.filter((row) => !loose.includes(row)), ...copies]);
  });
  if (!done) throw new OutOfMemoryError('the heap has no room to stage the operands of an update');
}

/** One call: fills the table, and runs the kernel whenever it is full. */
class Launch {
  private readonly engine: Engine;
  private readonly prepared: Prepared;
  private readonly base: number;
  private readonly entries: number;
  private readonly entryBytes: number;
  private readonly most: number;
  private count = 0;

  constructor(engine: Engine, prepared: Prepared, given: Parameters) {
    const { parameters, sizes } = prepared;
    this.engine = engine;
    this.prepared = prepared;
    this.base = engine.frame(0);
    writeParameters(engine.view(), this.base, 0, parameters, given);
    const parameterBytes = parameters.length * 8;
    this.entries = this.base + parameterBytes;
    this.entryBytes = entryWords(sizes.length) * 4;
    this.most = Math.floor((engine.frameBytes - parameterBytes) / this.entryBytes);
  }

  run(rows: readonly UpdateRow[]): void {
    const { engine, prepared } = this;
    let total = 0;
    for (const { length } of rows) total += length;
    const nanoseconds = total * prepared.nanoseconds;
    const width = prepared.kernel.code === null ? 1 : engine.pool.width(nanoseconds);
    const part = width === 1 ? total : Math.ceil(total / (width * PARTS_PER_THREAD) / GRAIN) * GRAIN;
    for (const row of rows) {
      for (let from = 0; from < row.length; from += part) {
        if (this.count === this.most) this.flush(width);
        this.enter(row, from, Math.min(part, row.length - from));
      }
    }
    this.flush(width);
  }

  private enter({ operands }: UpdateRow, from: number, length: number): void {
    const { sizes } = this.prepared;
    const { words } = this.engine.view();
    let word = (this.entries + this.count * this.entryBytes) / 4;
    words[word++] = length;
    for (let k = 0; k < operands.length; k++)
      words[word++] = addressOf(operands[k]!, sizes[k]!) + from * sizes[k]!;
    this.count += 1;
  }

  private flush(width: number): void {
    const { count, entries, base, entryBytes } = this;
    const { code, run } = this.prepared.kernel;
    this.count = 0;
    if (width === 1 || code === null || count === 1) {
      run(entries, count, base);
      return;
    }
    const per = Math.ceil(count / (width * PARTS_PER_THREAD));
    this.engine.pool.run({
      code,
      name: 'run',
      args: [entries, per, base],
      steps: [per * entryBytes],
      chunks: Math.ceil(count / per),
      count: { at: 1, per, total: count },
    });
  }
}
