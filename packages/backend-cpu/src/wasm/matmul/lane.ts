import { byteLengthOf, type DType } from '@flambeau/core/backend';
import {
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
}

/** Whether elements are stored as they are multiplied, and not narrower. */
export const isPlain = ({ bytes, lane }: Element): boolean => bytes === lane.bytes;

const element = (dtype: DType, lane: Lane): Element => ({ dtype, bytes: byteLengthOf(dtype), lane });

/** Every dtype that has products of matrices. */
export const ELEMENTS: Readonly<Partial<Record<DType, Element>>> = {
  float32: element('float32', LANES.f32),
  float64: element('float64', LANES.f64),
  int32: element('int32', LANES.i32),
  int64: element('int64', LANES.i64),
  int16: element('int16', LANES.i32),
  int8: element('int8', LANES.i32),
  uint8: element('uint8', LANES.i32),
  float16: element('float16', LANES.f32),
  bfloat16: element('bfloat16', LANES.f32),
};
