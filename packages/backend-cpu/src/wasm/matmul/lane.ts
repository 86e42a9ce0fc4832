import type { DType } from '@flambeau/core/backend';
import {
  type FunctionBuilder,
  f32,
  f32x4,
  f64,
  f64x2,
  i32,
  i32x4,
  i64,
  i64x2,
  type Opcode,
  Type,
  v128,
} from '../assembler/index.ts';

/** The arithmetic of a product: what its elements are while they are multiplied and added. */
export interface Lane {
  readonly type: Type;
  readonly bytes: number;
  /** Elements in a vector. */
  readonly width: number;
  readonly loadSplat: Opcode;
  /** Loads one element into the first lane, zeros in the others; stores it. */
  readonly loadFirst: Opcode;
  readonly storeFirst: Opcode;
  readonly load: Opcode;
  readonly store: Opcode;
  readonly addOne: Opcode;
  readonly add: Opcode;
  readonly mul: Opcode;
  /** `a * b + c` in one. */
  readonly madd: Opcode | null;
}

const FOUR = {
  bytes: 4,
  width: 4,
  loadSplat: v128.load32Splat,
  loadFirst: v128.load32Zero,
  storeFirst: v128.store32Lane,
} as const;
const EIGHT = {
  bytes: 8,
  width: 2,
  loadSplat: v128.load64Splat,
  loadFirst: v128.load64Zero,
  storeFirst: v128.store64Lane,
} as const;

const LANES: Readonly<Record<'f32' | 'f64' | 'i32' | 'i64', Lane>> = {
  f32: {
    ...FOUR,
    type: Type.f32,
    load: f32.load,
    store: f32.store,
    addOne: f32.add,
    add: f32x4.add,
    mul: f32x4.mul,
    madd: f32x4.relaxedMadd,
  },
  f64: {
    ...EIGHT,
    type: Type.f64,
    load: f64.load,
    store: f64.store,
    addOne: f64.add,
    add: f64x2.add,
    mul: f64x2.mul,
    madd: f64x2.relaxedMadd,
  },
  i32: {
    ...FOUR,
    type: Type.i32,
    load: i32.load,
    store: i32.store,
    addOne: i32.add,
    add: i32x4.add,
    mul: i32x4.mul,
    madd: null,
  },
  i64: {
    ...EIGHT,
    type: Type.i64,
    load: i64.load,
    store: i64.store,
    addOne: i64.add,
    add: i64x2.add,
    mul: i64x2.mul,
    madd: null,
  },
};

/** How a dtype is multiplied. */
export interface Element {
  readonly dtype: DType;
  /** Of a stored element. */
  readonly bytes: number;
  readonly lane: Lane;
  /** Replaces the address on the stack by the element there, as a lane's value or, for halves, as its bits. */
  readonly load: (f: FunctionBuilder, scratch: number, offset: number) => void;
  /** Stores such a value. */
  readonly keep: Opcode;
  /** For elements that are stored narrower than they are multiplied: replaces address and value by nothing. */
  readonly narrow: ((f: FunctionBuilder, scratch: number) => void) | null;
}

/** Whether elements are stored as they are multiplied. */
export const isPlain = (element: Element): boolean => element.narrow === null;

const plain = (dtype: DType, lane: Lane): Element => ({
  dtype,
  bytes: lane.bytes,
  lane,
  load: (f, _scratch, offset) => f.memory(lane.load, offset),
  keep: lane.store,
  narrow: null,
});

const narrowInteger = (dtype: DType, bytes: number, load: Opcode, store: Opcode): Element => ({
  dtype,
  bytes,
  lane: LANES.i32,
  load: (f, _scratch, offset) => f.memory(load, offset),
  keep: i32.store,
  narrow: (f) => f.memory(store),
});

/** f32.reinterpret_i32, which the table has under the type of its result. */
const FROM_BITS = f32.reinterpret;

const SIGN = 0x8000;

/** The bits of a float32 from those of a float16. */
function widenFloat16(f: FunctionBuilder, bits: number): void {
  f.tee(bits).i32(0x7fff).op(i32.and).i32(13).op(i32.shl).op(FROM_BITS);
  f.f32(2 ** 112)
    .op(f32.mul)
    .op(i32.reinterpret);
  // Infinities and NaN have all bits of the exponent.
  f.i32(0).i32(0x7f800000).get(bits).i32(0x7c00).op(i32.and).i32(0x7c00).op(i32.ne).select().op(i32.or);
  f.get(bits).i32(SIGN).op(i32.and).i32(16).op(i32.shl).op(i32.or);
}

/** The bits of the nearest float16, ties to even, from those of a float32. */
function narrowFloat16(f: FunctionBuilder, bits: number): void {
  const magnitude = (): FunctionBuilder => f.get(bits).i32(0x7fffffff).op(i32.and);
  f.set(bits);
  magnitude().i32(0x7f800000).op(i32.gtU);
  f.if(
    () => f.i32(0x7e00),
    () => {
      magnitude().i32(0x477ff000).op(i32.geU);
      f.if(
        () => f.i32(0x7c00),
        () => {
          magnitude().i32(0x38800000).op(i32.ltU);
          f.if(
            // Adding 0.5 moves the bits of a subnormal to the low end, rounded by the adder.
            () =>
              magnitude().op(FROM_BITS).f32(0.5).op(f32.add).op(i32.reinterpret).i32(0x3f000000).op(i32.sub),
            () => {
              magnitude()
                .i32(0x38000000 - 0xfff)
                .op(i32.sub);
              f.get(bits).i32(13).op(i32.shrU).i32(1).op(i32.and).op(i32.add).i32(13).op(i32.shrU);
            },
            Type.i32,
          );
        },
        Type.i32,
      );
    },
    Type.i32,
  );
  f.get(bits).i32(16).op(i32.shrU).i32(SIGN).op(i32.and).op(i32.or);
}

/** The bits of the nearest bfloat16, ties to even. */
function narrowBfloat16(f: FunctionBuilder, bits: number): void {
  f.tee(bits).i32(0x7fffffff).op(i32.and).i32(0x7f800000).op(i32.gtU);
  f.if(
    () => f.get(bits).i32(16).op(i32.shrU).i32(0x40).op(i32.or),
    () => {
      f.get(bits).i32(0x7fff).op(i32.add).get(bits).i32(16).op(i32.shrU).i32(1).op(i32.and).op(i32.add);
      f.i32(16).op(i32.shrU);
    },
    Type.i32,
  );
}

const half = (
  dtype: DType,
  widen: (f: FunctionBuilder, bits: number) => void,
  narrow: (f: FunctionBuilder, bits: number) => void,
): Element => ({
  dtype,
  bytes: 2,
  lane: LANES.f32,
  load: (f, scratch, offset) => {
    f.memory(i32.load16U, offset);
    widen(f, scratch);
  },
  keep: i32.store,
  narrow: (f, scratch) => {
    f.op(i32.reinterpret);
    narrow(f, scratch);
    f.memory(i32.store16);
  },
});

/** Every dtype that has products of matrices. */
export const ELEMENTS: Readonly<Partial<Record<DType, Element>>> = {
  float32: plain('float32', LANES.f32),
  float64: plain('float64', LANES.f64),
  int32: plain('int32', LANES.i32),
  int64: plain('int64', LANES.i64),
  int16: narrowInteger('int16', 2, i32.load16S, i32.store16),
  int8: narrowInteger('int8', 1, i32.load8S, i32.store8),
  uint8: narrowInteger('uint8', 1, i32.load8U, i32.store8),
  float16: half('float16', widenFloat16, narrowFloat16),
  bfloat16: half('bfloat16', (f) => f.i32(16).op(i32.shl), narrowBfloat16),
};
