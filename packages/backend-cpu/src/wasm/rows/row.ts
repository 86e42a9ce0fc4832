import {
  type FunctionBuilder,
  f32x4,
  f64x2,
  i32,
  type ModuleBuilder,
  type Opcode,
  Type,
} from '../assembler/index.ts';
import { countUp, locals, whileRoom } from '../emit.ts';
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

  /** Goes over the elements under some pointers, which stay where they are. */
  each(pointers: readonly number[], body: (element: Element, pointers: readonly number[]) => void): void {
    const { f, lane, place, length } = this;
    const moving = locals(f, Type.i32, pointers.length);
    for (const [i, pointer] of pointers.entries()) f.get(pointer).set(moving[i]!);
    const step = (count: number): void =>
      whileRoom(f, place, length, count, () => {
        body(count === 1 ? this.single() : this.vector(), moving);
        for (const pointer of moving) f.increase(pointer, count * lane.bytes);
      });
    f.i32(0).set(place);
    step(lane.width);
    step(1);
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
    for (let apart = 8; apart >= this.lane.bytes; apart /= 2) {
      const turned = lanes.shuffle(
        all,
        all,
        Array.from({ length: 16 }, (_, i) => (i + apart) % 16),
      );
      all = lanes.apply(code, all, turned);
    }
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

  private vector(): Element {
    const { f, F } = this;
    return {
      load: (pointer) => {
        f.get(pointer).load();
        return F.lanes.keep();
      },
      store: (pointer, value) => void f.get(pointer).get(value).store(),
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
