import type { DType, RequiredKernels } from '@flambeau/core/backend';
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
} from '../assembler/index.ts';
import { countUp, locals, parameters, whileRoom } from '../emit.ts';
import { Lanes, type Reg } from '../lanes/lanes.ts';
import { ELEMENTS, type Lane } from '../matmul/lane.ts';

type Mode = Parameters<RequiredKernels['argReduce']>[0];

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

/** The dtypes that have vector code here. */
const COMPARISONS: Readonly<Partial<Record<DType, Comparison>>> = {
  float32: floats(f32x4),
  float64: floats(f64x2),
  int32: integers(i32x4, { max: i32x4.maxS, min: i32x4.minS }),
  int64: integers(i64x2, null),
};

/** Whether a dtype has vector code here. */
export const canArgReduce = (dtype: DType): boolean => COMPARISONS[dtype] !== undefined;

/** `max` and `min` with `Rows` and `Columns`: `(lines, length, x, its step, y, its step, along)`. */
export function argReduceModule(shared: boolean, dtype: DType): Uint8Array<ArrayBuffer> {
  const { lane } = ELEMENTS[dtype]!;
  const comparison = COMPARISONS[dtype]!;
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
