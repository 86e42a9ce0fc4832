import { identityOf } from '../../scalar/combine.ts';
import { i32x4 } from '../assembler/index.ts';
import type { Reg } from '../lanes/lanes.ts';
import type { Accumulator } from './accumulator.ts';
import { cast, literal } from './cast.ts';
import { FRAME, loadWord } from './frame.ts';
import { fourOf } from './memory.ts';
import { ReduceWord, Stride } from './reduce-frame.ts';
import { type Input, ReduceLoops } from './reduce-loops.ts';
import { isWide, type Value, value, wideMask } from './value.ts';

/** One result for each row: the vectors run along the inner reduced dimension. */
export class AlongRows extends ReduceLoops {
  protected readonly lane = Stride.inner;

  protected moving({ at }: Input): number {
    return at;
  }

  protected row(): void {
    const { f, inputs, four, bytes } = this;
    const [first] = four.accumulators as [Accumulator];
    for (const { accumulators } of this.makers) for (const accumulator of accumulators) accumulator.reset();
    f.i32(0).set(this.added);
    for (const { row, turn } of inputs) f.get(row).set(turn);
    this.outerTurns(() => {
      for (const { turn, at } of inputs) f.get(turn).set(at);
      loadWord(f, FRAME, ReduceWord.inner).set(this.left);
      this.once();
      this.fullTurns(true, (maker, units) => this.addUnits(maker, units));
      this.rest((count) => {
        first.add(this.masked(this.some(count), count));
        if (this.block === 0) return;
        f.increase(this.added, 1);
        this.putAside([first]);
      });
    });
    for (const { accumulators } of this.makers) {
      for (const accumulator of accumulators) accumulator.flush();
      for (const accumulator of accumulators.slice(1)) accumulators[0]!.join(accumulator);
    }
    if (bytes !== null)
      first.add(fourOf(four.lanes, this.reduction.pre.output, bytes.accumulators[0]!.total()));
    this.finish(four, first.total(), { each: [this.yRow, this.yRow, this.yRow, this.yRow] }, 'first');
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
}
