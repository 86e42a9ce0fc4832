import {
  type FunctionBuilder,
  f32x4,
  f64x2,
  i32,
  type ModuleBuilder,
  type Opcode,
  Type,
} from '../assembler/index.ts';
import { countUp, locals, type Tuple, whileRoom } from '../emit.ts';
import { Lanes, type Reg } from '../lanes/lanes.ts';
import { Real } from '../lanes/real.ts';
import type { Lane } from '../matmul/lane.ts';

/** What a pass over a row does with its elements, a vector of them or the last few one by one. */
interface Element {
  /** The element under a pointer. */
  readonly load: (pointer: number) => Reg;
  readonly store: (pointer: number, value: Reg) => void;
  /** A value where there is an element, and what changes nothing where there is none. */
  readonly valid: (value: Reg, neutral: number) => Reg;
}

/** How many vectors are combined side by side. */
const ABREAST = 4;

interface Folding {
  readonly first: number;
  readonly join: (F: Real, a: Reg, b: Reg) => Reg;
}

/** Emits the passes of a kernel over rows: contiguous lines of `length` elements. */
export class Row {
  readonly f: FunctionBuilder;
  readonly F: Real;
  private readonly lane: Lane;
  private readonly length: number;
  private readonly place: number;

  constructor(f: FunctionBuilder, lane: Lane, relaxed: boolean, length: number) {
    this.f = f;
    this.lane = lane;
    this.length = length;
    this.F = new Real(new Lanes(f, relaxed), lane.bytes === 4 ? 32 : 64);
    this.place = f.local(Type.i32);
  }

  /**
   * Goes over the elements under some pointers, which stay where they are.
   *
   * @param abreast how many vectors a turn of the loop takes; the body is told which of them it has.
   */
  each(
    pointers: readonly number[],
    body: (element: Element, pointers: readonly number[], which: number) => void,
    abreast = 1,
  ): void {
    const { f, lane, place, length } = this;
    const moving = locals(f, Type.i32, pointers.length);
    for (const [i, pointer] of pointers.entries()) f.get(pointer).set(moving[i]!);
    const step = (count: number, turn: () => void): void =>
      whileRoom(f, place, length, count, () => {
        turn();
        for (const pointer of moving) f.increase(pointer, count * lane.bytes);
      });
    f.i32(0).set(place);
    if (abreast > 1)
      step(abreast * lane.width, () => {
        for (let which = 0; which < abreast; which++)
          body(this.vector(which * lane.width * lane.bytes), moving, which);
      });
    step(lane.width, () => body(this.vector(), moving, 0));
    step(1, () => body(this.single(), moving, 0));
  }

  /**
   * Combines elements in several ways at once, each from 0 or `first` on: `body` adds a vector to what is held. Four
   * are held side by side, so that a vector does not wait for the one before it.
   *
   * @returns what was combined in each way, lane by lane.
   */
  fold<const N extends number>(
    ways: N,
    pointers: readonly number[],
    body: (element: Element, pointers: readonly number[], held: readonly Reg[]) => readonly Reg[],
    { first, join }: Folding = { first: 0, join: (F, a, b) => F.add(a, b) },
  ): Tuple<N, Reg> {
    const held = Array.from({ length: ABREAST }, () =>
      Array.from({ length: ways }, () => this.accumulator(first)),
    );
    this.each(
      pointers,
      (element, moving, which) => {
        for (const [way, value] of body(element, moving, held[which]!).entries())
          this.assign(held[which]![way]!, value);
      },
      ABREAST,
    );
    // As many as there are ways, each of them a register.
    return held.reduce((all, more) => all.map((value, way) => join(this.F, value, more[way]!))) as Tuple<
      N,
      Reg
    >;
  }

  /** The largest element, in every lane; NaN do not count, as what is made of a row with one is NaN anyway. */
  largest(x: number): Reg {
    const most = { first: Number.NEGATIVE_INFINITY, join: (F: Real, a: Reg, b: Reg) => F.most(a, b) };
    const [each] = this.fold(
      1,
      [x],
      ({ load, valid }, [from], [held]) => [this.F.most(held!, valid(load(from!), most.first))],
      most,
    );
    return this.across(each, this.ops.max);
  }

  /** The sum of all lanes of what `body` gives for each element, in every lane. */
  sum(pointers: readonly number[], body: (element: Element, pointers: readonly number[]) => Reg): Reg {
    const [each] = this.fold(1, pointers, (element, moving, [held]) => [
      this.F.add(held!, element.valid(body(element, moving), 0)),
    ]);
    return this.across(each, this.ops.add);
  }

  /** A sum, product or extremum that begins with `first` in every lane. */
  accumulator(first: number): Reg {
    const reg = this.f.local(Type.v128);
    this.f.get(this.F.c(first)).set(reg);
    return reg;
  }

  assign(target: Reg, value: Reg): void {
    this.f.get(value).set(target);
  }

  /** The combination of all lanes, in every lane. */
  across(value: Reg, code: Opcode): Reg {
    const { lanes } = this.F;
    let all = value;
    for (let apart = 8; apart >= this.lane.bytes; apart /= 2)
      all = lanes.apply(code, all, lanes.turned(all, apart));
    return all;
  }

  /** A float64 parameter, in every lane. */
  number(parameter: number): Reg {
    this.f.get(parameter);
    if (this.lane.bytes === 4) this.f.op(0xb6).op(f32x4.splat);
    else this.f.op(f64x2.splat);
    return this.F.lanes.keep();
  }

  /** The element at `place`, in every lane. */
  splat(place: number): Reg {
    this.f.get(place).memory(this.lane.loadSplat);
    return this.F.lanes.keep();
  }

  /** Leaves the first lane's value at `place`. */
  storeOne(place: number, value: Reg): void {
    this.f.get(place).get(value).memoryLane(this.lane.storeFirst, 0);
  }

  get ops(): typeof f32x4 | typeof f64x2 {
    return this.lane.bytes === 4 ? f32x4 : f64x2;
  }

  private vector(offset = 0): Element {
    const { f, F } = this;
    return {
      load: (pointer) => {
        f.get(pointer).load(offset);
        return F.lanes.keep();
      },
      store: (pointer, value) => void f.get(pointer).get(value).store(offset),
      valid: (value) => value,
    };
  }

  private single(): Element {
    const { f, F, lane } = this;
    return {
      load: (pointer) => {
        f.get(pointer).memory(lane.loadFirst);
        return F.lanes.keep();
      },
      store: (pointer, value) => void f.get(pointer).get(value).memoryLane(lane.storeFirst, 0),
      valid: (value, neutral) => F.select(this.firstLane(), value, F.c(neutral)),
    };
  }

  /** Bits set in the first lane alone. */
  private firstLane(): Reg {
    const { f, F, lane } = this;
    f.i32x4(lane.bytes === 4 ? [-1, 0, 0, 0] : [-1, -1, 0, 0]);
    return F.lanes.keep();
  }
}

/**
 * Adds `name(rows, length, ...moving, ...fixed, ...numbers)`: a kernel over rows. The moving pointers go from row to
 * row, the fixed ones stay; numbers are float64.
 */
export function addRows(
  module: ModuleBuilder,
  name: string,
  lane: Lane,
  relaxed: boolean,
  counts: {
    readonly moving: number;
    readonly fixed?: number;
    readonly perRow?: number;
    readonly numbers?: number;
  },
  body: (
    row: Row,
    at: {
      readonly moving: number[];
      readonly fixed: number[];
      readonly perRow: number[];
      readonly numbers: number[];
    },
  ) => void,
): void {
  const { moving, perRow = 0, fixed = 0, numbers = 0 } = counts;
  const types = [
    ...new Array<Type>(2 + moving + perRow + fixed).fill(Type.i32),
    ...new Array<Type>(numbers).fill(Type.f64),
  ];
  module.export(name, types, [], (f) => {
    const [rows, length] = [0, 1] as const;
    let next = 2;
    const take = (count: number): number[] => Array.from({ length: count }, () => next++);
    const at = { moving: take(moving), perRow: take(perRow), fixed: take(fixed), numbers: take(numbers) };
    const i = f.local(Type.i32);
    countUp(f, i, rows, 1, () => {
      body(new Row(f, lane, relaxed, length), at);
      for (const pointer of at.moving)
        f.get(length).i32(lane.bytes).op(i32.mul).get(pointer).op(i32.add).set(pointer);
      for (const pointer of at.perRow) f.increase(pointer, lane.bytes);
    });
  });
}
