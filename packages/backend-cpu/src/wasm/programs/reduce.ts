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
import { addresses, load, loadRepeated, type Place, store } from './memory.ts';
import { Walk } from './pointwise.ts';
import { Steps } from './step.ts';
import { isWide, UNIT, type Value, value, wideMask } from './value.ts';

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
    const lanes = new Lanes(f, target.relaxed);
    const { pre, post } = reduction;
    const repeated = pre.inputs.reduce(
      (bits, _, k) => bits | (walks[k + 1] === Walk.repeated ? 1 << k : 0),
      0,
    );
    const bodies = {
      // Along columns an input that repeats is another in each turn.
      pre: new Body(pre, lanes, host, byColumns ? 0 : repeated),
      post: new Body(post, lanes, host, 0),
      steps: new Steps(lanes, host),
    };
    new Loops(lanes, reduction, bodies, byColumns, walks).emit();
  });
}

interface Bodies {
  readonly pre: Body;
  readonly post: Body;
  readonly steps: Steps;
}

class Loops {
  private readonly f: FunctionBuilder;
  private readonly lanes: Lanes;
  private readonly reduction: Reduction;
  private readonly bodies: Bodies;
  private readonly byColumns: boolean;
  private readonly outputWalk: Walk;
  private readonly inputs: readonly Input[];
  private readonly accumulators: readonly Accumulator[];
  private readonly rows: number;
  private readonly outer: number;
  private readonly left: number;
  private readonly added: number;
  private readonly y: number;
  private readonly yRow: number;

  constructor(
    lanes: Lanes,
    reduction: Reduction,
    bodies: Bodies,
    byColumns: boolean,
    walks: readonly Walk[],
  ) {
    const { f } = lanes;
    const local = (): number => f.local(Type.i32);
    this.f = f;
    this.lanes = lanes;
    this.reduction = reduction;
    this.bodies = bodies;
    this.byColumns = byColumns;
    this.outputWalk = walks[0]!;
    [this.rows, this.outer, this.left] = [local(), local(), local()];
    [this.added, this.y, this.yRow] = [local(), local(), local()];
    const { pre, combiner } = reduction;
    this.inputs = pre.inputs.map((dtype, k) => {
      const [first, row, turn, at, step] = [local(), local(), local(), local(), local()];
      return { dtype, walk: walks[k + 1]!, size: byteLengthOf(dtype), first, row, turn, at, step };
    });
    const weight = programWeight(pre);
    const units = walks.includes(Walk.strided, 1) ? 1 : weight <= 12 ? 4 : weight <= 40 ? 2 : 1;
    this.accumulators = Array.from({ length: units }, () =>
      accumulatorOf(lanes, bodies.steps, combiner, pre.output),
    );
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
    const { f, inputs, accumulators } = this;
    for (const accumulator of accumulators) accumulator.reset();
    f.i32(0).set(this.added);
    for (const { row, turn } of inputs) f.get(row).set(turn);
    this.outerTurns(() => {
      for (const { turn, at } of inputs) f.get(turn).set(at);
      loadWord(f, FRAME, ReduceWord.inner).set(this.left);
      this.bodies.pre.once(this.surroundings(() => ({ each: [] })));
      this.fullTurns((unit) => accumulators[unit]!.add(this.element((input) => this.place(input, unit))));
      this.rest((count, place) => accumulators[0]!.add(this.masked(this.element(place), count)));
    });
    for (const accumulator of accumulators) accumulator.flush();
    for (const accumulator of accumulators.slice(1)) accumulators[0]!.join(accumulator);
    this.finish(accumulators[0]!.total(), { each: [this.yRow, this.yRow, this.yRow, this.yRow] }, 'first');
  }

  /** A row of results: the vectors run along the columns. */
  private columns(): void {
    const { f, accumulators } = this;
    f.get(this.yRow).set(this.y);
    loadWord(f, FRAME, ReduceWord.columns).set(this.left);
    this.bodies.pre.once(this.surroundings(() => ({ each: [] })));
    this.fullTurns(
      () => {},
      () => {
        this.down((unit) => (input) => this.place(input, unit), accumulators.length);
        for (const [unit, accumulator] of accumulators.entries())
          this.finish(accumulator.result(), this.outputPlace(unit));
      },
    );
    this.rest((count) => {
      this.down(() => (input) => this.partly(input, count), 1);
      const each = addresses(this.lanes, this.y, () => this.outputStep(), count);
      this.finish(accumulators[0]!.result(), each, count);
    });
  }

  /** Combines the reduced elements below some columns. */
  private down(placesOf: (unit: number) => (input: Input) => Place, units: number): void {
    const { f, inputs, accumulators } = this;
    const inner = f.local(Type.i32);
    const used = accumulators.slice(0, units);
    for (const accumulator of used) accumulator.reset();
    f.i32(0).set(this.added);
    // Here `row` stands at the first of the columns in hand.
    for (const { row, turn } of inputs) f.get(row).set(turn);
    this.outerTurns(() => {
      for (const { turn, at } of inputs) f.get(turn).set(at);
      loadWord(f, FRAME, ReduceWord.inner).set(inner);
      f.loop((again) => {
        for (const [unit, accumulator] of used.entries()) accumulator.add(this.element(placesOf(unit)));
        this.countBlock(used);
        for (const [k, { at }] of inputs.entries()) this.word(k, Stride.inner).get(at).op(i32.add).set(at);
        f.get(inner).i32(1).op(i32.sub).tee(inner).brIf(again);
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

  /** Turns of the loop in which every vector is full. */
  private fullTurns(unit: (unit: number) => void, turn?: () => void): void {
    const { f, accumulators } = this;
    const units = accumulators.length;
    f.block((end) =>
      f.loop((again) => {
        f.get(this.left)
          .i32(UNIT * units)
          .op(i32.ltS)
          .brIf(end);
        if (turn !== undefined) turn();
        else {
          for (let k = 0; k < units; k++) unit(k);
          this.countBlock(accumulators);
        }
        this.advance(units);
        f.br(again);
      }),
    );
  }

  /** What no full turn was left for, four elements at a time, the last of them in part. */
  private rest(body: (count: number, place: (input: Input) => Place) => void): void {
    const { f, accumulators } = this;
    const count = f.local(Type.i32);
    f.block((end) =>
      f.loop((again) => {
        f.get(this.left).i32(0).op(i32.leS).brIf(end);
        f.get(this.left).i32(UNIT).get(this.left).i32(UNIT).op(i32.ltS).select().set(count);
        const places = new Map<Input, Place>();
        if (!this.byColumns) for (const input of this.inputs) places.set(input, this.partly(input, count));
        body(count, (input) => places.get(input)!);
        if (!this.byColumns) this.countBlock(accumulators.slice(0, 1));
        this.advance(1);
        f.br(again);
      }),
    );
  }

  /** Puts sums aside when a block is full. */
  private countBlock(used: readonly Accumulator[]): void {
    const { combiner, pre } = this.reduction;
    const block = blockOf(combiner, pre.output);
    if (block === 0) return;
    const { f } = this;
    f.get(this.added).i32(1).op(i32.add).tee(this.added).i32(block).op(i32.geS);
    f.if(() => {
      for (const accumulator of used) accumulator.flush();
      f.i32(0).set(this.added);
    });
  }

  private advance(units: number): void {
    const { f } = this;
    for (const input of this.inputs) {
      // By columns the row itself moves on.
      const at = this.byColumns ? input.row : input.at;
      if (input.walk === Walk.neighbours) f.increase(at, units * UNIT * input.size);
      else if (input.walk === Walk.strided)
        f.get(input.step)
          .i32(units * UNIT)
          .op(i32.mul)
          .get(at)
          .op(i32.add)
          .set(at);
    }
    if (this.byColumns) {
      this.outputStep();
      f.i32(units * UNIT)
        .op(i32.mul)
        .get(this.y)
        .op(i32.add)
        .set(this.y);
    }
    f.increase(this.left, -units * UNIT);
  }

  private outputStep(): void {
    loadWord(this.f, FRAME, ReduceWord.output + 2);
  }

  private outputPlace(unit: number): Place {
    const size = byteLengthOf(this.reduction.post.output);
    if (this.outputWalk === Walk.neighbours) return { at: this.y, offset: unit * UNIT * size };
    const start = this.f.local(Type.i32);
    this.outputStep();
    this.f
      .i32(unit * UNIT)
      .op(i32.mul)
      .get(this.y)
      .op(i32.add)
      .set(start);
    return addresses(this.lanes, start, () => this.outputStep());
  }

  private place({ walk, size, at, step }: Input, unit: number): Place {
    if (walk === Walk.neighbours) return { at, offset: unit * UNIT * size };
    return addresses(this.lanes, at, () => this.f.get(step));
  }

  private partly({ walk, size, at, step }: Input, count: number): Place {
    if (walk === Walk.repeated) return { each: [] };
    return addresses(
      this.lanes,
      at,
      () => (walk === Walk.neighbours ? this.f.i32(size) : this.f.get(step)),
      count,
    );
  }

  private element(placeOf: (input: Input) => Place): Value {
    return this.bodies.pre.unit(this.surroundings(placeOf));
  }

  /** Lanes from `count` on hold the combiner's identity. */
  private masked(given: Value, count: number): Value {
    const { lanes, f } = this;
    const { combiner, pre } = this.reduction;
    f.get(count).op(i32x4.splat);
    const inside = value('mask', lanes.apply(i32x4.ltS, lanes.iota(), lanes.keep()));
    const identity = literal(lanes, pre.output, identityOf(combiner, pre.output));
    const masks: readonly Reg[] = isWide(given.kind) ? wideMask(lanes, inside) : inside.regs;
    const flat = given.kind === 'mask' ? cast(lanes, 'bool', 'bool', given) : given;
    if (flat.kind === 'mask') return this.bodies.steps.select(inside, flat, identity, null);
    return value(flat.kind, ...flat.regs.map((reg, i) => lanes.select(masks[i]!, reg, identity.regs[i]!)));
  }

  private finish(accumulated: Value, place: Place, count?: number | 'first'): void {
    const { post } = this.reduction;
    const around = { ...this.surroundings(() => ({ each: [] })), input: () => accumulated };
    this.bodies.post.once(around);
    store(this.lanes, post.output, place, this.bodies.post.unit(around), count);
  }

  private surroundings(placeOf: (input: Input) => Place): Surroundings {
    const { lanes, inputs, reduction } = this;
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
