import { byteLengthOf, type Reduction } from '@flambeau/core/backend';
import { type FunctionBuilder, i32, Type } from '../assembler/index.ts';
import type { Lanes } from '../lanes/lanes.ts';
import { type Accumulator, blockOf } from './accumulator.ts';
import type { Body, Surroundings } from './body.ts';
import { FRAME, loadParameter, loadWord, parametersOf } from './frame.ts';
import { addresses, load, loadRepeated, loadUnits, type Place, store } from './memory.ts';
import { ReduceWord, reduceWordCount, Stride, WORDS_PER_INPUT } from './reduce-frame.ts';
import type { Steps } from './step.ts';
import { UNIT, type Value } from './value.ts';
import { isNarrow, moveOn, putStep, Walk, type Walker } from './walk.ts';

export interface Input extends Walker {
  /** Locals: where the row begins; where it, the outer turn and the inner loop stand. */
  readonly first: number;
  readonly row: number;
  readonly turn: number;
  readonly at: number;
}

export /** What computes some elements at once. */
interface Maker {
  readonly lanes: Lanes;
  readonly steps: Steps;
  readonly pre: Body;
  readonly post: Body;
  /** As many as there are units in a turn of the loop. */
  readonly accumulators: readonly Accumulator[];
}

/** The loops of a reduction: over rows of results, and over the elements of each. */
export abstract class ReduceLoops {
  protected readonly f: FunctionBuilder;
  protected readonly reduction: Reduction;
  protected readonly four: Maker;
  /** Of sixteen elements, where nothing is wider than a byte. */
  protected readonly bytes: Maker | null;
  protected readonly inputs: readonly Input[];
  protected readonly left: number;
  /** How often the accumulators were added to since their sums were put aside. */
  protected readonly added: number;
  protected readonly yRow: number;
  private readonly rows: number;
  private readonly outer: number;

  constructor(reduction: Reduction, four: Maker, bytes: Maker | null, walks: readonly Walk[]) {
    const { f } = four.lanes;
    const local = (): number => f.local(Type.i32);
    this.f = f;
    this.reduction = reduction;
    this.four = four;
    this.bytes = bytes;
    [this.rows, this.outer, this.left, this.added, this.yRow] = [local(), local(), local(), local(), local()];
    this.inputs = reduction.pre.inputs.map((dtype, k) => {
      const [first, row, turn, at, step] = [local(), local(), local(), local(), local()];
      return { dtype, walk: walks[k + 1]!, size: byteLengthOf(dtype), first, row, turn, at, step };
    });
  }

  /** Which stride of an input leads from lane to lane. */
  protected abstract readonly lane: number;
  /** The local of an input that moves on with the vectors. */
  protected abstract moving(input: Input): number;
  /** The results of a row. */
  protected abstract row(): void;

  emit(): void {
    const { f, inputs } = this;
    loadWord(f, FRAME, ReduceWord.rows).set(this.rows);
    loadWord(f, FRAME, ReduceWord.output).set(this.yRow);
    for (const [k, { first, row, step }] of inputs.entries()) {
      this.word(k, 0).tee(first).set(row);
      this.word(k, this.lane).set(step);
    }
    f.loop((again) => {
      this.row();
      for (const [k, { row, first }] of inputs.entries())
        this.word(k, Stride.row).get(first).op(i32.add).tee(first).set(row);
      loadWord(f, FRAME, ReduceWord.output + 1)
        .get(this.yRow)
        .op(i32.add)
        .set(this.yRow);
      f.get(this.rows).i32(1).op(i32.sub).tee(this.rows).brIf(again);
    });
  }

  protected get makers(): readonly Maker[] {
    return this.bytes === null ? [this.four] : [this.four, this.bytes];
  }

  /** What no element changes, computed once for many. */
  protected once(): void {
    for (const { lanes, pre } of this.makers) pre.once(this.surroundings(lanes, () => ({ each: [] })));
  }

  protected word(input: number, which: number): FunctionBuilder {
    return loadWord(this.f, FRAME, ReduceWord.inputs + input * WORDS_PER_INPUT + which);
  }

  protected outerTurns(body: () => void): void {
    const { f } = this;
    loadWord(f, FRAME, ReduceWord.outer).set(this.outer);
    f.loop((again) => {
      body();
      for (const [k, { turn }] of this.inputs.entries())
        this.word(k, Stride.outer).get(turn).op(i32.add).set(turn);
      f.get(this.outer).i32(1).op(i32.sub).tee(this.outer).brIf(again);
    });
  }

  /** Turns of the loop in which every vector is full; `adds` says whether each adds to the accumulators once. */
  protected fullTurns(adds: boolean, turn: (maker: Maker, units: number) => void): void {
    const { f, four, bytes } = this;
    const maker = bytes ?? four;
    const most = maker.accumulators.length;
    const turns = f.local(Type.i32);
    for (const units of bytes === null || most === 1 ? [most] : [most, 1]) {
      const elements = units * maker.lanes.unit;
      f.get(this.left).i32(elements).op(i32.divU).tee(turns);
      f.if(() =>
        this.repeat(turns, adds ? maker.accumulators : [], () => {
          turn(maker, units);
          this.advance(elements);
        }),
      );
    }
  }

  /**
   * Runs `body` as many times as the local `left` says, at least once. Sums that it adds to are put aside whenever a
   * block is full: outside of the loop, which then keeps nothing but the blocks in registers.
   */
  protected repeat(left: number, added: readonly Accumulator[], body: () => void): void {
    const { f } = this;
    const loop = (count: number): void =>
      void f.loop((again) => {
        body();
        f.get(count).i32(1).op(i32.sub).tee(count).brIf(again);
      });
    const block = added.length === 0 ? 0 : this.block;
    if (block === 0) {
      loop(left);
      return;
    }
    const run = f.local(Type.i32);
    f.loop((again) => {
      f.i32(block).get(this.added).op(i32.sub).tee(run);
      f.get(left).get(run).get(left).op(i32.ltS).select().set(run);
      f.get(left).get(run).op(i32.sub).set(left);
      f.get(this.added).get(run).op(i32.add).set(this.added);
      loop(run);
      this.putAside(added);
      f.get(left).brIf(again);
    });
  }

  /** Adds each unit of a turn to an accumulator of its own. Narrow elements side by side are read in whole vectors. */
  protected addUnits({ lanes, pre, accumulators }: Maker, units: number): void {
    const loaded = this.inputs.map((input) =>
      isNarrow(input) ? loadUnits(lanes, input.dtype, input.at, 0, units) : null,
    );
    for (const [unit, accumulator] of accumulators.slice(0, units).entries()) {
      const around = this.surroundings(lanes, (input) => this.place(input, unit));
      const input = (slot: number): Value => loaded[slot]?.[unit] ?? around.input(slot);
      accumulator.add(pre.unit({ ...around, input }));
    }
  }

  /** What no full turn was left for, four elements at a time, the last of them in part. */
  protected rest(body: (count: number) => void): void {
    const { f } = this;
    const count = f.local(Type.i32);
    f.block((end) =>
      f.loop((again) => {
        f.get(this.left).i32(0).op(i32.leS).brIf(end);
        f.get(this.left).i32(UNIT).get(this.left).i32(UNIT).op(i32.ltS).select().set(count);
        body(count);
        this.advance(UNIT);
        f.br(again);
      }),
    );
  }

  protected get block(): number {
    return blockOf(this.reduction.combiner, this.reduction.pre.output);
  }

  /** Puts sums aside when a block is full. */
  protected putAside(sums: readonly Accumulator[]): void {
    const { f } = this;
    f.get(this.added).i32(this.block).op(i32.geS);
    f.if(() => {
      for (const sum of sums) sum.flush();
      f.i32(0).set(this.added);
    });
  }

  protected advance(elements: number): void {
    const { f } = this;
    for (const input of this.inputs) moveOn(f, input, this.moving(input), elements);
    f.increase(this.left, -elements);
  }

  private place({ walk, size, at, step }: Input, unit: number): Place {
    if (walk === Walk.neighbours) return { at, offset: unit * UNIT * size };
    return addresses(this.four.lanes, at, () => this.f.get(step));
  }

  private partly(input: Input, count: number): Place {
    if (input.walk === Walk.repeated) return { each: [] };
    return addresses(this.four.lanes, input.at, () => putStep(this.f, input), count);
  }

  /** Four elements, of which the first `count` are the row's own. */
  protected some(count: number): Value {
    return this.four.pre.unit(this.surroundings(this.four.lanes, (input) => this.partly(input, count)));
  }

  protected finish({ lanes, post }: Maker, accumulated: Value, place: Place, count?: number | 'first'): void {
    const around = { ...this.surroundings(lanes, () => ({ each: [] })), input: () => accumulated };
    post.once(around);
    store(lanes, this.reduction.post.output, place, post.unit(around), count);
  }

  private surroundings(lanes: Lanes, placeOf: (input: Input) => Place): Surroundings {
    const { inputs, reduction } = this;
    const parameters = parametersOf(reduction.pre, reduction.post);
    const words = reduceWordCount(inputs.length);
    return {
      input: (slot) => {
        const input = inputs[slot]!;
        return input.walk === Walk.repeated
          ? loadRepeated(lanes, input.dtype, input.at)
          : load(lanes, input.dtype, placeOf(input));
      },
      parameter: (slot, type) => loadParameter(lanes, parameters, FRAME, words, slot, type),
      index: (dim) => {
        throw new RangeError(`index ${dim} in a reduction`);
      },
    };
  }
}
