import { BackendError } from '@flambeau/core/backend';
import { fromBfloat16, fromFloat16, roundBfloat16, roundFloat16, toBfloat16, toFloat16 } from '../half.ts';

/** Scalar functions with more to them than an operator of JavaScript. Both compilers call these. */

function zeroDivision(op: string): never {
  throw new BackendError(`${op}: integer division by zero`, { op });
}

/** Halves to even. `Math.round` takes them up. */
export function roundEven(x: number): number {
  const up = Math.round(x);
  return up - x === 0.5 && up % 2 !== 0 ? up - 1 : up;
}

/** C's pow: there a base of 1 gives 1 whatever the exponent, and -1 with an infinite one does. */
export function powFloat(base: number, exponent: number): number {
  if (exponent === 2) return base * base;
  if (base === 1 || (base === -1 && Math.abs(exponent) === Number.POSITIVE_INFINITY)) return 1;
  return base ** exponent;
}

/** Modulo 2^32; callers wrap to narrower types. A negative exponent gives the truncated reciprocal. */
export function powInt(base: number, exponent: number): number {
  if (exponent < 0) return base === 1 ? 1 : base === -1 ? ((exponent & 1) === 0 ? 1 : -1) : 0;
  let result = 1;
  let factor = base;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = Math.imul(result, factor);
    factor = Math.imul(factor, factor);
  }
  return result;
}

export function powInt64(base: bigint, exponent: bigint): bigint {
  if (exponent < 0n) return base === 1n ? 1n : base === -1n ? ((exponent & 1n) === 0n ? 1n : -1n) : 0n;
  let result = 1n;
  let factor = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = BigInt.asIntN(64, result * factor);
    factor = BigInt.asIntN(64, factor * factor);
  }
  return result;
}

/** Python's //, in the form that PyTorch uses: the quotient of what the remainder leaves, rounded once. */
export function floorDivFloat(a: number, b: number): number {
  if (b === 0) return a / b;
  const remainder = a % b;
  let quotient = (a - remainder) / b;
  if (remainder !== 0 && b < 0 !== remainder < 0) quotient -= 1;
  if (quotient === 0) return a / b < 0 || Object.is(a / b, -0) ? -0 : 0;
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

/** Python's %. */
export function modFloat(a: number, b: number): number {
  const remainder = a % b;
  return remainder !== 0 && b < 0 !== remainder < 0 ? remainder + b : remainder;
}

export function floorDivInt(a: number, b: number): number {
  if (b === 0) zeroDivision('floorDivide');
  return Math.floor(a / b);
}

export function truncDivInt(a: number, b: number): number {
  if (b === 0) zeroDivision('div');
  return Math.trunc(a / b);
}

export function remInt(a: number, b: number): number {
  if (b === 0) zeroDivision('fmod');
  return a % b;
}

export function modInt(a: number, b: number): number {
  if (b === 0) zeroDivision('remainder');
  const remainder = a % b;
  return remainder !== 0 && b < 0 !== remainder < 0 ? remainder + b : remainder;
}

export function floorDivInt64(a: bigint, b: bigint): bigint {
  if (b === 0n) zeroDivision('floorDivide');
  const quotient = a / b;
  const exact = quotient * b === a;
  return BigInt.asIntN(64, !exact && a < 0n !== b < 0n ? quotient - 1n : quotient);
}

export function truncDivInt64(a: bigint, b: bigint): bigint {
  if (b === 0n) zeroDivision('div');
  return BigInt.asIntN(64, a / b);
}

export function remInt64(a: bigint, b: bigint): bigint {
  if (b === 0n) zeroDivision('fmod');
  return a % b;
}

export function modInt64(a: bigint, b: bigint): bigint {
  if (b === 0n) zeroDivision('remainder');
  const remainder = a % b;
  return remainder !== 0n && b < 0n !== remainder < 0n ? remainder + b : remainder;
}

/** Division of truths: only a division by true is one. */
export function divBool(a: boolean, b: boolean): boolean {
  if (!b) zeroDivision('div');
  return a;
}

export function remBool(_a: boolean, b: boolean): boolean {
  if (!b) zeroDivision('remainder');
  return false;
}

/** As on int32 in PyTorch: bits shifted out of either end are gone, whatever the distance. */
export function shiftLeftInt(a: number, bits: number): number {
  return bits >= 0 && bits < 32 ? a << bits : 0;
}

export function shiftRightInt(a: number, bits: number): number {
  return a >> (bits >= 0 && bits < 32 ? bits : 31);
}

export function shiftLeftInt64(a: bigint, bits: bigint): bigint {
  return bits >= 0n && bits < 64n ? BigInt.asIntN(64, a << bits) : 0n;
}

export function shiftRightInt64(a: bigint, bits: bigint): bigint {
  return a >> (bits >= 0n && bits < 64n ? bits : 63n);
}

export function shiftLeftUint32(a: number, bits: number): number {
  return bits < 32 ? (a << bits) >>> 0 : 0;
}

export function shiftRightUint32(a: number, bits: number): number {
  return bits < 32 ? a >>> bits : 0;
}

/** The upper half of a 64-bit product. Each partial product stays below 2^49, so doubles are exact. */
export function mulHigh(a: number, b: number): number {
  const low = (a & 0xffff) * b;
  return Math.floor(((a >>> 16) * b + Math.floor(low / 65536)) / 65536);
}

/** Towards zero; what does not fit becomes the smallest value, as on x86. */
export function floatToInt64(x: number): bigint {
  return Math.abs(x) < 2 ** 63 ? BigInt(Math.trunc(x)) : -(2n ** 63n);
}

/** log(exp a + exp b) without overflow. */
export function logAddExp(a: number, b: number): number {
  if (a === b) return a + Math.LN2;
  const larger = Math.max(a, b);
  return larger + Math.log1p(Math.exp(-Math.abs(a - b)));
}

/** A parameter given at the call, in the type that a step wants. */
export const parameterAs = {
  number: (value: number | bigint): number => Number(value),
  int32: (value: number | bigint): number =>
    typeof value === 'bigint' ? Number(BigInt.asIntN(32, value)) : value | 0,
  uint32: (value: number | bigint): number =>
    typeof value === 'bigint' ? Number(BigInt.asUintN(32, value)) : value >>> 0,
  int64: (value: number | bigint): bigint =>
    typeof value === 'bigint' ? BigInt.asIntN(64, value) : floatToInt64(value),
  bool: (value: number | bigint): boolean => value !== 0 && value !== 0n,
} as const;

/** What generated code finds under the name `rt`. */
export const runtime = {
  roundEven,
  powFloat,
  powInt,
  powInt64,
  floorDivFloat,
  modFloat,
  floorDivInt,
  truncDivInt,
  remInt,
  modInt,
  floorDivInt64,
  truncDivInt64,
  remInt64,
  modInt64,
  divBool,
  remBool,
  shiftLeftInt,
  shiftRightInt,
  shiftLeftInt64,
  shiftRightInt64,
  shiftLeftUint32,
  shiftRightUint32,
  floatToInt64,
  logAddExp,
  fromFloat16,
  toFloat16,
  roundFloat16,
  fromBfloat16,
  toBfloat16,
  roundBfloat16,
  numberParameter: parameterAs.number,
  int32Parameter: parameterAs.int32,
  uint32Parameter: parameterAs.uint32,
  int64Parameter: parameterAs.int64,
  boolParameter: parameterAs.bool,
} as const;

export type RuntimeName = keyof typeof runtime;
