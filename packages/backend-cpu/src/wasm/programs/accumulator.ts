import type { DType, ReduceCombiner } from '@flambeau/core/backend';
import { identityOf } from '../../scalar/combine.ts';
import { f32x4, f64x2, Type } from '../assembler/index.ts';
import type { Lanes, Reg } from '../lanes/lanes.ts';
import { Real } from '../lanes/real.ts';
import { cast, literal } from './cast.ts';
import type { Steps } from './step.ts';
import { BYTES, isWide, kindIn, kindOf, narrowMask, promote, truth, type Value, value } from './value.ts';

/** Running combinations side by side, as many as a value holds elements, in locals. */
export abstract class Accumulator {
  protected readonly lanes: Lanes;

  constructor(lanes: Lanes) {
    this.lanes = lanes;
  }

  /** Begins anew. */
  abstract reset(): void;
  abstract add(given: Value): void;
  /** Puts aside what has been added, after at most `blockOf` values. */
  abstract flush(): void;
  /** Takes in what another of the same kind holds; both have been flushed. */
  abstract join(other: this): void;
  /** The results. Flushed before. */
  abstract result(): Value;
  /** All in one, in every lane. Flushed before. */
  abstract total(): Value;

  protected local(): Reg {
    return this.lanes.f.local(Type.v128);
  }
  protected move(from: Reg, to: Reg): void {
    this.lanes.f.get(from).set(to);
  }
}

/** How many values may be added before the sum is put aside, so that little is lost; 0 where that is never needed. */
export function blockOf(combiner: ReduceCombiner, type: DType): number {
  if (combiner !== 'sum') return 0;
  const kind = kindOf(type);
  return kind === 'f32' ? 32 : kind === 'f64' ? 128 : 0;
}

export function accumulatorOf(
  lanes: Lanes,
  steps: Steps,
  combiner: ReduceCombiner,
  type: DType,
): Accumulator {
  const kind = kindOf(type);
  if (blockOf(combiner, type) !== 0) return kind === 'f32' ? new SingleSum(lanes) : new DoubleSum(lanes);
  if ((kind === 'f32' || kind === 'f64') && (combiner === 'max' || combiner === 'min'))
    return new Extremum(lanes, kind, combiner);
  return new Plain(lanes, steps, combiner, type);
}

const OPERATION = { sum: 'add', prod: 'mul', max: 'max', min: 'min', any: 'or', all: 'and' } as const;

/** Combinations in which the order does not matter, or not much. */
class Plain extends Accumulator {
  private readonly steps: Steps;
  private readonly combiner: ReduceCombiner;
  private readonly type: DType;
  private readonly truths: boolean;
  private readonly regs: readonly Reg[];

  constructor(lanes: Lanes, steps: Steps, combiner: ReduceCombiner, type: DType) {
    super(lanes);
    this.steps = steps;
    this.combiner = combiner;
    this.type = type;
    this.truths = combiner === 'any' || combiner === 'all';
    this.regs = this.truths || !isWide(kindOf(type)) ? [this.local()] : [this.local(), this.local()];
  }

  private get held(): Value {
    return value(this.truths ? 'mask' : kindIn(this.lanes, this.type), ...this.regs);
  }
  private combine(a: Value, b: Value): Value {
    const combined = this.steps.binary(OPERATION[this.combiner], this.truths ? 'bool' : this.type, a, b);
    if (combined === null) throw new RangeError(`${this.combiner} of ${this.type}`);
    return combined.kind === 'mask' ? value('mask', narrowMask(this.lanes, combined)) : combined;
  }
  private hold({ regs }: Value): void {
    for (const [i, reg] of regs.entries()) this.move(reg, this.regs[i]!);
  }

  reset(): void {
    const first = this.truths
      ? literal(this.lanes, 'bool', this.combiner === 'all')
      : literal(this.lanes, this.type, identityOf(this.combiner, this.type));
    this.hold(first);
  }
  add(given: Value): void {
    this.hold(this.combine(this.held, this.truths ? truth(this.lanes, given) : given));
  }
  flush(): void {}
  join(other: this): void {
    this.hold(this.combine(this.held, other.held));
  }
  result(): Value {
    return this.truths ? cast(this.lanes, 'bool', this.type, this.held) : this.held;
  }
  total(): Value {
    const { lanes } = this;
    const { kind, regs } = this.held;
    const [a, b] = regs as [Reg, Reg?];
    let all = b === undefined ? this.held : this.combine(value(kind, a), value(kind, b));
    const laneBytes = b !== undefined ? 8 : lanes.unit === BYTES ? 1 : 4;
    for (let apart = 8; apart >= laneBytes; apart /= 2)
      all = this.combine(all, value(kind, lanes.turned(all.regs[0]!, apart)));
    if (b !== undefined) all = value(kind, all.regs[0]!, all.regs[0]!);
    return this.truths ? cast(lanes, 'bool', this.type, all) : all;
  }
}

/**
 * Extrema of floats: the largest or smallest of what is a number, and beside it whether anything was not. An instruction
 * that spreads NaN itself takes several times as long.
 */
class Extremum extends Accumulator {
  private readonly kind: 'f32' | 'f64';
  private readonly F: Real;
  private readonly combiner: 'max' | 'min';
  private readonly best: readonly Reg[];
  private readonly strange: readonly Reg[];

  constructor(lanes: Lanes, kind: 'f32' | 'f64', combiner: 'max' | 'min') {
    super(lanes);
    this.kind = kind;
    this.F = new Real(lanes, kind === 'f32' ? 32 : 64);
    this.combiner = combiner;
    const regs = (): Reg[] => (isWide(kind) ? [this.local(), this.local()] : [this.local()]);
    [this.best, this.strange] = [regs(), regs()];
  }

  private better(a: Reg, b: Reg): Reg {
    return this.combiner === 'max' ? this.F.most(a, b) : this.F.least(a, b);
  }

  reset(): void {
    const { F, lanes } = this;
    const worst = F.c(this.combiner === 'max' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY);
    for (const reg of this.best) this.move(worst, reg);
    for (const reg of this.strange) this.move(lanes.constant('i32', 0), reg);
  }
  add({ regs }: Value): void {
    for (const [i, x] of regs.entries()) this.take(i, x, this.F.ne(x, x));
  }
  flush(): void {}
  join(other: this): void {
    for (const [i, x] of other.best.entries()) this.take(i, x, other.strange[i]!);
  }
  private take(i: number, x: Reg, strange: Reg): void {
    this.move(this.better(this.best[i]!, x), this.best[i]!);
    this.move(this.lanes.or(this.strange[i]!, strange), this.strange[i]!);
  }
  result(): Value {
    const { F } = this;
    return value(this.kind, ...this.best.map((reg, i) => F.select(this.strange[i]!, F.c(Number.NaN), reg)));
  }
  total(): Value {
    const { lanes, kind } = this;
    if (kind === 'f64') this.take(0, this.best[1]!, this.strange[1]!);
    for (const apart of kind === 'f64' ? [8] : [8, 4])
      this.take(0, lanes.turned(this.best[0]!, apart), lanes.turned(this.strange[0]!, apart));
    const [all] = this.result().regs as [Reg];
    return value(kind, ...(kind === 'f64' ? [all, all] : [all]));
  }
}

/** Sums of float32: blocks in float32, and these in float64. */
class SingleSum extends Accumulator {
  private readonly block = this.local();
  private readonly sums = [this.local(), this.local()] as const;

  reset(): void {
    const zero = this.lanes.constant('i32', 0);
    for (const reg of [this.block, ...this.sums]) this.move(zero, reg);
  }
  add({ regs }: Value): void {
    this.move(this.lanes.apply(f32x4.add, this.block, regs[0]!), this.block);
  }
  flush(): void {
    const { lanes } = this;
    for (const [i, half] of promote(lanes, this.block).entries())
      this.move(lanes.apply(f64x2.add, this.sums[i]!, half), this.sums[i]!);
    this.move(lanes.constant('i32', 0), this.block);
  }
  join(other: this): void {
    for (const [i, sum] of this.sums.entries())
      this.move(this.lanes.apply(f64x2.add, sum, other.sums[i]!), sum);
  }
  result(): Value {
    return cast(this.lanes, 'float64', 'float32', value('f64', ...this.sums));
  }
  total(): Value {
    const { lanes } = this;
    const sum = lanes.apply(f64x2.add, ...this.sums);
    const all = lanes.apply(f64x2.add, sum, lanes.turned(sum, 8));
    return cast(lanes, 'float64', 'float32', value('f64', all, all));
  }
}

/** Sums of float64: blocks, added up with what each addition loses (Neumaier). */
class DoubleSum extends Accumulator {
  private readonly block = [this.local(), this.local()] as const;
  private readonly sums = [this.local(), this.local()] as const;
  private readonly lost = [this.local(), this.local()] as const;

  reset(): void {
    const zero = this.lanes.constant('i32', 0);
    for (const reg of [...this.block, ...this.sums, ...this.lost]) this.move(zero, reg);
  }
  add({ regs }: Value): void {
    for (const [i, reg] of regs.entries())
      this.move(this.lanes.apply(f64x2.add, this.block[i]!, reg), this.block[i]!);
  }
  flush(): void {
    for (const [i, reg] of this.block.entries()) {
      this.absorb(i, reg);
      this.move(this.lanes.constant('i32', 0), reg);
    }
  }
  private absorb(i: number, b: Reg): void {
    const F = new Real(this.lanes, 64);
    const a = this.sums[i]!;
    const sum = F.add(a, b);
    const larger = F.ge(F.abs(a), F.abs(b));
    const [big, small] = [F.select(larger, a, b), F.select(larger, b, a)];
    const loss = F.add(F.sub(big, sum), small);
    const finite = F.eq(F.sub(sum, sum), F.c(0));
    const lost = this.lost[i]!;
    this.move(F.add(lost, this.lanes.and(loss, finite)), lost);
    this.move(sum, a);
  }
  join(other: this): void {
    for (const [i, lost] of this.lost.entries()) {
      this.absorb(i, other.sums[i]!);
      this.move(this.lanes.apply(f64x2.add, lost, other.lost[i]!), lost);
    }
  }
  result(): Value {
    return value('f64', ...this.sums.map((sum, i) => this.lanes.apply(f64x2.add, sum, this.lost[i]!)));
  }
  total(): Value {
    const { lanes } = this;
    // The second vector joins the first, and then the first's lanes each other.
    this.absorb(0, this.sums[1]);
    this.move(lanes.apply(f64x2.add, this.lost[0], this.lost[1]), this.lost[0]);
    this.move(lanes.apply(f64x2.add, this.lost[0], lanes.turned(this.lost[0], 8)), this.lost[0]);
    this.absorb(0, lanes.turned(this.sums[0], 8));
    const all = lanes.apply(f64x2.add, this.sums[0], this.lost[0]);
    return value('f64', all, all);
  }
}
