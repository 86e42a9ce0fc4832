import { byteLengthOf, type DType, type Operand, type ScatterMode } from '@flambeau/core/backend';
import type { IndexScan, Indices } from '../indices.ts';
import type { Loops } from '../loops.ts';
import { addressOf, allInHeap } from '../staging.ts';
import { Code } from '../threads/code.ts';
import { PARTS_PER_THREAD } from '../threads/pool.ts';
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
} from './assembler/index.ts';
import { advance, countUp, locals, parameters, whileRoom } from './emit.ts';
import type { Engine } from './engine.ts';
import { WasmIndexScan } from './index-scan.ts';
import { ELEMENTS, type Lane } from './matmul/lane.ts';

/** A gather or scatter: one operand is walked beside the indices, and they say where in the other one to go. */
export interface IndexedCall {
  /** With strides of the walked operand, of the other one without its indexed dimension, and of the indices. */
  readonly loops: Loops;
  readonly walked: Operand;
  readonly indexed: Operand;
  /** The stride of the indexed dimension. */
  readonly along: number;
  readonly indices: Indices;
}

/** Lines shorter than this are no faster here. */
const LEAST_LINE_BYTES = 32;
/** Elements one by one: a call for fewer is not worth it. */
const FEWEST_ELEMENTS = 32;
/** What finding a line takes one thread, and how many bytes it moves in a nanosecond, about. */
const LINE_NANOSECONDS = 1;
const BYTES_PER_NANOSECOND = 8;

type Operations = Readonly<Partial<Record<ScatterMode, Opcode>>>;

/** An address, and the bytes from line to line and from row to row. */
type Place = readonly [start: number, step: number, row: number];

/** How lines are combined, by what has vector code; lines of other dtypes and modes are JavaScript's. */
const OPERATIONS: Readonly<Partial<Record<DType, Operations>>> = {
  float32: { add: f32x4.add, mul: f32x4.mul, max: f32x4.max, min: f32x4.min },
  float64: { add: f64x2.add, mul: f64x2.mul, max: f64x2.max, min: f64x2.min },
  int32: { add: i32x4.add, mul: i32x4.mul, max: i32x4.maxS, min: i32x4.minS },
  int64: { add: i64x2.add, mul: i64x2.mul },
};

/**
 * Moves by indices in the heap: whole lines of neighbours that share one (rows of an embedding and their gradients,
 * `indexSelect`, `indexAdd`), and single elements. Each method says whether it did the work; nothing has happened where it did not.
 */
export class IndexedLines {
  readonly scan: IndexScan;
  private readonly engine: Engine;
  private readonly codes = new Map<DType | 'move', Code>();

  constructor(engine: Engine) {
    this.engine = engine;
    this.scan = new WasmIndexScan(engine);
  }

  gather(call: IndexedCall): boolean {
    return this.run(this.code('move'), 'gather', call, true);
  }

  scatter(mode: ScatterMode, call: IndexedCall): boolean {
    if (mode === 'assign') return this.run(this.code('move'), 'assign', call, false);
    const { dtype } = call.indexed;
    if (OPERATIONS[dtype]?.[mode] === undefined) return false;
    return this.run(this.code(dtype), mode, call, false);
  }

  private run(code: Code, name: string, call: IndexedCall, shared: boolean): boolean {
    const { loops, walked, indexed, indices } = call;
    const bytes = byteLengthOf(walked.dtype);
    const last = loops.shape.length - 1;
    const [walks, others, picks] = loops.strides.map((strides) => strides[last]);
    const length = (loops.shape[last] ?? 1) * bytes;
    const whole = walks === 1 && others === 1 && picks === 0 && length >= LEAST_LINE_BYTES;
    // Single elements are lines of one: then the last loop is the one over lines.
    const over = whole ? last - 1 : last;
    const lines = loops.shape[over] ?? 1;
    const rows = loops.shape[over - 1] ?? 1;
    const entry = whole ? name : `${name}${bytes}`;
    if (
      !whole &&
      (code.indexOf(entry) < 0 || rows * lines < Math.min(FEWEST_ELEMENTS, this.engine.leastElements))
    )
      return false;
    if (!allInHeap(walked, [indexed])) return false;
    return this.withIndices(indices.array, (start) => {
      const turns = new Odometer(
        loops.shape,
        Math.max(0, over - 1),
        [walked, indexed, indices].map(({ offset }, k) => ({ offset, strides: loops.strides[k]! })),
      );
      // The walked operand, the other one and the indices: where they begin, and the size of their elements.
      const bases = [addressOf(walked, 0), addressOf(indexed, 0), start];
      const sizes = [bytes, bytes, 4];
      do {
        const places = bases.map((base, k): Place => {
          const size = sizes[k]!;
          const step = (dim: number): number => (loops.strides[k]![dim] ?? 0) * size;
          return [base + turns.offsets[k]! * size, step(over), step(over - 1)];
        });
        this.launch(code, entry, shared, [rows, lines], whole ? length : bytes, places, call.along * bytes);
      } while (turns.next());
    });
  }

  /** @param shared whether threads may share the lines: not where two of them may have one target. */
  private launch(
    code: Code,
    name: string,
    shared: boolean,
    [rows, lines]: readonly [rows: number, lines: number],
    length: number,
    places: readonly Place[],
    along: number,
  ): void {
    const { pool } = this.engine;
    const args = [rows, lines, length, ...places.flat(), along];
    const nanoseconds = rows * lines * (LINE_NANOSECONDS + length / BYTES_PER_NANOSECOND);
    const threads = shared ? pool.width(nanoseconds) : 1;
    if (threads === 1) {
      code.functions[name]!(...args);
      return;
    }
    const at = rows >= threads * PARTS_PER_THREAD ? 0 : 1;
    const total = at === 0 ? rows : lines;
    const per = Math.ceil(total / (threads * PARTS_PER_THREAD));
    const steps = [0, 0, 0, ...places.flatMap(([, step, row]) => [per * (at === 0 ? row : step), 0, 0]), 0];
    pool.run({ code, name, args, steps, chunks: Math.ceil(total / per), count: { at, per, total } });
  }

  /** The indices in the heap for as long as `use` runs; false where it has no room for them. */
  private withIndices(array: Int32Array, use: (address: number) => void): boolean {
    const { heap } = this.engine;
    if (array.buffer === heap.memory.buffer) {
      use(array.byteOffset);
      return true;
    }
    const address = heap.allocateWorkspace(array.byteLength);
    if (address === 0) return false;
    try {
      new Int32Array(heap.memory.buffer, address, array.length).set(array);
      use(address);
      return true;
    } finally {
      heap.free(address, array.byteLength);
    }
  }

  private code(key: DType | 'move'): Code {
    let code = this.codes.get(key);
    if (code === undefined) {
      const { heap } = this.engine;
      const module = new ModuleBuilder({ shared: heap.shared });
      if (key === 'move') addMoves(module);
      else {
        const { lane } = ELEMENTS[key]!;
        for (const [mode, operation] of Object.entries(OPERATIONS[key]!)) {
          addLines(module, mode, (f, line) => combine(f, line, lane, operation));
          addLines(module, `${mode}${lane.bytes}`, (f, { walked, line }) =>
            combineOne(f, line, walked, lane, operation),
          );
        }
      }
      code = new Code(heap, module.toBytes());
      this.codes.set(key, code);
    }
    return code;
  }
}

/** Locals with two lines' addresses and their length in bytes. */
interface Line {
  readonly walked: number;
  readonly line: number;
  readonly length: number;
}

/**
 * `name(rows, lines, length, walked, its step, its row, indexed, its step, its row, index, its step, its row, along)`: rows
 * of lines; all in bytes.
 */
function addLines(module: ModuleBuilder, name: string, move: (f: FunctionBuilder, line: Line) => void): void {
  module.export(name, parameters(13), [], (f) => {
    const [rows, lines, length, along] = [0, 1, 2, 12] as const;
    const operands = [3, 6, 9].map((at) => ({ start: at, step: at + 1, row: at + 2 }));
    const moving = locals(f, Type.i32, 3);
    const [walked, indexed, index] = moving;
    const [row, i, line] = locals(f, Type.i32, 3);
    countUp(f, row, rows, 1, () => {
      for (const [k, { start }] of operands.entries()) f.get(start).set(moving[k]!);
      countUp(f, i, lines, 1, () => {
        f.get(indexed).get(index).memory(i32.load).get(along).op(i32.mul).op(i32.add).set(line);
        move(f, { walked, line, length });
        for (const [k, { step }] of operands.entries()) advance(f, moving[k]!, step);
      });
      for (const operand of operands) advance(f, operand.start, operand.row);
    });
  });
}

/** How elements of so many bytes are moved. */
const MOVES: readonly (readonly [bytes: number, load: Opcode, store: Opcode])[] = [
  [1, i32.load8U, i32.store8],
  [2, i32.load16U, i32.store16],
  [4, i32.load, i32.store],
  [8, i64.load, i64.store],
];

/** `gather` and `assign` of lines, and with a number behind their names of single elements of so many bytes. */
function addMoves(module: ModuleBuilder): void {
  for (const name of ['gather', 'assign']) {
    const ends = ({ walked, line }: Line): [to: number, from: number] =>
      name === 'gather' ? [walked, line] : [line, walked];
    addLines(module, name, (f, places) => {
      const [to, from] = ends(places);
      f.get(to).get(from).get(places.length).copyMemory();
    });
    for (const [bytes, load, store] of MOVES)
      addLines(module, `${name}${bytes}`, (f, places) => {
        const [to, from] = ends(places);
        f.get(to).get(from).memory(load).memory(store);
      });
  }
}

function combineOne(f: FunctionBuilder, to: number, from: number, lane: Lane, operation: Opcode): void {
  f.get(to).get(to).memory(lane.loadFirst).get(from).memory(lane.loadFirst);
  f.op(operation).memoryLane(lane.storeFirst, 0);
}

/** `line = line ∘ walked`, a vector at a time and then one by one. */
function combine(f: FunctionBuilder, { walked, line, length }: Line, lane: Lane, operation: Opcode): void {
  const [at, to, from] = locals(f, Type.i32, 3);
  f.get(line).set(to).get(walked).set(from).i32(0).set(at);
  whileRoom(f, at, length, 16, () => {
    f.get(to).get(to).load().get(from).load().op(operation).store();
    f.increase(to, 16).increase(from, 16);
  });
  whileRoom(f, at, length, lane.bytes, () => {
    combineOne(f, to, from, lane, operation);
    f.increase(to, lane.bytes).increase(from, lane.bytes);
  });
}
