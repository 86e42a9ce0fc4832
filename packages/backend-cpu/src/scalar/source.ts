import type { BinaryIntrinsic, DType, ScalarType, UnaryIntrinsic } from '@flambeau/core/backend';
import type { RuntimeName } from './arithmetic.ts';
import { representationOf, type Value } from './representation.ts';
import { unsupported } from './unsupported.ts';

/** Steps of programs as JavaScript source. `closures.ts` beside it says the same in functions. */

type Binary = (a: string, b: string) => string;

/** A call of a function of `arithmetic.ts`. */
const call = (name: RuntimeName, ...args: string[]): string => `rt.${name}(${args.join(', ')})`;

/** A value as source. */
export function valueSource(value: Value): string {
  if (typeof value === 'bigint') return `(${value}n)`;
  if (typeof value === 'boolean') return String(value);
  if (Object.is(value, -0)) return '(-0)';
  return value < 0 ? `(${value})` : String(value);
}

/** Brings the exact result of integer arithmetic back into a narrow type, as C wraps it. */
export function wrapSource(type: ScalarType, text: string): string {
  switch (type) {
    case 'int8':
      return `(${text}) << 24 >> 24`;
    case 'int16':
      return `(${text}) << 16 >> 16`;
    case 'uint8':
      return `(${text}) & 255`;
    case 'uint32':
      return `(${text}) >>> 0`;
    default:
      return `(${text}) | 0`;
  }
}

const COMPARISONS: Partial<Record<BinaryIntrinsic, Binary>> = {
  eq: (a, b) => `${a} === ${b}`,
  ne: (a, b) => `${a} !== ${b}`,
  lt: (a, b) => `${a} < ${b}`,
  le: (a, b) => `${a} <= ${b}`,
  gt: (a, b) => `${a} > ${b}`,
  ge: (a, b) => `${a} >= ${b}`,
};

const FLOAT: Partial<Record<BinaryIntrinsic, Binary>> = {
  add: (a, b) => `${a} + ${b}`,
  sub: (a, b) => `${a} - ${b}`,
  mul: (a, b) => `${a} * ${b}`,
  div: (a, b) => `${a} / ${b}`,
  floorDiv: (a, b) => call('floorDivFloat', a, b),
  rem: (a, b) => `${a} % ${b}`,
  mod: (a, b) => call('modFloat', a, b),
  pow: (a, b) => call('powFloat', a, b),
  atan2: (a, b) => `Math.atan2(${a}, ${b})`,
  min: (a, b) => `Math.min(${a}, ${b})`,
  max: (a, b) => `Math.max(${a}, ${b})`,
};

/** The exact results, which `wrapSource` narrows. Shared by the narrow integers and uint32. */
const INT: Partial<Record<BinaryIntrinsic, Binary>> = {
  add: (a, b) => `${a} + ${b}`,
  sub: (a, b) => `${a} - ${b}`,
  mul: (a, b) => `Math.imul(${a}, ${b})`,
  div: (a, b) => call('truncDivInt', a, b),
  truncDiv: (a, b) => call('truncDivInt', a, b),
  floorDiv: (a, b) => call('floorDivInt', a, b),
  rem: (a, b) => call('remInt', a, b),
  mod: (a, b) => call('modInt', a, b),
  pow: (a, b) => call('powInt', a, b),
  min: (a, b) => `${a} < ${b} ? ${a} : ${b}`,
  max: (a, b) => `${a} > ${b} ? ${a} : ${b}`,
  bitAnd: (a, b) => `${a} & ${b}`,
  bitOr: (a, b) => `${a} | ${b}`,
  bitXor: (a, b) => `${a} ^ ${b}`,
  shiftLeft: (a, b) => call('shiftLeftInt', a, b),
  shiftRight: (a, b) => call('shiftRightInt', a, b),
};

const wrap64 = (text: string): string => `BigInt.asIntN(64, ${text})`;

const INT64: Partial<Record<BinaryIntrinsic, Binary>> = {
  add: (a, b) => wrap64(`${a} + ${b}`),
  sub: (a, b) => wrap64(`${a} - ${b}`),
  mul: (a, b) => wrap64(`${a} * ${b}`),
  div: (a, b) => call('truncDivInt64', a, b),
  truncDiv: (a, b) => call('truncDivInt64', a, b),
  floorDiv: (a, b) => call('floorDivInt64', a, b),
  rem: (a, b) => call('remInt64', a, b),
  mod: (a, b) => call('modInt64', a, b),
  pow: (a, b) => call('powInt64', a, b),
  min: (a, b) => `${a} < ${b} ? ${a} : ${b}`,
  max: (a, b) => `${a} > ${b} ? ${a} : ${b}`,
  bitAnd: (a, b) => `${a} & ${b}`,
  bitOr: (a, b) => `${a} | ${b}`,
  bitXor: (a, b) => `${a} ^ ${b}`,
  shiftLeft: (a, b) => call('shiftLeftInt64', a, b),
  shiftRight: (a, b) => call('shiftRightInt64', a, b),
};

/** Arithmetic on 0 and 1 brought back to truths: any sum that is not zero is true. */
const BOOL: Partial<Record<BinaryIntrinsic, Binary>> = {
  add: (a, b) => `${a} || ${b}`,
  sub: (a, b) => `${a} !== ${b}`,
  mul: (a, b) => `${a} && ${b}`,
  div: (a, b) => call('divBool', a, b),
  truncDiv: (a, b) => call('divBool', a, b),
  floorDiv: (a, b) => call('divBool', a, b),
  rem: (a, b) => call('remBool', a, b),
  mod: (a, b) => call('remBool', a, b),
  pow: (a, b) => `${a} || !${b}`,
  min: (a, b) => `${a} && ${b}`,
  max: (a, b) => `${a} || ${b}`,
  and: (a, b) => `${a} && ${b}`,
  or: (a, b) => `${a} || ${b}`,
  xor: (a, b) => `${a} !== ${b}`,
  bitAnd: (a, b) => `${a} && ${b}`,
  bitOr: (a, b) => `${a} || ${b}`,
  bitXor: (a, b) => `${a} !== ${b}`,
  // 1 << 1 is 2, which is true.
  shiftLeft: (a) => a,
  shiftRight: (a, b) => `${a} && !${b}`,
  lt: (a, b) => `!${a} && ${b}`,
  le: (a, b) => `!${a} || ${b}`,
  gt: (a, b) => `${a} && !${b}`,
  ge: (a, b) => `${a} || !${b}`,
};

const isShiftLiteral = (text: string): boolean => /^\d+$/.test(text) && Number(text) < 32;

/**
 * The upper half of a product of two uint32, from products of their 16-bit halves. Written out, as a random
 * number takes twenty of these, more than V8 would take into the loop from a function; it finds the shared parts.
 */
function mulHighSource(a: string, b: string): string {
  const low = (x: string): string => `(${x} & 65535)`;
  const high = (x: string): string => `(${x} >>> 16)`;
  const product = (x: string, y: string): string => `Math.imul(${x}, ${y})`;
  const [cross1, cross2] = [product(high(a), low(b)), product(low(a), high(b))];
  const carry = `(${product(low(a), low(b))} >>> 16) + (${cross1} & 65535) + (${cross2} & 65535) >>> 16`;
  return `${product(high(a), high(b))} + (${cross1} >>> 16) + (${cross2} >>> 16) + (${carry}) >>> 0`;
}

function integerSource(op: BinaryIntrinsic, type: ScalarType, a: string, b: string): string | undefined {
  const unsigned = type === 'uint32';
  if (op === 'shiftLeft' && isShiftLiteral(b)) return wrapSource(type, `${a} << ${b}`);
  if (op === 'shiftRight' && isShiftLiteral(b)) return unsigned ? `${a} >>> ${b}` : `${a} >> ${b}`;
  if (unsigned && op === 'shiftLeft') return call('shiftLeftUint32', a, b);
  if (unsigned && op === 'shiftRight') return call('shiftRightUint32', a, b);
  if (unsigned && op === 'mulHigh') return mulHighSource(a, b);
  const make = INT[op];
  if (make === undefined) return undefined;
  return op === 'min' || op === 'max' ? make(a, b) : wrapSource(type, make(a, b));
}

/** `op` on two values of `type`. */
export function binarySource(op: BinaryIntrinsic, type: ScalarType, a: string, b: string): string {
  const representation = representationOf(type);
  const source = ((): string | undefined => {
    switch (representation) {
      case 'bool':
        return BOOL[op]?.(a, b) ?? COMPARISONS[op]?.(a, b);
      case 'float':
        // PyTorch rounds the quotient before it cuts the fraction off.
        if (op === 'truncDiv')
          return `Math.trunc(${type === 'float64' ? `${a} / ${b}` : `Math.fround(${a} / ${b})`})`;
        return FLOAT[op]?.(a, b) ?? COMPARISONS[op]?.(a, b);
      case 'int64':
        return INT64[op]?.(a, b) ?? COMPARISONS[op]?.(a, b);
      case 'int':
      case 'uint32':
        return integerSource(op, type, a, b) ?? COMPARISONS[op]?.(a, b);
    }
  })();
  if (source === undefined) throw unsupported(op, type);
  return source;
}

const MATH: ReadonlySet<UnaryIntrinsic> = new Set([
  'floor',
  'ceil',
  'trunc',
  'abs',
  'sqrt',
  'exp',
  'expm1',
  'log',
  'log1p',
  'log2',
  'log10',
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'tanh',
] satisfies UnaryIntrinsic[]);

function floatUnary(op: UnaryIntrinsic, a: string): string | undefined {
  if (MATH.has(op)) return `Math.${op}(${a})`;
  switch (op) {
    case 'neg':
      return `-${a}`;
    case 'sign':
      return `${a} > 0 ? 1 : ${a} < 0 ? -1 : 0`;
    case 'round':
      return call('roundEven', a);
    case 'exp2':
      return `2 ** ${a}`;
    case 'isnan':
      return `${a} !== ${a}`;
    default:
      return undefined;
  }
}

function integerUnary(op: UnaryIntrinsic, type: ScalarType, a: string): string | undefined {
  switch (op) {
    case 'neg':
      return wrapSource(type, `-${a}`);
    case 'abs':
      return wrapSource(type, `${a} < 0 ? -${a} : ${a}`);
    case 'sign':
      return `${a} > 0 ? 1 : ${a} < 0 ? -1 : 0`;
    case 'bitNot':
      return wrapSource(type, `~${a}`);
    default:
      return undefined;
  }
}

function int64Unary(op: UnaryIntrinsic, a: string): string | undefined {
  switch (op) {
    case 'neg':
      return wrap64(`-${a}`);
    case 'abs':
      return wrap64(`${a} < 0n ? -${a} : ${a}`);
    case 'sign':
      return `${a} > 0n ? 1n : ${a} < 0n ? -1n : 0n`;
    case 'bitNot':
      return `~${a}`;
    default:
      return undefined;
  }
}

/** `op` on a value of `type`. */
export function unarySource(op: UnaryIntrinsic, type: ScalarType, a: string): string {
  const source = ((): string | undefined => {
    switch (representationOf(type)) {
      case 'float':
        return floatUnary(op, a);
      case 'int':
      case 'uint32':
        return integerUnary(op, type, a);
      case 'int64':
        return int64Unary(op, a);
      case 'bool':
        return op === 'not' ? `!${a}` : undefined;
    }
  })();
  if (source === undefined) throw unsupported(op, type);
  return source;
}

/** A value of type `from` in type `to`. */
export function castSource(from: ScalarType, to: ScalarType, a: string): string {
  const source = representationOf(from);
  switch (to) {
    case 'bool':
      return source === 'bool' ? a : source === 'int64' ? `${a} !== 0n` : `${a} !== 0`;
    case 'int64':
      if (source === 'int64') return a;
      return source === 'float'
        ? call('floatToInt64', a)
        : source === 'bool'
          ? `${a} ? 1n : 0n`
          : `BigInt(${a})`;
    case 'float64':
      return asNumber(from, a);
    case 'float32':
    case 'complex64':
      return from === 'float16' || from === 'bfloat16' || source === 'bool'
        ? asNumber(from, a)
        : `Math.fround(${asNumber(from, a)})`;
    case 'float16':
      return call('roundFloat16', asNumber(from, a));
    case 'bfloat16':
      return call('roundBfloat16', asNumber(from, a));
    case 'uint32':
      if (source === 'int64') return `Number(BigInt.asUintN(32, ${a}))`;
      return source === 'bool' ? asNumber(from, a) : wrapSource(to, a);
    default:
      if (source === 'int64') return wrapSource(to, `Number(BigInt.asIntN(32, ${a}))`);
      return source === 'bool' ? asNumber(from, a) : wrapSource(to, a);
  }
}

function asNumber(from: ScalarType, a: string): string {
  const source = representationOf(from);
  return source === 'int64' ? `Number(${a})` : source === 'bool' ? `(${a} ? 1 : 0)` : a;
}

/** An element of an array, as the value of a dtype. */
export function loadSource(dtype: DType, element: string): string {
  switch (dtype) {
    case 'bool':
      return `${element} !== 0`;
    case 'float16':
      return `float16[${element}]`;
    case 'bfloat16':
      return call('fromBfloat16', element);
    default:
      return element;
  }
}

/** What is stored into an array for a value of a dtype. */
export function storeSource(dtype: DType, value: string): string {
  switch (dtype) {
    case 'bool':
      return `${value} ? 1 : 0`;
    case 'float16':
      return call('toFloat16', value);
    case 'bfloat16':
      return call('toBfloat16', value);
    default:
      return value;
  }
}

/** A parameter given at the call, in the type of its step. */
export function parameterSource(type: ScalarType, text: string): string {
  switch (representationOf(type)) {
    case 'float':
      return type === 'float64'
        ? call('numberParameter', text)
        : `Math.fround(${call('numberParameter', text)})`;
    case 'int':
      return wrapSource(type, call('int32Parameter', text));
    case 'uint32':
      return call('uint32Parameter', text);
    case 'int64':
      return call('int64Parameter', text);
    case 'bool':
      return call('boolParameter', text);
  }
}
