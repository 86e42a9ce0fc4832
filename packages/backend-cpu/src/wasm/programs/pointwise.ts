import { byteLengthOf, type Program } from '@flambeau/core/backend';
import { type FunctionBuilder, i32, i32x4, Type } from '../assembler/index.ts';
import { Lanes, type Reg } from '../lanes/lanes.ts';
import { Body, programWeight, type Surroundings } from './body.ts';
import { FRAME, loadParameter, loadWord, parametersOf } from './frame.ts';
import { hostsOf } from './host.ts';
import { compileKernel, type Kernel, type Target } from './kernel.ts';
import {
  addresses,
  load,
  loadRepeated,
  loadUnits,
  type Place,
  store,
  storeUnits,
  unitsOf,
} from './memory.ts';
import { BYTES, mirrored, UNIT, type Value, value } from './value.ts';
import { isNarrow, moveOn, putStep, repeatedInputs, takesBytes, Walk, type Walker } from './walk.ts';

/** The words of a frame: rows, elements in a row, three for each operand, then where indices begin. */
export const PointwiseWord = { rows: 0, count: 1, operands: 2 } as const;
export const WORDS_PER_OPERAND = 3;
const MAX_RANK = 8;
/** Bytes of memory whose address a processor looks up as one. */
const PAGE = 4096;

export const indexWord = (operandCount: number): number =>
  PointwiseWord.operands + operandCount * WORDS_PER_OPERAND;
/** How many words a frame has before its parameters. */
export const wordCount = (operandCount: number): number => indexWord(operandCount) + MAX_RANK;

interface Operand extends Walker {
  /** Locals: where the row begins, and where the loop stands. */
  readonly row: number;
  readonly at: number;
}

/** Units computed in one turn of the loop: it is the loop, not a short program, that takes the time. */
export const unroll = (weight: number): number => (weight <= 8 ? 4 : weight <= 32 ? 2 : 1);

/**
 * A program over rows of elements: the output first among the operands. `rank` is that of the index that the
 * program may read; the last two of its dimensions are walked here.
 */
export function pointwiseKernel(
  target: Target,
  program: Program,
  walks: readonly Walk[],
  rank: number,
): Kernel {
  return compileKernel(target, hostsOf(program), (f, host) => {
    const lanes = new Lanes(f, target.relaxed);
    const repeated = repeatedInputs(walks);
    // Rows, tiles and threads' parts all begin at multiples of four.
    const groupedDim = walks.includes(Walk.strided) ? null : rank - 1;
    const body = new Body(program, lanes, host, repeated, groupedDim);
    const bytes = takesBytes([program], walks)
      ? new Body(program, new Lanes(f, target.relaxed, BYTES), host, repeated)
      : null;
    new Loop(body, bytes, program, walks, rank).emit();
  });
}

class Loop {
  private readonly f: FunctionBuilder;
  private readonly lanes: Lanes;
  private readonly program: Program;
  private readonly body: Body;
  /** The same for sixteen elements, where nothing is wider than a byte. */
  private readonly bytes: Body | null;
  private readonly operands: readonly Operand[];
  private readonly units: number;
  private readonly rank: number;
  private readonly rows: number;
  private readonly rowsDone: number;
  private readonly left: number;
  private readonly done: number;

  constructor(body: Body, bytes: Body | null, program: Program, walks: readonly Walk[], rank: number) {
    const { lanes } = body;
    const { f } = lanes;
    const local = (): number => f.local(Type.i32);
    this.f = f;
    this.lanes = lanes;
    this.program = program;
    this.body = body;
    this.bytes = bytes;
    this.units = body.shares ? UNIT : walks.includes(Walk.strided) ? 1 : unroll(programWeight(program));
    this.rank = rank;
    [this.rows, this.rowsDone, this.left, this.done] = [local(), local(), local(), local()];
    this.operands = [program.output, ...program.inputs].map((dtype, k) => {
      const [row, at, step] = [local(), local(), local()];
      return { dtype, walk: walks[k]!, size: byteLengthOf(dtype), row, at, step };
    });
  }

  emit(): void {
    const { f, operands } = this;
    loadWord(f, FRAME, PointwiseWord.rows).set(this.rows);
    for (const [k, { row, step }] of operands.entries()) {
      const word = PointwiseWord.operands + k * WORDS_PER_OPERAND;
      loadWord(f, FRAME, word).set(row);
      loadWord(f, FRAME, word + 2).set(step);
    }
    f.loop((again) => {
      this.row();
      for (const [k, { row }] of operands.entries()) {
        loadWord(f, FRAME, PointwiseWord.operands + k * WORDS_PER_OPERAND + 1);
        f.get(row).op(i32.add).set(row);
      }
      if (this.program.usesIndex) f.increase(this.rowsDone, 1);
      f.get(this.rows).i32(1).op(i32.sub).tee(this.rows).brIf(again);
    });
  }

  private row(): void {
    const { f, operands } = this;
    for (const { row, at } of operands) f.get(row).set(at);
    loadWord(f, FRAME, PointwiseWord.count).set(this.left);
    if (this.program.usesIndex) f.i32(0).set(this.done);
    for (const body of [this.body, this.bytes])
      body?.once(this.surroundings(body.lanes, () => ({ each: [] }), 0));
    if (this.bytes === null) this.turns(this.body, this.units);
    else for (const units of [this.units, 1]) this.turns(this.bytes, units);
    this.rest();
  }

  /** As many turns of the loop, of so many units, as there are. */
  private turns(body: Body, units: number): void {
    const { f } = this;
    const elements = units * body.lanes.unit;
    f.block((end) =>
      f.loop((again) => {
        f.get(this.left).i32(elements).op(i32.ltS).brIf(end);
        this.touch();
        this.group();
        this.turn(body, units);
        this.advance(elements);
        f.br(again);
      }),
    );
  }

  /**
   * Reads from the page that a turn is about to write. Stores wait, one after the other, for the address of a page that
   * the processor has not met lately; a load looks it up beside other work.
   */
  private touch(): void {
    const { at, walk } = this.operands[0]!;
    if (walk === Walk.neighbours) this.f.get(at).i32(-PAGE).op(i32.and).memory(i32.load).drop();
  }

  /** Units one after the other, or several between a load and a store, as many as fill a vector of an operand's. */
  private turn(body: Body, units: number): void {
    const { operands } = this;
    const { lanes } = body;
    const most =
      lanes.unit === BYTES ? 1 : Math.max(...operands.filter(isNarrow).map(({ dtype }) => unitsOf(dtype)), 1);
    const abreast = Math.min(units, most);
    const lowest = operands.map((operand) =>
      operand.walk === Walk.mirrored ? this.lowest(operand, units * lanes.unit) : operand.at,
    );
    for (let first = 0; first < units; first += abreast) {
      const offset = (size: number): number => first * lanes.unit * size;
      const loaded = operands.map(({ dtype, walk, size }, k) => {
        const from = lowest[k]!;
        if (walk === Walk.mirrored) {
          const behind = (units - first - abreast) * lanes.unit * size;
          const elements = loadUnits(lanes, dtype, from, behind, abreast);
          return elements.map((unit) => mirrored(lanes, unit)).reverse();
        }
        return k > 0 && isNarrow(operands[k]!) ? loadUnits(lanes, dtype, from, offset(size), abreast) : null;
      });
      const results = Array.from({ length: abreast }, (_, i) => {
        const around = this.surroundings(lanes, (k) => this.place(operands[k]!, first + i), first + i);
        const input = (slot: number): Value => loaded[slot + 1]?.[i] ?? around.input(slot);
        return body.unit({ ...around, input }, first + i);
      });
      const { dtype, walk, at, size } = operands[0]!;
      if (walk === Walk.neighbours) storeUnits(lanes, dtype, at, offset(size), results);
      else
        for (const [i, result] of results.entries())
          store(lanes, dtype, this.place(operands[0]!, first + i), result);
    }
  }

  /** The local of the lowest address of so many elements of an operand that is walked backwards. */
  private lowest({ at, size }: Operand, elements: number): number {
    const { f } = this;
    const lowest = f.local(Type.i32);
    f.get(at)
      .i32((elements - 1) * size)
      .op(i32.sub)
      .set(lowest);
    return lowest;
  }

  /** What no full turn was left for, a unit at a time, the last of them in part. */
  private rest(): void {
    const { f, operands } = this;
    const count = f.local(Type.i32);
    f.block((end) =>
      f.loop((again) => {
        f.get(this.left).i32(0).op(i32.leS).brIf(end);
        f.get(this.left).i32(UNIT).get(this.left).i32(UNIT).op(i32.ltS).select().set(count);
        const places = operands.map((operand) =>
          operand.walk === Walk.repeated && operand !== operands[0]
            ? { each: [] }
            : addresses(this.lanes, operand.at, () => putStep(f, operand), count),
        );
        this.group();
        const around = this.surroundings(this.lanes, (k) => places[k]!, 0, count);
        store(this.lanes, this.program.output, places[0]!, this.body.unit(around, 0), count);
        this.advance(UNIT);
        f.br(again);
      }),
    );
  }

  /** What the elements of a turn's units have in common; the index of each is that of the first. */
  private group(): void {
    if (!this.body.shares) return;
    const { lanes } = this;
    this.body.group((span, half) => {
      const index = (): Value => {
        const apart = lanes.shift(i32x4.shl, lanes.iota(), span === 4 ? 2 : 1);
        return value('i32', lanes.apply(i32x4.add, this.firstIndex(half * 2), apart));
      };
      return { ...this.surroundings(lanes, () => ({ each: [] }), 0), index };
    });
  }

  /** The index of a unit's first element along the innermost dimension, four times. */
  private firstIndex(unit: number): Reg {
    const { f } = this;
    loadWord(f, FRAME, indexWord(this.operands.length) + this.rank - 1)
      .get(this.done)
      .op(i32.add);
    f.i32(unit * UNIT)
      .op(i32.add)
      .op(i32x4.splat);
    return this.lanes.keep();
  }

  private place(operand: Operand, unit: number): Place {
    if (operand.walk === Walk.neighbours) return { at: operand.at, offset: unit * UNIT * operand.size };
    return addresses(this.lanes, operand.at, () => putStep(this.f, operand));
  }

  private advance(elements: number): void {
    const { f } = this;
    for (const operand of this.operands) moveOn(f, operand, operand.at, elements);
    f.increase(this.left, -elements);
    if (this.program.usesIndex) f.increase(this.done, elements);
  }

  /** `count`, a local, says how many lanes are elements: the others are the first once more, as their operands are. */
  private surroundings(
    lanes: Lanes,
    placeOf: (operand: number) => Place,
    unit: number,
    count?: number,
  ): Surroundings {
    const { f, operands, program } = this;
    const words = wordCount(operands.length);
    return {
      input: (slot) => {
        const operand = operands[slot + 1]!;
        return operand.walk === Walk.repeated
          ? loadRepeated(lanes, operand.dtype, operand.at)
          : load(lanes, operand.dtype, placeOf(slot + 1));
      },
      parameter: (slot, type) => loadParameter(lanes, parametersOf(program), FRAME, words, slot, type),
      index: (dim) => {
        if (dim !== this.rank - 1) {
          loadWord(f, FRAME, indexWord(operands.length) + dim);
          if (dim === this.rank - 2) f.get(this.rowsDone).op(i32.add);
          f.op(i32x4.splat);
          return value('i32', lanes.keep());
        }
        const first = this.firstIndex(unit);
        let lane = lanes.iota();
        if (count !== undefined) {
          f.get(count).op(i32x4.splat);
          lane = lanes.and(lane, lanes.apply(i32x4.ltS, lane, lanes.keep()));
        }
        return value('i32', lanes.apply(i32x4.add, first, lane));
      },
    };
  }
}
