import {
  type BinaryIntrinsic,
  DTypeError,
  type ScalarType,
  type UnaryIntrinsic,
} from '@flambeau/core/backend';
import { type FaultingOperator, faultCode } from '../fault.ts';
import type { HelperName, Preamble } from './preamble.ts';
import { representationOf, wrapped } from './types.ts';

/** Steps of programs as CUDA C. */

const COMPARISONS: Partial<Record<BinaryIntrinsic, string>> = {
  eq: '==',
  ne: '!=',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
};

const unsupported = (op: string, type: ScalarType): DTypeError =>
  new DTypeError(`${op} is not defined on ${type}`, { op });

/** The operators that users know, by the step that finds their division by zero. */
const DIVISION: Partial<Record<BinaryIntrinsic, FaultingOperator>> = {
  div: 'div',
  truncDiv: 'div',
  floorDiv: 'floorDivide',
  rem: 'fmod',
  mod: 'remainder',
};

/** Whether a step may leave a fault, so that its kernel needs the fault's words. */
export const canFault = (op: string, type: ScalarType): boolean => {
  const representation = representationOf(type);
  return op in DIVISION && representation !== 'float' && representation !== 'double';
};

const faultArguments = (op: BinaryIntrinsic): readonly string[] => [
  'fault',
  String(faultCode(DIVISION[op]!)),
];

function floatBinary(
  preamble: Preamble,
  op: BinaryIntrinsic,
  double: boolean,
  a: string,
  b: string,
): string | undefined {
  const f = double ? '' : 'f';
  const suffix = double ? 'D' : 'F';
  switch (op) {
    case 'add':
      return `${a} + ${b}`;
    case 'sub':
      return `${a} - ${b}`;
    case 'mul':
      return `${a} * ${b}`;
    case 'div':
      return `${a} / ${b}`;
    case 'truncDiv':
      return `trunc${f}(${a} / ${b})`;
    case 'rem':
      return `fmod${f}(${a}, ${b})`;
    case 'atan2':
      return `atan2${f}(${a}, ${b})`;
    case 'floorDiv':
    case 'mod':
    case 'pow':
    case 'min':
    case 'max':
      return preamble.call(`${op}${suffix}`, a, b);
    default:
      return undefined;
  }
}

const SYMBOLS: Partial<Record<BinaryIntrinsic, string>> = {
  add: '+',
  sub: '-',
  mul: '*',
  bitAnd: '&',
  bitOr: '|',
  bitXor: '^',
};

/** Integers of 32 bits at most: computed as unsigned, where C wraps, then cut to their type. */
function intBinary(
  preamble: Preamble,
  op: BinaryIntrinsic,
  type: ScalarType,
  a: string,
  b: string,
): string | undefined {
  const symbol = SYMBOLS[op];
  if (symbol !== undefined) return wrapped(type, `(unsigned)${a} ${symbol} (unsigned)${b}`);
  switch (op) {
    case 'min':
      return `${b} < ${a} ? ${b} : ${a}`;
    case 'max':
      return `${b} > ${a} ? ${b} : ${a}`;
    case 'div':
    case 'truncDiv':
      return wrapped(type, preamble.call('truncDivI', a, b, ...faultArguments(op)));
    case 'floorDiv':
    case 'rem':
    case 'mod':
      return wrapped(type, preamble.call(`${op}I`, a, b, ...faultArguments(op)));
    case 'pow':
    case 'shiftLeft':
    case 'shiftRight':
      return wrapped(type, preamble.call(`${op}I`, a, b));
    default:
      return undefined;
  }
}

function uintBinary(preamble: Preamble, op: BinaryIntrinsic, a: string, b: string): string | undefined {
  const symbol = SYMBOLS[op];
  if (symbol !== undefined) return `${a} ${symbol} ${b}`;
  switch (op) {
    case 'min':
      return `${b} < ${a} ? ${b} : ${a}`;
    case 'max':
      return `${b} > ${a} ? ${b} : ${a}`;
    case 'div':
    case 'truncDiv':
    case 'floorDiv':
      return preamble.call('divUint', a, b, ...faultArguments(op));
    case 'rem':
    case 'mod':
      return preamble.call('remUint', a, b, ...faultArguments(op));
    case 'mulHigh':
      return `__umulhi(${a}, ${b})`;
    case 'shiftLeft':
      return `${b} < 32u ? ${a} << ${b} : 0u`;
    case 'shiftRight':
      return `${b} < 32u ? ${a} >> ${b} : 0u`;
    default:
      return undefined;
  }
}

function longBinary(preamble: Preamble, op: BinaryIntrinsic, a: string, b: string): string | undefined {
  const symbol = SYMBOLS[op];
  if (symbol !== undefined) return `(long long)((unsigned long long)${a} ${symbol} (unsigned long long)${b})`;
  switch (op) {
    case 'min':
      return `${b} < ${a} ? ${b} : ${a}`;
    case 'max':
      return `${b} > ${a} ? ${b} : ${a}`;
    case 'div':
    case 'truncDiv':
      return preamble.call('truncDivL', a, b, ...faultArguments(op));
    case 'floorDiv':
    case 'rem':
    case 'mod':
      return preamble.call(`${op}L`, a, b, ...faultArguments(op));
    case 'pow':
    case 'shiftLeft':
    case 'shiftRight':
      return preamble.call(`${op}L`, a, b);
    default:
      return undefined;
  }
}

/** Arithmetic on 0 and 1 brought back to truths: a sum that is not zero is true, and 1 << 1 is 2, which is true. */
function boolBinary(preamble: Preamble, op: BinaryIntrinsic, a: string, b: string): string | undefined {
  switch (op) {
    case 'add':
    case 'max':
    case 'or':
    case 'bitOr':
      return `${a} || ${b}`;
    case 'mul':
    case 'min':
    case 'and':
    case 'bitAnd':
      return `${a} && ${b}`;
    case 'sub':
    case 'xor':
    case 'bitXor':
      return `${a} != ${b}`;
    case 'div':
    case 'truncDiv':
    case 'floorDiv':
      return preamble.call('divBool', a, b, ...faultArguments(op));
    case 'rem':
    case 'mod':
      return preamble.call('remBool', a, b, ...faultArguments(op));
    case 'pow':
      return `${a} || !${b}`;
    case 'shiftLeft':
      return a;
    case 'shiftRight':
      return `${a} && !${b}`;
    default:
      return undefined;
  }
}

/** `op` on two values of `type`, as an expression. */
export function binarySource(
  preamble: Preamble,
  op: BinaryIntrinsic,
  type: ScalarType,
  a: string,
  b: string,
): string {
  const comparison = COMPARISONS[op];
  if (comparison !== undefined) return `${a} ${comparison} ${b}`;
  const source = ((): string | undefined => {
    switch (representationOf(type)) {
      case 'float':
        return floatBinary(preamble, op, false, a, b);
      case 'double':
        return floatBinary(preamble, op, true, a, b);
      case 'int':
        return intBinary(preamble, op, type, a, b);
      case 'uint32':
        return uintBinary(preamble, op, a, b);
      case 'int64':
        return longBinary(preamble, op, a, b);
      case 'bool':
        return boolBinary(preamble, op, a, b);
    }
  })();
  if (source === undefined) throw unsupported(op, type);
  return source;
}

/** C's names of functions of one floating value, without the suffix of floats. */
const FUNCTIONS: Partial<Record<UnaryIntrinsic, string>> = {
  abs: 'fabs',
  floor: 'floor',
  ceil: 'ceil',
  trunc: 'trunc',
  round: 'rint',
  sqrt: 'sqrt',
  exp: 'exp',
  exp2: 'exp2',
  expm1: 'expm1',
  log: 'log',
  log1p: 'log1p',
  log2: 'log2',
  log10: 'log10',
  sin: 'sin',
  cos: 'cos',
  tan: 'tan',
  asin: 'asin',
  acos: 'acos',
  atan: 'atan',
  sinh: 'sinh',
  cosh: 'cosh',
  tanh: 'tanh',
};

function floatUnary(op: UnaryIntrinsic, double: boolean, a: string): string | undefined {
  const name = FUNCTIONS[op];
  if (name !== undefined) return `${name}${double ? '' : 'f'}(${a})`;
  switch (op) {
    case 'neg':
      return `-${a}`;
    case 'sign':
      return double ? `(double)((${a} > 0) - (${a} < 0))` : `(float)((${a} > 0) - (${a} < 0))`;
    case 'isnan':
      return `${a} != ${a}`;
    default:
      return undefined;
  }
}

function integerUnary(op: UnaryIntrinsic, type: ScalarType, a: string): string | undefined {
  const cut = (text: string): string => (type === 'int64' ? `(long long)(${text})` : wrapped(type, text));
  const unsigned = type === 'int64' ? '(unsigned long long)' : '(unsigned)';
  switch (op) {
    case 'neg':
      return cut(`0 - ${unsigned}${a}`);
    case 'abs':
      return type === 'uint32' ? a : cut(`${a} < 0 ? 0 - ${unsigned}${a} : ${unsigned}${a}`);
    case 'sign':
      return type === 'uint32' ? `${a} != 0u ? 1u : 0u` : cut(`(${a} > 0) - (${a} < 0)`);
    case 'bitNot':
      return cut(`~${a}`);
    default:
      return undefined;
  }
}

/** `op` on a value of `type`, as an expression. */
export function unarySource(op: UnaryIntrinsic, type: ScalarType, a: string): string {
  const source = ((): string | undefined => {
    switch (representationOf(type)) {
      case 'float':
        return floatUnary(op, false, a);
      case 'double':
        return floatUnary(op, true, a);
      case 'int':
      case 'uint32':
      case 'int64':
        return integerUnary(op, type, a);
      case 'bool':
        return op === 'not' ? `!${a}` : undefined;
    }
  })();
  if (source === undefined) throw unsupported(op, type);
  return source;
}

/** A value of type `from` in type `to`. Fractions are cut off; what does not fit an integer wraps. */
export function castSource(preamble: Preamble, from: ScalarType, to: ScalarType, a: string): string {
  const source = representationOf(from);
  const fromFloat = source === 'float' || source === 'double';
  const cut = (target: 'toInt32' | 'toInt64'): string =>
    preamble.call(`${target}${source === 'double' ? 'D' : 'F'}` as HelperName, a);
  switch (to) {
    case 'bool':
      return source === 'bool' ? a : `${a} != 0`;
    case 'int64':
      return fromFloat ? cut('toInt64') : `(long long)${a}`;
    case 'uint32':
      return fromFloat ? `(unsigned)${cut('toInt64')}` : `(unsigned)${a}`;
    case 'float64':
      return `(double)${a}`;
    case 'float32':
    case 'complex64':
      return `(float)${a}`;
    case 'float16':
      return preamble.call('halfToFloat', preamble.call('floatToHalf', `(float)${a}`));
    case 'bfloat16':
      return preamble.call('bfloatToFloat', preamble.call('floatToBfloat', `(float)${a}`));
    default:
      return wrapped(to, fromFloat ? cut('toInt32') : a);
  }
}

/** A number that C reads as exactly this float or double. */
function floatSource(value: number, suffix: '' | 'f'): string {
  if (Number.isNaN(value)) return `(0.0${suffix} / 0.0${suffix})`;
  if (!Number.isFinite(value)) return `(${value < 0 ? '-' : ''}1.0${suffix} / 0.0${suffix})`;
  const digits = Object.is(value, -0) ? '-0' : String(value);
  const text = `${/[.e]/.test(digits) ? digits : `${digits}.0`}${suffix}`;
  return digits.startsWith('-') ? `(${text})` : text;
}

/** A literal in the type of its step. */
export function literalSource(type: ScalarType, value: number | boolean): string {
  const number = Number(value);
  switch (representationOf(type)) {
    case 'float':
      return floatSource(Math.fround(number), 'f');
    case 'double':
      return floatSource(number, '');
    case 'bool':
      return number !== 0 ? 'true' : 'false';
    case 'uint32':
      return `${number >>> 0}u`;
    case 'int64':
      return longSource(number);
    case 'int': {
      const whole =
        type === 'int8'
          ? (number << 24) >> 24
          : type === 'int16'
            ? (number << 16) >> 16
            : type === 'uint8'
              ? number & 255
              : number | 0;
      return whole === -2147483648 ? '(-2147483647 - 1)' : whole < 0 ? `(${whole})` : String(whole);
    }
  }
}

function longSource(number: number): string {
  const least = '(-9223372036854775807LL - 1)';
  if (!(Math.abs(number) < 2 ** 63)) return least;
  const whole = BigInt(Math.trunc(number));
  return whole < 0n ? `(${whole}LL)` : `${whole}LL`;
}
