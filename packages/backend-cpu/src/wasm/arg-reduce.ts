import { type DType, type Operand, type RequiredKernels, sizeOf } from '@flambeau/core/backend';
import { arrange } from '../loops.ts';
import { addressOf, allInHeap, staged } from '../staging.ts';
import { Code } from '../threads/code.ts';
import { Odometer } from '../walk.ts';
import {
  type FunctionBuilder,
  f32x4,
  f64x2,
  i32,
  i32x4,
  i64,
  i64x2,
  ModuleBuilder,
  type Opcode,
  Type,
  v128,
} from './assembler/index.ts';
import { countUp, locals, parameters, whileRoom } from './emit.ts';
import type { Engine } from './engine.ts';
import { Lanes, type Reg } from './lanes/lanes.ts';
import { ELEMENTS, type Lane } from './matmul/lane.ts';

type ArgReduce = RequiredKernels['argReduce'];
type Mode = Parameters<ArgReduce>[0];

const NANOSECONDS = 0.25;
const PARTS_PER_THREAD = 4;
/** Results of a few elements lie in arrays: staging them is worth it for so many times as many elements. */
const STAGED_TIMES = 32;
/** Vectors of columns that are walked together: a line of the cache. */
const COLUMN_VECTORS = 4;

/** Comparisons by dtype: which of two wins, what is alike, and the winner itself where there is an instruction for it. */
interface Comparison {
  readonly wins: Readonly<Record<Mode, Opcode>>;
  readonly eq: Opcode;
  readonly ne: Opcode;
  readonly winner: Readonly<Record<Mode, Opcode>> | null;
  readonly floating: boolean;
}

const floats = (ops: typeof f32x4 | typeof f64x2): Comparison => ({
  wins: { max: ops.gt, min: ops.lt },
  eq: ops.eq,
  ne: ops.ne,
  // Of a NaN and a number both give NaN.
  winner: { max: ops.max, min: ops.min },
  floating: true,
});

const integers = (ops: typeof i32x4 | typeof i64x2, winner: Comparison['winner']): Comparison => ({
  wins: { max: ops.gtS, min: ops.ltS },
  eq: ops.eq,
  ne: ops.ne,
  winner,
  floating: false,
});

const COMPARISONS: Readonly<Partial<Record<DType, Comparison>>> = {
  float32: floats(f32x4),
  float64: floats(f64x2),
  int32: integers(i32x4, { max: i32x4.maxS, min: i32x4.minS }),
  int64: integers(i64x2, null),
};

/**
 * The `argReduce` kernel in WebAssembly, along memory or for columns side by side. Narrow dtypes, other layouts and
 * what is small go to `otherwise`.
 */
export function wasmArgReduce(engine: Engine, otherwise: ArgReduce): ArgReduce {
  const codes = new Map<DType, Code>();
  const codeFor = (dtype: DType, comparison: Comparison): Code => {
    let code = codes.get(dtype);
    if (code === undefined) {
      code = new Code(engine.heap, moduleOf(engine.heap.shared, ELEMENTS[dtype]!.lane, comparison));
      codes.set(dtype, code);
    }
    return code;
  };
  return (mode, shape, output, input) => {
    const comparison = COMPARISONS[input.dtype];
    const least = engine.leastElements * (allInHeap(output, [input]) ? 1 : STAGED_TIMES);
    if (comparison !== undefined && sizeOf(shape) >= least) {
      const code = codeFor(input.dtype, comparison);
      let done = false;
      staged(engine.heap, [output], [input], ([y], [x]) => {
        done = run(engine, code, mode, shape, y!, x!);
      });
      if (done) return;
    }
    otherwise(mode, shape, output, input);
  };
}

function run(
  engine: Engine,
  code: Code,
  mode: Mode,
  shape: readonly number[],
  output: Operand,
  input: Operand,
): boolean {
  const last = shape.length - 1;
  const { bytes } = ELEMENTS[input.dtype]!;
  const loops = arrange(shape.slice(0, last), [input.strides.slice(0, last), output.strides.slice(0, last)]);
  const kept = loops.shape.length - 1;
  const [lines, xStep, yStep] = [
    loops.shape[kept] ?? 1,
    loops.strides[0]![kept] ?? 0,
    loops.strides[1]![kept] ?? 0,
  ];
  const along = input.strides[last]!;
  const byColumns = along !== 1;
  if (byColumns && (xStep !== 1 || yStep !== 1)) return false;
  const name = `${mode}${byColumns ? 'Columns' : 'Rows'}`;
  const turns = new Odometer(
    loops.shape,
    Math.max(0, kept),
    [input, output].map(({ offset }, k) => ({ offset, strides: loops.strides[k]! })),
  );
  const [from, to] = [addressOf(input, 0), addressOf(output, 0)];
  const { pool } = engine;
  const threads = lines === 1 ? 1 : pool.width(lines * shape[last]! * NANOSECONDS);
  do {
    const [x, y] = [from + turns.offsets[0]! * bytes, to + turns.offsets[1]! * 4];
    const args = [lines, shape[last]!, x, xStep * bytes, y, yStep * 4, along * bytes];
    if (threads === 1) {
      code.functions[name]!(...args);
      continue;
    }
    const per = Math.max(byColumns ? 64 : 1, Math.ceil(lines / (threads * PARTS_PER_THREAD)));
    const steps = [0, 0, per * xStep * bytes, 0, per * yStep * 4, 0, 0];
    pool.run({
      code,
      name,
      args,
      steps,
      chunks: Math.ceil(lines / per),
      count: { at: 0, per, total: lines },
    });
  } while (turns.next());
  return true;
}

/** `max` and `min` with `Rows` and `Columns`: `(lines, length, x, its step, y, its step, along)`. */
function moduleOf(shared: boolean, lane: Lane, comparison: Comparison): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({ shared });
  for (const mode of ['max', 'min'] as const) {
    module.export(`${mode}Rows`, parameters(7), [], (f) => new Places(f, lane, comparison, mode).rows());
    module.export(`${mode}Columns`, parameters(7), [], (f) =>
      new Places(f, lane, comparison, mode).columns(),
    );
  }
  return module.toBytes();
}

const [LINES, LENGTH, X, X_STEP, Y, Y_STEP, ALONG] = [0, 1, 2, 3, 4, 5, 6] as const;

/** Emits one kernel. */
class Places {
  private readonly f: FunctionBuilder;
  private readonly lanes: Lanes;
  private readonly lane: Lane;
  private readonly comparison: Comparison;
  private readonly mode: Mode;
  /** The address of the row that columns are at. */
  private readonly from: number;

  constructor(f: FunctionBuilder, lane: Lane, comparison: Comparison, mode: Mode) {
    this.f = f;
    this.lanes = new Lanes(f, false);
    this.lane = lane;
    this.comparison = comparison;
    this.mode = mode;
    this.from = f.local(Type.i32);
  }

  /** Rows along memory: the winner first, and then the first place where it stands. */
  rows(): void {
    const { f, lane } = this;
    const [i, at, bytes] = locals(f, Type.i32, 3);
    const [best, second] = locals(f, Type.v128, 2);
    const place = (): FunctionBuilder => f.get(X).get(at).op(i32.add);
    const take = (into: Reg, code: Opcode, offset = 0): void => {
      place().memory(code, offset);
      f.get(this.winner(into, this.lanes.keep())).set(into);
    };
    f.get(LENGTH).i32(lane.bytes).op(i32.mul).set(bytes);
    countUp(f, i, LINES, 1, () => {
      f.get(X).memory(lane.loadSplat).tee(best).set(second).i32(0).set(at);
      whileRoom(f, at, bytes, 32, () => {
        take(best, v128.load);
        take(second, v128.load, 16);
      });
      whileRoom(f, at, bytes, lane.bytes, () => take(best, lane.loadSplat));
      f.get(this.across(this.winner(best, second))).set(best);
      this.find(at, bytes, best, place);
      f.get(Y).get(at).i32(lane.bytes).op(i32.divU).memory(i32.store);
      f.get(X).get(X_STEP).op(i32.add).set(X);
      f.get(Y).get(Y_STEP).op(i32.add).set(Y);
    });
  }

  /** Moves `at` to the first element that is `best`: there is one. */
  private find(at: number, bytes: number, best: Reg, place: () => FunctionBuilder): void {
    const { f, lane } = this;
    const look = (code: Opcode): FunctionBuilder => {
      place().memory(code);
      return f.get(this.alike(this.lanes.keep(), best)).op(v128.anyTrue);
    };
    f.i32(0).set(at);
    f.block((found) => {
      whileRoom(f, at, bytes, 16, () => look(v128.load).brIf(found));
    });
    f.block((found) =>
      f.loop((again) => {
        look(lane.loadSplat).brIf(found);
        f.increase(at, lane.bytes).br(again);
      }),
    );
  }

  /** Columns side by side: for each its winner and the winner's place, in lanes. */
  columns(): void {
    const { f, from, lane } = this;
    const done = f.local(Type.i32);
    const block = (vectors: number, columns: number, load: (offset: number) => Reg): void =>
      whileRoom(f, done, LINES, columns, () => {
        this.block(vectors, columns, load);
        f.increase(X, columns * lane.bytes).increase(Y, columns * 4);
      });
    const whole = (offset: number): Reg => {
      f.get(from).load(offset);
      return this.lanes.keep();
    };
    block(COLUMN_VECTORS, COLUMN_VECTORS * lane.width, whole);
    block(1, lane.width, whole);
    block(1, 1, () => {
      f.get(from).memory(lane.loadFirst);
      return this.lanes.keep();
    });
  }

  private block(vectors: number, columns: number, load: (offset: number) => Reg): void {
    const { f, lane, lanes, from } = this;
    const wide = lane.bytes === 8;
    const bests = locals(f, Type.v128, vectors);
    const places = locals(f, Type.v128, vectors);
    const [i, current] = [f.local(Type.i32), f.local(Type.v128)];
    f.get(X).set(from);
    for (let v = 0; v < vectors; v++) {
      f.get(load(v * 16)).set(bests[v]!);
      f.splat('i32', 0).set(places[v]!);
    }
    f.i32(1).set(i);
    whileRoom(f, i, LENGTH, 1, () => {
      f.get(from).get(ALONG).op(i32.add).set(from);
      // An index in lanes of 64 bits is below 2³¹ there too.
      f.get(i);
      if (wide) f.op(i64.extendI32U).op(i64x2.splat).set(current);
      else f.op(i32x4.splat).set(current);
      for (let v = 0; v < vectors; v++) {
        const [best, place] = [bests[v]!, places[v]!];
        const value = load(v * 16);
        const wins = this.wins(value, best);
        f.get(lanes.select(wins, value, best)).set(best);
        f.get(lanes.select(wins, current, place)).set(place);
      }
    });
    for (let c = 0; c < columns; c++) {
      const v = Math.floor(c / lane.width);
      f.get(Y)
        .get(places[v]!)
        .memoryLane(v128.store32Lane, (c % lane.width) * (wide ? 2 : 1), c * 4);
    }
  }

  /** Bits set where `value` comes before `best`: it is better, or the first NaN. */
  private wins(value: Reg, best: Reg): Reg {
    const { lanes, comparison } = this;
    const better = lanes.apply(comparison.wins[this.mode], value, best);
    if (!comparison.floating) return better;
    const first = lanes.and(lanes.apply(comparison.ne, value, value), lanes.apply(comparison.eq, best, best));
    return lanes.or(better, first);
  }

  /** The better one of each lane, NaN where there is one. */
  private winner(a: Reg, b: Reg): Reg {
    const { lanes, comparison } = this;
    if (comparison.winner !== null) return lanes.apply(comparison.winner[this.mode], a, b);
    return lanes.select(lanes.apply(comparison.wins[this.mode], a, b), a, b);
  }

  /** The best of all lanes, in each. */
  private across(a: Reg): Reg {
    const { lanes } = this;
    const half = this.winner(a, lanes.pick(a, a, 2, 3, 0, 1));
    return this.lane.width === 2 ? half : this.winner(half, lanes.pick(half, half, 1, 0, 3, 2));
  }

  /** Bits set where two values are the same, or both NaN. */
  private alike(a: Reg, b: Reg): Reg {
    const { lanes, comparison } = this;
    const same = lanes.apply(comparison.eq, a, b);
    if (!comparison.floating) return same;
    return lanes.or(same, lanes.and(lanes.apply(comparison.ne, a, a), lanes.apply(comparison.ne, b, b)));
  }
}
