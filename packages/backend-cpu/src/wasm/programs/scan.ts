import { byteLengthOf, type DType } from '@flambeau/core/backend';
import { type FunctionBuilder, i32, i32x4, ModuleBuilder, Type } from '../assembler/index.ts';
import { advance, countUp, locals, parameters, whileRoom } from '../emit.ts';
import { Lanes, type Reg } from '../lanes/lanes.ts';
import { addresses, load, type Place, store } from './memory.ts';
import type { Part, Running } from './running.ts';
import { Steps } from './step.ts';
import { mirrored, UNIT } from './value.ts';

/** How an operand walks along the vectors' dimension: side by side, side by side from the end, apart. */
export const ScanWalk = { neighbours: 0, mirrored: 1, strided: 2 } as const;
export type ScanWalk = (typeof ScanWalk)[keyof typeof ScanWalk];

/** What a scan's kernel is made for. */
export interface ScanLayout {
  /** Whether the vectors hold lines side by side, or neighbours along the scan. */
  readonly byColumns: boolean;
  /** The input's walk, and then the outputs'. */
  readonly walks: readonly ScanWalk[];
}

/** Vectors' worth of lines that are scanned together. */
const COLUMN_UNITS = 4;

/**
 * `run(lines, length, input, its step from line to line, its step along, …)`, and three for each output; in bytes.
 *
 * @param running makes what is carried.
 */
export function scanModule(
  shared: boolean,
  relaxed: boolean,
  dtype: DType,
  layout: ScanLayout,
  running: (lanes: Lanes, steps: Steps) => Running,
): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({ shared });
  module.export('run', parameters(2 + layout.walks.length * 3), [], (f) => {
    const lanes = new Lanes(f, relaxed);
    const steps = new Steps(lanes, (name) => {
      throw new RangeError(`${name} in a scan`);
    });
    new ScanLoops(lanes, dtype, layout, running(lanes, steps)).emit();
  });
  return module.toBytes();
}

/** The parameters in front, and locals of an operand. */
const [LINES, LENGTH, FIRST] = [0, 1, 2] as const;

interface Walked {
  readonly dtype: DType;
  readonly size: number;
  readonly walk: ScanWalk;
  /** Locals: the line's address, the steps to the next line and to the next element, where the scan stands. */
  readonly line: number;
  readonly step: number;
  readonly along: number;
  readonly at: number;
}

/** Elements moved on by one, and by two, behind an identity's: by 32-bit lanes, those of the identity first. */
const MOVES = {
  2: [[0, 1, 4, 5]],
  4: [
    [0, 4, 5, 6],
    [0, 1, 4, 5],
  ],
} as const;

class ScanLoops {
  private readonly f: FunctionBuilder;
  private readonly lanes: Lanes;
  private readonly running: Running;
  private readonly byColumns: boolean;
  private readonly operands: readonly Walked[];
  private readonly position: Reg;

  constructor(lanes: Lanes, dtype: DType, { byColumns, walks }: ScanLayout, running: Running) {
    const { f } = lanes;
    this.f = f;
    this.lanes = lanes;
    this.running = running;
    this.byColumns = byColumns;
    this.position = f.local(Type.v128);
    this.operands = [dtype, ...running.outputs].map((type, k) => {
      const first = FIRST + k * 3;
      const [line, step, along] = [first, first + 1, first + 2];
      return {
        dtype: type,
        size: byteLengthOf(type),
        walk: walks[k]!,
        line,
        step,
        along,
        at: f.local(Type.i32),
      };
    });
  }

  emit(): void {
    if (this.byColumns) this.columns();
    else this.lines();
  }

  private lines(): void {
    const { f, lanes, operands } = this;
    const [line, done, count] = locals(f, Type.i32, 3);
    const carry = this.carried();
    countUp(f, line, LINES, 1, () => {
      this.begin([carry]);
      f.get(lanes.iota()).set(this.position);
      f.i32(0).set(done);
      whileRoom(f, done, LENGTH, UNIT, () => {
        const places = operands.map((operand) => this.run(operand));
        this.put(this.onward(this.take(places[0]!, this.isMirrored(0)), carry), (k) => places[k]!);
        for (const { at, along } of operands) f.get(along).i32(UNIT).op(i32.mul).get(at).op(i32.add).set(at);
        this.move(UNIT);
      });
      f.get(LENGTH).get(done).op(i32.sub).tee(count);
      f.if(() => {
        const places = operands.map(({ at, along }) => addresses(lanes, at, () => f.get(along), count));
        this.put(this.onward(this.take(places[0]!, false), carry), (k) => places[k]!, count);
      });
      for (const operand of operands) advance(f, operand.line, operand.step);
    });
  }

  private columns(): void {
    const { f, lanes, operands } = this;
    const [done, count] = locals(f, Type.i32, 2);
    const whole = (units: number): void =>
      whileRoom(f, done, LINES, units * UNIT, () => {
        this.down(units, ({ walk, size, at, step }, unit) => {
          if (walk === ScanWalk.neighbours) return { at, offset: unit * UNIT * size };
          const start = f.local(Type.i32);
          f.get(step)
            .i32(unit * UNIT)
            .op(i32.mul)
            .get(at)
            .op(i32.add)
            .set(start);
          return addresses(lanes, start, () => f.get(step));
        });
        for (const { line, step } of operands)
          f.get(step)
            .i32(units * UNIT)
            .op(i32.mul)
            .get(line)
            .op(i32.add)
            .set(line);
      });
    if (operands.every(({ walk }) => walk === ScanWalk.neighbours)) whole(COLUMN_UNITS);
    whole(1);
    f.get(LINES).get(done).op(i32.sub).tee(count);
    f.if(() => this.down(1, ({ at, step }) => addresses(lanes, at, () => f.get(step), count), count));
  }

  /** Scans some units of lines side by side. */
  private down(units: number, placeOf: (operand: Walked, unit: number) => Place, count?: number): void {
    const { f, lanes, operands, running } = this;
    const i = f.local(Type.i32);
    const carries = Array.from({ length: units }, () =>
      Array.from({ length: UNIT / running.width }, () => this.carried()),
    );
    this.begin(carries.flat());
    f.get(lanes.constant('i32', 0)).set(this.position);
    countUp(f, i, LENGTH, 1, () => {
      for (const [unit, carry] of carries.entries()) {
        const places = operands.map((operand) => placeOf(operand, unit));
        const parts = this.take(places[0]!, false);
        for (const [p, part] of parts.entries()) this.hold(running.combine(carry[p]!, part), carry[p]!);
        this.put(carry, (k) => places[k]!, count);
      }
      for (const { at, along } of operands) advance(f, at, along);
      this.move(1);
    });
  }

  /** A line's beginning. */
  private begin(carries: readonly Part[]): void {
    const { f, operands, running } = this;
    for (const { line, at } of operands) f.get(line).set(at);
    const identity = running.identity();
    for (const carry of carries) this.hold(identity, carry);
  }

  /** Each of four elements in a row combined with all before it, of which `carry` holds the last. */
  private onward(parts: readonly Part[], carry: Part): readonly Part[] {
    const { running } = this;
    if (!running.regroups) return parts.map((part) => this.oneByOne(part, carry));
    const last = (part: Part): Part => this.spread(part, running.width - 1);
    let before: Part | null = null;
    const groups: Part[] = [];
    for (const part of parts) {
      const group = this.grouped(part);
      before = before === null ? group : running.combine(last(before), group);
      groups.push(before);
    }
    // What is carried comes last: the next four elements wait for nothing else.
    const results = groups.map((group) => running.combine(carry, group));
    this.hold(last(results.at(-1)!), carry);
    return results;
  }

  /** Each element of a part combined with those before it in there. */
  private grouped(part: Part): Part {
    const { lanes, running } = this;
    const identity = running.identity();
    return MOVES[running.width].reduce((result: Part, move) => {
      const moved = result.map((reg, i) => lanes.pick(identity[i]!, reg, ...move));
      return running.combine(moved, result);
    }, part);
  }

  /** The two elements of a part, one after the other; each stands in both lanes until they are put together. */
  private oneByOne(part: Part, carry: Part): Part {
    const { lanes, running } = this;
    const first = running.combine(carry, this.spread(part, 0));
    const second = running.combine(first, this.spread(part, 1));
    this.hold(second, carry);
    return first.map((reg, i) => lanes.pick(reg, second[i]!, 0, 1, 6, 7));
  }

  /** One element of a part in all its places. */
  private spread(part: Part, element: number): Part {
    const { lanes, running } = this;
    const wide = running.width === 2;
    const words = wide ? [0, 1, 0, 1].map((word) => element * 2 + word) : [0, 1, 2, 3].map(() => element);
    return part.map((reg) => lanes.pick(reg, reg, ...words));
  }

  /** Four elements along the scan: where they lie, and at once for those that run from the end. */
  private run({ walk, size, at, along }: Walked): Place {
    const { f, lanes } = this;
    if (walk === ScanWalk.neighbours) return { at, offset: 0 };
    if (walk === ScanWalk.strided) return addresses(lanes, at, () => f.get(along));
    const lowest = f.local(Type.i32);
    f.get(at)
      .i32((UNIT - 1) * size)
      .op(i32.sub)
      .set(lowest);
    return { at: lowest, offset: 0 };
  }

  private isMirrored(operand: number): boolean {
    return !this.byColumns && this.operands[operand]!.walk === ScanWalk.mirrored;
  }

  private take(place: Place, turned: boolean): readonly Part[] {
    const elements = load(this.lanes, this.operands[0]!.dtype, place);
    return this.running.parts(turned ? mirrored(this.lanes, elements) : elements, this.position);
  }

  private put(parts: readonly Part[], placeOf: (operand: number) => Place, count?: number): void {
    for (const [k, result] of this.running.results(parts).entries()) {
      const turned = count === undefined && this.isMirrored(k + 1) ? mirrored(this.lanes, result) : result;
      store(this.lanes, this.operands[k + 1]!.dtype, placeOf(k + 1), turned, count);
    }
  }

  /** Locals for what is carried. */
  private carried(): Part {
    return this.running.identity().map(() => this.f.local(Type.v128));
  }

  private hold(from: Part, into: Part): void {
    // All are read before any is written: one may stand in the place of another.
    for (const reg of from) this.f.get(reg);
    for (const reg of into.toReversed()) this.f.set(reg);
  }

  private move(by: number): void {
    this.f.get(this.position).get(this.lanes.constant('i32', by)).op(i32x4.add).set(this.position);
  }
}
