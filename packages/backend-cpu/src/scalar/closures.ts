import type { BinaryIntrinsic, DType, ScalarType, UnaryIntrinsic } from '@flambeau/core/backend';
import { fromBfloat16, fromFloat16, roundBfloat16, roundFloat16, toBfloat16, toFloat16 } from '../half.ts';
import * as arithmetic from './arithmetic.ts';
import { representationOf, type Value } from './representation.ts';
import { unsupported } from './unsupported.ts';

/** Steps of programs as functions, for pages whose policy forbids compiling source. Says the same as `source.ts`. */

type Op<T, R = T> = (a: T, b: T) => R;
type Table<T> = Partial<Record<BinaryIntrinsic, Op<T>>>;

const COMPARISONS: Partial<Record<BinaryIntrinsic, Op<Value, boolean>>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
};

const FLOAT: Table<number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  truncDiv: (a, b) => Math.trunc(a / b),
  floorDiv: arithmetic.floorDivFloat,
  rem: (a, b) => a % b,
  mod: arithmetic.modFloat,
  pow: arithmetic.powFloat,
  atan2: Math.atan2,
  min: Math.min,
  max: Math.max,
};

/** Exact results, wrapped to the type afterwards. */
const INT: Table<number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: Math.imul,
  div: arithmetic.truncDivInt,
  truncDiv: arithmetic.truncDivInt,
  floorDiv: arithmetic.floorDivInt,
  rem: arithmetic.remInt,
  mod: arithmetic.modInt,
  pow: arithmetic.powInt,
  min: Math.min,
  max: Math.max,
  bitAnd: (a, b) => a & b,
  bitOr: (a, b) => a | b,
  bitXor: (a, b) => a ^ b,
  shiftLeft: arithmetic.shiftLeftInt,
  shiftRight: arithmetic.shiftRightInt,
};

const UINT32: Table<number> = {
  ...INT,
  shiftLeft: arithmetic.shiftLeftUint32,
  shiftRight: arithmetic.shiftRightUint32,
  mulHigh: arithmetic.mulHigh,
};

/** Wrapped to 64 bits afterwards. */
const INT64: Table<bigint> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: arithmetic.truncDivInt64,
  truncDiv: arithmetic.truncDivInt64,
  floorDiv: arithmetic.floorDivInt64,
  rem: arithmetic.remInt64,
  mod: arithmetic.modInt64,
  pow: arithmetic.powInt64,
  min: (a, b) => (a < b ? a : b),
  max: (a, b) => (a > b ? a : b),
  bitAnd: (a, b) => a & b,
  bitOr: (a, b) => a | b,
  bitXor: (a, b) => a ^ b,
  shiftLeft: arithmetic.shiftLeftInt64,
  shiftRight: arithmetic.shiftRightInt64,
};

const either: Op<boolean> = (a, b) => a || b;
const both: Op<boolean> = (a, b) => a && b;
const differ: Op<boolean> = (a, b) => a !== b;

const BOOL: Table<boolean> = {
  add: either,
  sub: differ,
  mul: both,
  div: arithmetic.divBool,
  truncDiv: arithmetic.divBool,
  floorDiv: arithmetic.divBool,
  rem: arithmetic.remBool,
  mod: arithmetic.remBool,
  pow: (a, b) => a || !b,
  min: both,
  max: either,
  and: both,
  or: either,
  xor: differ,
  bitAnd: both,
  bitOr: either,
  bitXor: differ,
  shiftLeft: (a) => a,
  shiftRight: (a, b) => a && !b,
};

/** Brings an exact result into a narrow integer type. */
function wrapTo(type: ScalarType): (x: number) => number {
  switch (type) {
    case 'int8':
      return (x) => (x << 24) >> 24;
    case 'int16':
      return (x) => (x << 16) >> 16;
    case 'uint8':
      return (x) => x & 255;
    case 'uint32':
      return (x) => x >>> 0;
    default:
      return (x) => x | 0;
  }
}

export type BinaryClosure = (a: Value, b: Value) => Value;
export type UnaryClosure = (a: Value) => Value;

/** A program holds operands of one type at each step, so a table's function meets only values of its own kind. */
const asBinary = <T extends Value>(op: Op<T, Value>): BinaryClosure => op as unknown as BinaryClosure;
const asUnary = <T extends Value>(op: (a: T) => Value): UnaryClosure => op as unknown as UnaryClosure;

export function binaryClosure(op: BinaryIntrinsic, type: ScalarType): BinaryClosure {
  const found = ((): BinaryClosure | undefined => {
    switch (representationOf(type)) {
      case 'float':
        if (op === 'truncDiv' && type !== 'float64')
          return asBinary((a: number, b: number) => Math.trunc(Math.fround(a / b)));
        return FLOAT[op] && asBinary(FLOAT[op]);
      case 'int':
      case 'uint32': {
        const exact = (type === 'uint32' ? UINT32 : INT)[op];
        const wrap = wrapTo(type);
        return exact && asBinary((a: number, b: number) => wrap(exact(a, b)));
      }
      case 'int64': {
        const exact = INT64[op];
        return exact && asBinary((a: bigint, b: bigint) => BigInt.asIntN(64, exact(a, b)));
      }
      case 'bool':
        return BOOL[op] && asBinary(BOOL[op]);
    }
  })();
  const closure = found ?? COMPARISONS[op];
  if (closure === undefined) throw unsupported(op, type);
  return closure;
}

type UnaryTable<T> = Partial<Record<UnaryIntrinsic, (a: T) => Value>>;

const FLOAT_UNARY: UnaryTable<number> = {
  neg: (a) => -a,
  abs: Math.abs,
  sign: (a) => (a > 0 ? 1 : a < 0 ? -1 : 0),
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  round: arithmetic.roundEven,
  sqrt: Math.sqrt,
  exp: Math.exp,
  exp2: (a) => 2 ** a,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  log2: Math.log2,
  log10: Math.log10,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  isnan: (a) => Number.isNaN(a),
};

const INT_UNARY: UnaryTable<number> = {
  neg: (a) => -a,
  abs: Math.abs,
  sign: (a) => (a > 0 ? 1 : a < 0 ? -1 : 0),
  bitNot: (a) => ~a,
};

const INT64_UNARY: UnaryTable<bigint> = {
  neg: (a) => -a,
  abs: (a) => (a < 0n ? -a : a),
  sign: (a) => (a > 0n ? 1n : a < 0n ? -1n : 0n),
  bitNot: (a) => ~a,
};

export function unaryClosure(op: UnaryIntrinsic, type: ScalarType): UnaryClosure {
  const representation = representationOf(type);
  const found = ((): UnaryClosure | undefined => {
    switch (representation) {
      case 'float':
        return FLOAT_UNARY[op] && asUnary(FLOAT_UNARY[op]);
      case 'int':
      case 'uint32': {
        const exact = INT_UNARY[op];
        const wrap = wrapTo(type);
        return exact && asUnary((a: number) => wrap(Number(exact(a))));
      }
      case 'int64': {
        const exact = INT64_UNARY[op];
        return exact && asUnary((a: bigint) => BigInt.asIntN(64, BigInt(exact(a))));
      }
      case 'bool':
        return op === 'not' ? asUnary((a: boolean) => !a) : undefined;
    }
  })();
  if (found === undefined) throw unsupported(op, type);
  return found;
}

export function castClosure(from: ScalarType, to: ScalarType): UnaryClosure {
  const source = representationOf(from);
  switch (to) {
    case 'bool':
      return (a) => a !== 0 && a !== 0n && a !== false;
    case 'int64':
      return source === 'float' ? asUnary(arithmetic.floatToInt64) : (a) => BigInt(a);
    case 'float64':
      return Number;
    case 'float32':
    case 'complex64':
      return (a) => Math.fround(Number(a));
    case 'float16':
      return (a) => roundFloat16(Number(a));
    case 'bfloat16':
      return (a) => roundBfloat16(Number(a));
    default: {
      const wrap = wrapTo(to);
      return (a) => wrap(typeof a === 'bigint' ? Number(BigInt.asIntN(32, a)) : Number(a));
    }
  }
}

/** An element of an array as the value of a dtype. */
export function loadClosure(dtype: DType): (element: number | bigint) => Value {
  switch (dtype) {
    case 'bool':
      return (element) => element !== 0;
    case 'float16':
      return (element) => fromFloat16(Number(element));
    case 'bfloat16':
      return (element) => fromBfloat16(Number(element));
    default:
      return (element) => element;
  }
}

/** What is stored into an array for a value of a dtype. */
export function storeClosure(dtype: DType): (value: Value) => number | bigint {
  switch (dtype) {
    case 'float16':
      return (value) => toFloat16(Number(value));
    case 'bfloat16':
      return (value) => toBfloat16(Number(value));
    case 'int64':
      return BigInt;
    default:
      return Number;
  }
}

export function parameterClosure(type: ScalarType): (value: number | bigint) => Value {
  switch (representationOf(type)) {
    case 'float':
      return type === 'float64' ? arithmetic.parameterAs.number : (value) => Math.fround(Number(value));
    case 'int': {
      const wrap = wrapTo(type);
      return (value) => wrap(arithmetic.parameterAs.int32(value));
    }
    case 'uint32':
      return arithmetic.parameterAs.uint32;
    case 'int64':
      return arithmetic.parameterAs.int64;
    case 'bool':
      return arithmetic.parameterAs.bool;
  }
}
