import {
  BackendError,
  type BinaryIntrinsic,
  type ScalarType,
  type UnaryIntrinsic,
} from '@flambeau/core/backend';
import { roundBfloat16, roundEven, roundFloat16, type Value } from './elements.ts';

/** What a device knows of each type: the arithmetic of programs, every step rounded to its own type. */

type Unary = (a: Value) => Value;
type Binary = (a: Value, b: Value) => Value;

/** Brings an exact result into a type: rounds floating values, wraps integers. */
export function settle(type: ScalarType): (exact: Value) => Value {
  switch (type) {
    case 'float64':
      return Number;
    case 'float32':
      return (x) => Math.fround(Number(x));
    case 'float16':
      return (x) => roundFloat16(Number(x));
    case 'bfloat16':
      return (x) => roundBfloat16(Number(x));
    case 'int64':
      return (x) => BigInt.asIntN(64, whole(x));
    case 'uint32':
      return (x) => Number(BigInt.asUintN(32, whole(x)));
    case 'uint8':
      return (x) => Number(BigInt.asUintN(8, whole(x)));
    case 'int32':
      return (x) =>
        typeof x === 'number' && Math.abs(x) < 2 ** 53 ? x | 0 : Number(BigInt.asIntN(32, whole(x)));
    case 'int16':
      return (x) => Number(BigInt.asIntN(16, whole(x)));
    case 'int8':
      return (x) => Number(BigInt.asIntN(8, whole(x)));
    case 'bool':
      return Boolean;
    case 'complex64':
      throw new BackendError('alien: complex64 reached a backend; core lowers it to pairs of float32');
  }
}

/** Towards zero; what is no number, or too large for every integer, is the least int64. */
function whole(x: Value): bigint {
  if (typeof x !== 'number') return BigInt(x);
  return Math.abs(x) < 2 ** 63 ? BigInt(Math.trunc(x)) : -(2n ** 63n);
}

const isFloat = (type: ScalarType): boolean => type.includes('float');

export function castTo(type: ScalarType): Unary {
  return settle(type);
}

const COMPARISONS: Partial<Record<BinaryIntrinsic, (a: Value, b: Value) => boolean>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
};

const LOGICAL: Partial<Record<BinaryIntrinsic, (a: Value, b: Value) => boolean>> = {
  and: (a, b) => Boolean(a) && Boolean(b),
  or: (a, b) => Boolean(a) || Boolean(b),
  xor: (a, b) => Boolean(a) !== Boolean(b),
};

const FLOATING: Partial<Record<BinaryIntrinsic, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  rem: (a, b) => a % b,
  mod: (a, b) => {
    const rest = a % b;
    return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
  },
  pow: (a, b) => (a === 1 || (a === -1 && !Number.isFinite(b) && !Number.isNaN(b)) ? 1 : a ** b),
  atan2: Math.atan2,
  min: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : a < b ? a : b),
  max: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : a > b ? a : b),
};

/** Python's //: one less than the truncated quotient where the remainder has the other sign. */
function floorDivision(a: number, b: number, round: (x: Value) => Value): number {
  if (b === 0 || !Number.isFinite(a)) return a / b;
  const rest = a % b;
  const quotient = Number(round((a - rest) / b)) - (rest !== 0 && rest < 0 !== b < 0 ? 1 : 0);
  return quotient === 0 ? (a < 0 !== b < 0 ? -0 : 0) : roundEven(quotient);
}

function nonZero(op: string, b: bigint): bigint {
  if (b === 0n) throw new BackendError(`${op}: integer division by zero`, { op });
  return b;
}

const floorOf = (a: bigint, b: bigint): bigint => {
  const rest = a % b;
  return a / b - (rest !== 0n && rest < 0n !== b < 0n ? 1n : 0n);
};

function power(base: bigint, exponent: bigint): bigint {
  if (exponent < 0n) return base === 1n ? 1n : base === -1n ? (exponent % 2n === 0n ? 1n : -1n) : 0n;
  let result = 1n;
  let factor = base;
  for (let rest = exponent; rest > 0n; rest /= 2n) {
    if (rest % 2n === 1n) result = BigInt.asIntN(64, result * factor);
    factor = BigInt.asIntN(64, factor * factor);
  }
  return result;
}

const WIDTHS: Partial<Record<ScalarType, bigint>> = {
  int8: 8n,
  uint8: 8n,
  int16: 16n,
  int32: 32n,
  uint32: 32n,
  int64: 64n,
};

/** All integers are computed without bounds and wrapped to their type afterwards. */
const INTEGER: Partial<Record<BinaryIntrinsic, (a: bigint, b: bigint, bits: bigint) => bigint>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / nonZero('div', b),
  truncDiv: (a, b) => a / nonZero('div', b),
  floorDiv: (a, b) => floorOf(a, nonZero('floorDivide', b)),
  rem: (a, b) => a % nonZero('fmod', b),
  mod: (a, b) => a - floorOf(a, nonZero('remainder', b)) * b,
  pow: power,
  min: (a, b) => (a < b ? a : b),
  max: (a, b) => (a > b ? a : b),
  bitAnd: (a, b) => a & b,
  bitOr: (a, b) => a | b,
  bitXor: (a, b) => a ^ b,
  shiftLeft: (a, b, bits) => (b >= 0n && b < bits ? a << b : 0n),
  shiftRight: (a, b, bits) => a >> (b >= 0n && b < bits ? b : bits),
  mulHigh: (a, b, bits) => (a * b) >> bits,
};

/** On truths a sum is a disjunction and a product a conjunction. */
const TRUTH: Partial<Record<BinaryIntrinsic, (a: boolean, b: boolean) => boolean>> = {
  add: (a, b) => a || b,
  sub: (a, b) => a !== b,
  mul: (a, b) => a && b,
  div: (a, b) => divided('div', a, b),
  truncDiv: (a, b) => divided('div', a, b),
  floorDiv: (a, b) => divided('floorDivide', a, b),
  rem: (_a, b) => divided('fmod', false, b),
  mod: (_a, b) => divided('remainder', false, b),
  pow: (a, b) => a || !b,
  min: (a, b) => a && b,
  max: (a, b) => a || b,
  bitAnd: (a, b) => a && b,
  bitOr: (a, b) => a || b,
  bitXor: (a, b) => a !== b,
  shiftLeft: (a) => a,
  shiftRight: (a, b) => a && !b,
};

function divided(op: string, quotient: boolean, by: boolean): boolean {
  nonZero(op, by ? 1n : 0n);
  return quotient;
}

const unknown = (op: string, type: ScalarType): never => {
  throw new BackendError(`alien: there is no ${op} of ${type}`, { op });
};

/** An operation on two values of one type. */
export function binary(op: BinaryIntrinsic, type: ScalarType): Binary {
  const truth = COMPARISONS[op] ?? LOGICAL[op];
  if (truth !== undefined) return truth;
  const round = settle(type);
  if (type === 'bool') {
    const exact = TRUTH[op] ?? unknown(op, type);
    return (a, b) => exact(Boolean(a), Boolean(b));
  }
  if (isFloat(type)) {
    if (op === 'truncDiv') return (a, b) => Math.trunc(Number(round(Number(a) / Number(b))));
    if (op === 'floorDiv') return (a, b) => round(floorDivision(Number(a), Number(b), round));
    const exact = FLOATING[op] ?? unknown(op, type);
    return (a, b) => round(exact(Number(a), Number(b)));
  }
  const exact = INTEGER[op] ?? unknown(op, type);
  const bits = WIDTHS[type] ?? 64n;
  return (a, b) => round(exact(BigInt(a), BigInt(b), bits));
}

const FLOATING_UNARY: Partial<Record<UnaryIntrinsic, (a: number) => number>> = {
  neg: (a) => -a,
  abs: Math.abs,
  sign: (a) => (a > 0 ? 1 : a < 0 ? -1 : 0),
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  round: (a) =>
    Number.isFinite(a) ? (roundEven(a) === 0 && (a < 0 || Object.is(a, -0)) ? -0 : roundEven(a)) : a,
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
};

const INTEGER_UNARY: Partial<Record<UnaryIntrinsic, (a: bigint) => bigint>> = {
  neg: (a) => -a,
  abs: (a) => (a < 0n ? -a : a),
  sign: (a) => (a > 0n ? 1n : a < 0n ? -1n : 0n),
  bitNot: (a) => ~a,
};

/** An operation on one value. */
export function unary(op: UnaryIntrinsic, type: ScalarType): Unary {
  if (op === 'isnan') return (a) => Number.isNaN(a);
  if (op === 'not') return (a) => !a;
  const round = settle(type);
  if (isFloat(type)) {
    const exact = FLOATING_UNARY[op] ?? unknown(op, type);
    return (a) => round(exact(Number(a)));
  }
  const exact = INTEGER_UNARY[op] ?? unknown(op, type);
  return (a) => round(exact(BigInt(a)));
}

/** `log(exp a + exp b)` without overflow. */
export function logAddExp(a: Value, b: Value): number {
  const [x, y] = [Number(a), Number(b)];
  if (x === y) return x + Math.LN2;
  return Math.max(x, y) + Math.log1p(Math.exp(-Math.abs(x - y)));
}
