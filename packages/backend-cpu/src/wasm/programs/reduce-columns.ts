import { byteLengthOf, type Reduction } from '@flambeau/core/backend';
import { i32, Type } from '../assembler/index.ts';
import type { Accumulator } from './accumulator.ts';
import { FRAME, loadWord } from './frame.ts';
import { addresses, type Place } from './memory.ts';
import { ReduceWord, Stride } from './reduce-frame.ts';
import { type Input, type Maker, ReduceLoops } from './reduce-loops.ts';
import { UNIT } from './value.ts';
import { Walk } from './walk.ts';

/** A row of results at a time: the vectors run along the columns, which are nearer to each other in memory. */
export class DownColumns extends ReduceLoops {
  protected readonly lane = Stride.column;
  private readonly outputWalk: Walk;
  /** Where the results of the columns in hand go. */
  private readonly y: number;

  constructor(reduction: Reduction, four: Maker, bytes: Maker | null, walks: readonly Walk[]) {
    super(reduction, four, bytes, walks);
    this.outputWalk = walks[0]!;
    this.y = this.f.local(Type.i32);
  }

  protected moving({ row }: Input): number {
    return row;
  }

  protected row(): void {
    const { f, four } = this;
    f.get(this.yRow).set(this.y);
    loadWord(f, FRAME, ReduceWord.columns).set(this.left);
    this.once();
    this.fullTurns(false, (maker, units) => {
      this.down(maker, units, () => this.addUnits(maker, units));
      for (const [unit, accumulator] of maker.accumulators.slice(0, units).entries())
        this.finish(maker, accumulator.result(), this.outputPlace(maker, unit));
    });
    this.rest((count) => {
      const [first] = four.accumulators as [Accumulator];
      this.down(four, 1, () => first.add(this.some(count)));
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

  protected override advance(elements: number): void {
    const { f } = this;
    super.advance(elements);
    this.outputStep();
    f.i32(elements).op(i32.mul).get(this.y).op(i32.add).set(this.y);
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
}
