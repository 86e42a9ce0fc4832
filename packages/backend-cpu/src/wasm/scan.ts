import {
  byteLengthOf,
  type DType,
  type Operand,
  type RequiredKernels,
  type ScanCombiner,
  sizeOf,
} from '@flambeau/core/backend';
import { arrange } from '../loops.ts';
import { addressOf, allInHeap, staged } from '../staging.ts';
import { Code } from '../threads/code.ts';
import { PARTS_PER_THREAD, type ThreadPool } from '../threads/pool.ts';
import { Odometer } from '../walk.ts';
import type { Engine } from './engine.ts';
import type { Lanes } from './lanes/lanes.ts';
import { type Running, runningCombination, runningExtremum } from './programs/running.ts';
import { type ScanLayout, ScanWalk, scanModule } from './programs/scan.ts';
import type { Steps } from './programs/step.ts';

type Scan = RequiredKernels['scan'];

/** Results of a few elements lie in arrays: staging them is worth it for so many times as many elements. */
const STAGED_TIMES = 4;
/** Columns of which a thread takes at least so many: no two write into one cache line. */
const COLUMN_GRAIN = 64;
/** Lines that are scanned side by side for the sake of the arithmetic, however they lie. */
const ENOUGH_LINES = 4;
const NANOSECONDS: Readonly<Record<ScanCombiner, number>> = {
  sum: 0.7,
  prod: 1,
  max: 0.5,
  min: 0.5,
  logaddexp: 12,
};

/** What is scanned for: a key for the kernels, and the time that one element takes, about. */
interface Kind {
  readonly key: string;
  readonly nanoseconds: number;
  /** Whether lines side by side are so much faster that it is worth reading elements that lie apart. */
  readonly costly: boolean;
  readonly running: (lanes: Lanes, steps: Steps) => Running;
}

/** The `scan` kernel in WebAssembly; what is small goes to `otherwise`. */
export function wasmScan(engine: Engine, otherwise: Scan): Scan {
  const scans = new Scans(engine.pool, engine.target.relaxed);
  return (combiner, shape, output, input, reverse) => {
    const least = engine.leastElements * (allInHeap(output, [input]) ? 1 : STAGED_TIMES);
    const done =
      sizeOf(shape) >= least &&
      staged(engine.heap, [output], [input], ([y], [x]) => scans.combine(combiner, shape, y!, x!, reverse));
    if (!done) otherwise(combiner, shape, output, input, reverse);
  };
}

/** Scans of operands in the heap along the last dimension of a shape. */
export class Scans {
  private readonly pool: ThreadPool;
  private readonly relaxed: boolean;
  private readonly codes = new Map<string, Code>();

  constructor(pool: ThreadPool, relaxed: boolean) {
    this.pool = pool;
    this.relaxed = relaxed;
  }

  combine(
    combiner: ScanCombiner,
    shape: readonly number[],
    output: Operand,
    input: Operand,
    reverse: boolean,
  ): void {
    const { dtype } = input;
    const kind: Kind = {
      key: combiner,
      nanoseconds: NANOSECONDS[combiner],
      costly:
        combiner === 'logaddexp' || (dtype === 'float64' && (combiner === 'sum' || combiner === 'prod')),
      running: (lanes, steps) => runningCombination(lanes, steps, combiner, dtype),
    };
    this.run(kind, shape, input, [output], reverse);
  }

  /** The running extremum, and its place: the last of ties, and of NaN. */
  extremum(
    mode: 'max' | 'min',
    shape: readonly number[],
    values: Operand,
    places: Operand,
    input: Operand,
  ): void {
    const kind: Kind = {
      key: `${mode} and place`,
      nanoseconds: 1,
      costly: false,
      running: (lanes, steps) => runningExtremum(lanes, steps, mode, input.dtype),
    };
    this.run(kind, shape, input, [values, places], false);
  }

  private run(
    kind: Kind,
    shape: readonly number[],
    input: Operand,
    outputs: readonly Operand[],
    reverse: boolean,
  ): void {
    const last = shape.length - 1;
    const length = shape[last]!;
    const operands = [input, ...outputs];
    // The first output leads: the nearest of its lines come last.
    const [first, ...others] = [...outputs, input].map(({ strides }) => strides.slice(0, last));
    const loops = arrange(shape.slice(0, last), [first!, ...others]);
    const strides = [loops.strides.at(-1)!, ...loops.strides.slice(0, -1)];
    const kept = loops.shape.length - 1;
    const lines = loops.shape[kept] ?? 1;
    const steps = strides.map((walk) => walk[kept] ?? 0);
    const along = operands.map((operand) => operand.strides[last]! * (reverse ? -1 : 1));
    const code = this.codeFor(kind, input.dtype, layoutOf(kind.costly, lines, steps, along));
    const turns = new Odometer(
      loops.shape,
      Math.max(0, kept),
      operands.map(({ offset }, k) => ({ offset, strides: strides[k]! })),
    );
    const sizes = operands.map(({ dtype }) => byteLengthOf(dtype));
    const starts = operands.map((operand, k) => {
      const end = reverse ? (length - 1) * operand.strides[last]! : 0;
      return addressOf(operand, 0) + end * sizes[k]!;
    });
    do {
      const places = starts.map((start, k) => [
        start + turns.offsets[k]! * sizes[k]!,
        steps[k]! * sizes[k]!,
        along[k]! * sizes[k]!,
      ]);
      this.launch(code, kind.nanoseconds, lines, length, places.flat());
    } while (turns.next());
  }

  private launch(
    code: Code,
    nanoseconds: number,
    lines: number,
    length: number,
    places: readonly number[],
  ): void {
    const { pool } = this;
    const args = [lines, length, ...places];
    const threads = lines === 1 ? 1 : pool.width(lines * length * nanoseconds);
    if (threads === 1) {
      code.functions.run!(...args);
      return;
    }
    const neighbours = places[1]! < places[2]!;
    const per = Math.max(neighbours ? COLUMN_GRAIN : 1, Math.ceil(lines / (threads * PARTS_PER_THREAD)));
    pool.run({
      code,
      name: 'run',
      args,
      steps: [0, 0, ...places.map((_, i) => (i % 3 === 0 ? per * places[i + 1]! : 0))],
      chunks: Math.ceil(lines / per),
      count: { at: 0, per, total: lines },
    });
  }

  private codeFor({ key, running }: Kind, dtype: DType, layout: ScanLayout): Code {
    const { heap } = this.pool;
    const name = `${key} of ${dtype}: ${layout.byColumns} ${layout.walks.join()}`;
    let code = this.codes.get(name);
    if (code === undefined) {
      code = new Code(heap, scanModule(heap.shared, this.relaxed, dtype, layout, running));
      this.codes.set(name, code);
    }
    return code;
  }
}

/** Vectors hold lines side by side where these lie nearer to each other than neighbours along the scan. */
function layoutOf(
  costly: boolean,
  lines: number,
  steps: readonly number[],
  along: readonly number[],
): ScanLayout {
  const reach = (walk: readonly number[]): number => walk.reduce((sum, step) => sum + Math.abs(step), 0);
  const byColumns = lines >= ENOUGH_LINES && (costly || reach(steps) < reach(along));
  const walkOf = (step: number): ScanWalk => {
    if (step === 1) return ScanWalk.neighbours;
    return step === -1 ? ScanWalk.mirrored : ScanWalk.strided;
  };
  return { byColumns, walks: (byColumns ? steps : along).map(walkOf) };
}
