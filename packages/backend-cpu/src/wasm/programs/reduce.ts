import { byteLengthOf, type DType, type Reduction } from '@flambeau/core/backend';
import { identityOf } from '../../scalar/combine.ts';
import { type FunctionBuilder, i32, i32x4, Type } from '../assembler/index.ts';
import { Lanes, type Reg } from '../lanes/lanes.ts';
import { type Accumulator, accumulatorOf, blockOf } from './accumulator.ts';
import { Body, isVectorizable, programWeight, type Surroundings } from './body.ts';
import { cast, literal } from './cast.ts';
import { loadParameter, loadWord, parametersOf } from './frame.ts';
import { type HostName, hostsOf } from './host.ts';
import { compileKernel, type Kernel, type Target } from './kernel.ts';
import { addresses, fourOf, load, loadRepeated, loadUnits, type Place, store, unitsOf } from './memory.ts';
import { takesBytes, Walk } from './pointwise.ts';
import { Steps } from './step.ts';
import { BYTES, isWide, UNIT, type Value, value, wideMask } from './value.ts';

/**
 * Frames of reductions. Kept: `rows`, and in the form by columns `columns`; reduced: `outer` and `inner`. Then the
 * output's address and its strides along rows and columns, and for each input its address and four strides.
 */
export const ReduceWord = { rows: 0, columns: 1, outer: 2, inner: 3, output: 4, inputs: 7 } as const;
export const WORDS_PER_INPUT = 5;
export const reduceWordCount = (inputCount: number): number =>
  ReduceWord.inputs + inputCount * WORDS_PER_INPUT;
/** Where in an input's words its strides stand. */
export const Stride = { row: 1, column: 2, outer: 3, inner: 4 } as const;

/** Whether a reduction can become vector code. */
export const canReduce = ({ pre, post }: Reduction): boolean =>
  pre.inputs.length > 0 && !pre.usesIndex && !post.usesIndex && isVectorizable(pre) && isVectorizable(post);

const FRAME = 0;

interface Input {
  readonly dtype: DType;
  readonly walk: Walk;
  readonly size: number;
  /** Locals: where the row begins, where it, the outer turn and the inner loop stand, the bytes from lane to lane. */
  readonly first: number;
  readonly row: number;
  readonly turn: number;
  readonly at: number;
  readonly step: number;
}

/**
 * A reduction whose vectors run along the reduced dimension, or along the columns where these are nearer to each
 * other in memory. `walks` tells how each input walks along the vectors' dimension, the output's first: it counts
 * by columns alone.
 */
export function reduceKernel(
  target: Target,
  reduction: Reduction,
  byColumns: boolean,
  walks: readonly Walk[],
): Kernel {
  const hosts = [...new Set<HostName>([...hostsOf(reduction.pre), ...hostsOf(reduction.post)])];
  return compileKernel(target, hosts, (f, host) => {
    const { pre, post, combiner } = reduction;
    const repeated = pre.inputs.reduce(
      (bits, _, k) => bits | (walks[k + 1] === Walk.repeated ? 1 << k : 0),
      0,
    );
    // Along columns an input that repeats is another in each turn.
    const constant = byColumns ? 0 : repeated;
    const weight = programWeight(pre);
    const units = walks.includes(Walk.strided, 1) ? 1 : weight <= 12 ? 4 : weight <= 40 ? 2 : 1;
    const makerOf = (unit: 4 | 16, abreast: number): Maker => {
      const lanes = new Lanes(f, target.relaxed, unit);
      const steps = new Steps(lanes, host);
      return {
        lanes,
        steps,
        pre: new Body(pre, lanes, host, constant),
        post: new Body(post, lanes, host, 0),
        accumulators: Array.from({ length: abreast }, () =>
          accumulatorOf(lanes, steps, combiner, pre.output),
        ),
      };
    };
    const bytes = takesBytes(byColumns ? [pre, post] : [pre], byColumns ? walks : walks.slice(1));
    const four = makerOf(UNIT, bytes ? 1 : units);
    new Loops(reduction, four, bytes ? makerOf(BYTES, units) : null, byColumns, walks).emit();
  });
}

/** What computes some elements at once. */
interface Maker {
  readonly lanes: Lanes;
  readonly steps: Steps;
  readonly pre: Body;
  readonly post: Body;
  /** As many as there are units in a turn of the loop. */
  readonly accumulators: readonly Accumulator[];
}

class Loops {
  private readonly f: FunctionBuilder;
  private readonly reduction: Reduction;
  private readonly four: Maker;
  /** Of sixteen elements, where nothing is wider than a byte. */
  private readonly bytes: Maker | null;
  private readonly byColumns: boolean;
  private readonly outputWalk: Walk;
  private readonly inputs: readonly Input[];
  private readonly rows: number;
  private readonly outer: number;
  private readonly left: number;
  private readonly added: number;
  private readonly y: number;
  private readonly yRow: number;

  constructor(
    reduction: Reduction,
    four: Maker,
    bytes: Maker | null,
    byColumns: boolean,
    walks: readonly Walk[],
  ) {
    const { lanes } = four;
    const { f } = lanes;
    const local = (): number => f.local(Type.i32);
    this.f = f;
    this.reduction = reduction;
    this.four = four;
    this.bytes = bytes;
    this.byColumns = byColumns;
    this.outputWalk = walks[0]!;
    [this.rows, this.outer, this.left] = [local(), local(), local()];
    [this.added, this.y, this.yRow] = [local(), local(), local()];
    this.inputs = reduction.pre.inputs.map((dtype, k) => {
      const [first, row, turn, at, step] = [local(), local(), local(), local(), local()];
      return { dtype, walk: walks[k + 1]!, size: byteLengthOf(dtype), first, row, turn, at, step };
    });
  }

  emit(): void {
    const { f, inputs } = this;
    loadWord(f, FRAME, ReduceWord.rows).set(this.rows);
    loadWord(f, FRAME, ReduceWord.output).set(this.yRow);
    const along = this.byColumns ? Stride.column : Stride.inner;
    for (const [k, { first, row, step }] of inputs.entries()) {
      this.word(k, 0).tee(first).set(row);
      this.word(k, along).set(step);
    }
    f.loop((again) => {
      if (this.byColumns) this.columns();
      else this.along();
      for (const [k, { row, first }] of inputs.entries())
        this.word(k, Stride.row).get(first).op(i32.add).tee(first).set(row);
      loadWord(f, FRAME, ReduceWord.output + 1)
        .get(this.yRow)
        .op(i32.add)
        .set(this.yRow);
      f.get(this.rows).i32(1).op(i32.sub).tee(this.rows).brIf(again);
    });
  }

  private word(input: number, which: number): FunctionBuilder {
    return loadWord(this.f, FRAME, ReduceWord.inputs + input * WORDS_PER_INPUT + which);
  }

  /** One result: the vectors run along the inner reduced dimension. */
  private along(): void {
    const { f, inputs, four, bytes } = this;
    const [first] = four.accumulators as [Accumulator];
    const makers = bytes === null ? [four] : [four, bytes];
    for (const { accumulators } of makers) for (const accumulator of accumulators) accumulator.reset();
    f.i32(0).set(this.added);
    for (const { row, turn } of inputs) f.get(row).set(turn);
    this.outerTurns(() => {
      for (const { turn, at } of inputs) f.get(turn).set(at);
      loadWord(f, FRAME, ReduceWord.inner).set(this.left);
      for (const { lanes, pre } of makers) pre.once(this.surroundings(lanes, () => ({ each: [] })));
      this.fullTurns(true, (maker, units) => this.addUnits(maker, units));
      this.rest((count, place) => first.add(this.masked(this.element(place), count)));
    });
    for (const { accumulators } of makers) {
      for (const accumulator of accumulators) accumulator.flush();
      for (const accumulator of accumulators.slice(1)) accumulators[0]!.join(accumulator);
    }
    if (bytes !== null)
      first.add(fourOf(four.lanes, this.reduction.pre.output, bytes.accumulators[0]!.total()));
    this.finish(four, first.total(), { each: [this.yRow, this.yRow, this.yRow, this.yRow] }, 'first');
  }

  /** A row of results: the vectors run along the columns. */
  private columns(): void {
    const { f, four, bytes } = this;
    f.get(this.yRow).set(this.y);
    loadWord(f, FRAME, ReduceWord.columns).set(this.left);
    for (const { lanes, pre } of bytes === null ? [four] : [four, bytes])
      pre.once(this.surroundings(lanes, () => ({ each: [] })));
    this.fullTurns(false, (maker, units) => {
      this.down(maker, units, () => this.addUnits(maker, units));
      for (const [unit, accumulator] of maker.accumulators.slice(0, units).entries())
        this.finish(maker, accumulator.result(), this.outputPlace(maker, unit));
    });
    this.rest((count) => {
      const [first] = four.accumulators as [Accumulator];
      this.down(four, 1, () => first.add(this.element((input) => this.partly(input, count))));
      const each = addresses(four.lanes, this.y, () => this.outputStep(), count);
      this.finish(four, first.result(), each, count);
    });
  }

  /** Combines the reduced elements below some columns. */
  private down(maker: Maker, units: number, add: () => void): void {
    const { f, inputs } = this;
    const inner = f.local(Type.i32);
    const used = maker.accumulators.slice(0, units);
    for (const accumulator of used) accumulator.reset();
    f.i32(0).set(this.added);
    // Here `row` stands at the first of the columns in hand.
    for (const { row, turn } of inputs) f.get(row).set(turn);
    this.outerTurns(() => {
      for (const { turn, at } of inputs) f.get(turn).set(at);
      loadWord(f, FRAME, ReduceWord.inner).set(inner);
      this.repeat(inner, used, () => {
        add();
        for (const [k, { at }] of inputs.entries()) this.word(k, Stride.inner).get(at).op(i32.add).set(at);
      });
    });
    for (const accumulator of used) accumulator.flush();
  }

  private outerTurns(body: () => void): void {
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
  private fullTurns(adds: boolean, turn: (maker: Maker, units: number) => void): void {
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
  private repeat(left: number, added: readonly Accumulator[], body: () => void): void {
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
  private addUnits({ lanes, pre, accumulators }: Maker, units: number): void {
    const loaded = this.inputs.map((input) =>
      input.walk === Walk.neighbours && unitsOf(input.dtype) > 1
        ? loadUnits(lanes, input.dtype, input.at, 0, units)
        : null,
    );
    for (const [unit, accumulator] of accumulators.slice(0, units).entries()) {
      const around = this.surroundings(lanes, (input) => this.place(input, unit));
      const input = (slot: number): Value => loaded[slot]?.[unit] ?? around.input(slot);
      accumulator.add(pre.unit({ ...around, input }));
    }
  }

  /** What no full turn was left for, four elements at a time, the last of them in part. */
  private rest(body: (count: number, place: (input: Input) => Place) => void): void {
    const { f } = this;
    const count = f.local(Type.i32);
    f.block((end) =>
      f.loop((again) => {
        f.get(this.left).i32(0).op(i32.leS).brIf(end);
        f.get(this.left).i32(UNIT).get(this.left).i32(UNIT).op(i32.ltS).select().set(count);
        const places = new Map<Input, Place>();
        if (!this.byColumns) for (const input of this.inputs) places.set(input, this.partly(input, count));
        body(count, (input) => places.get(input)!);
        if (!this.byColumns && this.block > 0) {
          f.increase(this.added, 1);
          this.putAside(this.four.accumulators.slice(0, 1));
        }
        this.advance(UNIT);
        f.br(again);
      }),
    );
  }

  private get block(): number {
    return blockOf(this.reduction.combiner, this.reduction.pre.output);
  }

  /** Puts sums aside when a block is full. */
  private putAside(sums: readonly Accumulator[]): void {
    const { f } = this;
    f.get(this.added).i32(this.block).op(i32.geS);
    f.if(() => {
      for (const sum of sums) sum.flush();
      f.i32(0).set(this.added);
    });
  }

  private advance(elements: number): void {
    const { f } = this;
    for (const input of this.inputs) {
      // By columns the row itself moves on.
      const at = this.byColumns ? input.row : input.at;
      if (input.walk === Walk.neighbours) f.increase(at, elements * input.size);
      else if (input.walk === Walk.strided)
        f.get(input.step).i32(elements).op(i32.mul).get(at).op(i32.add).set(at);
    }
    if (this.byColumns) {
      this.outputStep();
      f.i32(elements).op(i32.mul).get(this.y).op(i32.add).set(this.y);
    }
    f.increase(this.left, -elements);
  }

  private outputStep(): void {
    loadWord(this.f, FRAME, ReduceWord.output + 2);
  }

  private outputPlace({ lanes }: Maker, unit: number): Place {
    const size = byteLengthOf(this.reduction.post.output);
    if (this.outputWalk === Walk.neighbours) return { at: this.y, offset: unit * lanes.unit * size };
    const start = this.f.local(Type.i32);
    this.outputStep();
    this.f
      .i32(unit * UNIT)
      .op(i32.mul)
      .get(this.y)
      .op(i32.add)
      .set(start);
    return addresses(lanes, start, () => this.outputStep());
  }

  private place({ walk, size, at, step }: Input, unit: number): Place {
    if (walk === Walk.neighbours) return { at, offset: unit * UNIT * size };
    return addresses(this.four.lanes, at, () => this.f.get(step));
  }

  private partly({ walk, size, at, step }: Input, count: number): Place {
    if (walk === Walk.repeated) return { each: [] };
    return addresses(
      this.four.lanes,
      at,
      () => (walk === Walk.neighbours ? this.f.i32(size) : this.f.get(step)),
      count,
    );
  }

  private element(placeOf: (input: Input) => Place): Value {
    return this.four.pre.unit(this.surroundings(this.four.lanes, placeOf));
  }

  /** Lanes from `count` on hold the combiner's identity. */
  private masked(given: Value, count: number): Value {
    const { f } = this;
    const { lanes, steps } = this.four;
    const { combiner, pre } = this.reduction;
    f.get(count).op(i32x4.splat);
    const inside = value('mask', lanes.apply(i32x4.ltS, lanes.iota(), lanes.keep()));
    const identity = literal(lanes, pre.output, identityOf(combiner, pre.output));
    const masks: readonly Reg[] = isWide(given.kind) ? wideMask(lanes, inside) : inside.regs;
    const flat = given.kind === 'mask' ? cast(lanes, 'bool', 'bool', given) : given;
    if (flat.kind === 'mask') return steps.select(inside, flat, identity, null);
    return value(flat.kind, ...flat.regs.map((reg, i) => lanes.select(masks[i]!, reg, identity.regs[i]!)));
  }

  private finish({ lanes, post }: Maker, accumulated: Value, place: Place, count?: number | 'first'): void {
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
