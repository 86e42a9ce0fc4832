import {
  type BinaryIntrinsic,
  DTypeError,
  type ScalarType,
  type UnaryIntrinsic,
} from '@flambeau/core/backend';
import type { Library } from './library.ts';
import { type ValueType, valueTypeOf } from './types.ts';

/** Steps of programs as WGSL. Arguments are names or literals. */

const unsupported = (op: string, type: ScalarType): DTypeError =>
  new DTypeError(`${op} is not defined for ${type}`, { op });

/** Brings an i32 back into a narrow type, as C wraps it. */
export function wrapSource(type: ScalarType, text: string): string {
  switch (type) {
    case 'int8':
      return `((${text}) << 24u) >> 24u`;
    case 'int16':
      return `((${text}) << 16u) >> 16u`;
    case 'uint8':
      return `(${text}) & 255`;
    default:
      return text;
  }
}

type Binary = (a: string, b: string, library: Library) => string;
type Table = Partial<Record<BinaryIntrinsic, Binary>>;

const operator =
  (symbol: string): Binary =>
  (a, b) =>
    `${a} ${symbol} ${b}`;
const fn =
  (name: string): Binary =>
  (a, b, library) =>
    library.call(name, a, b);
const builtin =
  (name: string): Binary =>
  (a, b) =>
    `${name}(${a}, ${b})`;

const FLOAT: Table = {
  add: operator('+'),
  sub: operator('-'),
  mul: operator('*'),
  div: operator('/'),
  truncDiv: fn('float_trunc_div'),
  floorDiv: fn('float_floor_div'),
  rem: fn('float_rem'),
  mod: fn('float_mod'),
  pow: fn('float_pow'),
  atan2: fn('float_atan2'),
  min: fn('float_min'),
  max: fn('float_max'),
  eq: fn('float_eq'),
  ne: fn('float_ne'),
  lt: fn('float_lt'),
  le: fn('float_le'),
  gt: (a, b, library) => library.call('float_lt', b, a),
  ge: (a, b, library) => library.call('float_le', b, a),
};

const COMPARISONS: Table = {
  eq: operator('=='),
  ne: operator('!='),
  lt: operator('<'),
  le: operator('<='),
  gt: operator('>'),
  ge: operator('>='),
};

/** Exact results, which `wrapSource` narrows. */
const INT: Table = {
  add: operator('+'),
  sub: operator('-'),
  mul: operator('*'),
  div: operator('/'),
  truncDiv: operator('/'),
  floorDiv: fn('int_floor_div'),
  rem: operator('%'),
  mod: fn('int_mod'),
  pow: fn('int_pow'),
  min: builtin('min'),
  max: builtin('max'),
  bitAnd: operator('&'),
  bitOr: operator('|'),
  bitXor: operator('^'),
  shiftLeft: fn('int_shift_left'),
  shiftRight: fn('int_shift_right'),
};

const UINT: Table = {
  ...INT,
  floorDiv: operator('/'),
  mod: operator('%'),
  pow: (a, b, library) =>
    `bitcast<u32>(${library.call('int_pow', `bitcast<i32>(${a})`, `bitcast<i32>(${b})`)})`,
  shiftLeft: fn('uint_shift_left'),
  shiftRight: fn('uint_shift_right'),
  mulHigh: fn('mul_high'),
};

/** Arithmetic on 0 and 1 brought back to truths. There is no fault of dividing by false on a device: it gives the dividend. */
const BOOL: Table = {
  add: operator('||'),
  sub: operator('!='),
  mul: operator('&&'),
  div: (a) => a,
  truncDiv: (a) => a,
  floorDiv: (a) => a,
  rem: () => 'false',
  mod: () => 'false',
  pow: (a, b) => `${a} || !${b}`,
  min: operator('&&'),
  max: operator('||'),
  and: operator('&&'),
  or: operator('||'),
  xor: operator('!='),
  bitAnd: operator('&&'),
  bitOr: operator('||'),
  bitXor: operator('!='),
  shiftLeft: (a) => a,
  shiftRight: (a, b) => `${a} && !${b}`,
  eq: operator('=='),
  ne: operator('!='),
  lt: (a, b) => `!${a} && ${b}`,
  le: (a, b) => `!${a} || ${b}`,
  gt: (a, b) => `${a} && !${b}`,
  ge: (a, b) => `${a} || !${b}`,
};

const isShift = (op: BinaryIntrinsic): boolean => op === 'shiftLeft' || op === 'shiftRight';
const distanceOf = (text: string): number | undefined => {
  const digits = /^(?:i32\((\d+)\)|(\d+)u)$/.exec(text);
  const value = digits === null ? Number.NaN : Number(digits[1] ?? digits[2]);
  return value < 32 ? value : undefined;
};

function integerBinary(
  op: BinaryIntrinsic,
  type: ScalarType,
  a: string,
  b: string,
  library: Library,
): string | undefined {
  const table = type === 'uint32' ? UINT : INT;
  const distance = isShift(op) ? distanceOf(b) : undefined;
  if (distance !== undefined) {
    const text = `${a} ${op === 'shiftLeft' ? '<<' : '>>'} ${distance}u`;
    return wrapSource(type, text);
  }
  const make = table[op];
  if (make === undefined) return COMPARISONS[op]?.(a, b, library);
  const text = make(a, b, library);
  return op === 'min' || op === 'max' ? text : wrapSource(type, text);
}

/** `op` on two values of `type`. */
export function binarySource(
  op: BinaryIntrinsic,
  type: ScalarType,
  a: string,
  b: string,
  library: Library,
): string {
  const source = ((): string | undefined => {
    switch (valueTypeOf(type)) {
      case 'bool':
        return BOOL[op]?.(a, b, library);
      case 'f32':
        return FLOAT[op]?.(a, b, library);
      case 'i32':
      case 'u32':
        return integerBinary(op, type, a, b, library);
    }
  })();
  if (source === undefined) throw unsupported(op, type);
  return source;
}

const FLOAT_BUILTINS: ReadonlySet<UnaryIntrinsic> = new Set(['abs', 'floor', 'ceil', 'trunc', 'round']);
const FLOAT_FUNCTIONS: ReadonlySet<UnaryIntrinsic> = new Set([
  'sign',
  'sqrt',
  'exp',
  'exp2',
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

function floatUnary(op: UnaryIntrinsic, a: string, library: Library): string | undefined {
  if (FLOAT_BUILTINS.has(op)) return `${op}(${a})`;
  if (FLOAT_FUNCTIONS.has(op)) return library.call(`float_${op}`, a);
  switch (op) {
    case 'neg':
      return `-${a}`;
    case 'isnan':
      return library.call('is_nan', a);
    default:
      return undefined;
  }
}

function integerUnary(op: UnaryIntrinsic, type: ScalarType, a: string): string | undefined {
  const unsigned = type === 'uint32';
  switch (op) {
    case 'neg':
      return wrapSource(type, unsigned ? `0u - ${a}` : `-${a}`);
    case 'abs':
      return wrapSource(type, `abs(${a})`);
    case 'sign':
      return unsigned ? `min(${a}, 1u)` : `sign(${a})`;
    case 'bitNot':
      return wrapSource(type, `~${a}`);
    default:
      return undefined;
  }
}

/** `op` on a value of `type`. */
export function unarySource(op: UnaryIntrinsic, type: ScalarType, a: string, library: Library): string {
  const source = ((): string | undefined => {
    switch (valueTypeOf(type)) {
      case 'f32':
        return floatUnary(op, a, library);
      case 'i32':
      case 'u32':
        return integerUnary(op, type, a);
      case 'bool':
        return op === 'not' ? `!${a}` : undefined;
    }
  })();
  if (source === undefined) throw unsupported(op, type);
  return source;
}

const AS_FLOAT: Readonly<Record<ValueType, (a: string) => string>> = {
  f32: (a) => a,
  i32: (a) => `f32(${a})`,
  u32: (a) => `f32(${a})`,
  bool: (a) => `select(0f, 1f, ${a})`,
};

function asInt(from: ValueType, a: string, library: Library): string {
  switch (from) {
    case 'f32':
      return library.call('float_to_int', a);
    case 'i32':
      return a;
    case 'u32':
      return `bitcast<i32>(${a})`;
    case 'bool':
      return `select(0, 1, ${a})`;
  }
}

function asTruth(from: ValueType, a: string, library: Library): string {
  switch (from) {
    case 'f32':
      return library.call('float_ne', a, '0f');
    case 'i32':
      return `${a} != 0`;
    case 'u32':
      return `${a} != 0u`;
    case 'bool':
      return a;
  }
}

function asUint(from: ValueType, a: string, library: Library): string {
  switch (from) {
    case 'f32':
      return library.call('float_to_uint', a);
    case 'i32':
      return `bitcast<u32>(${a})`;
    case 'u32':
      return a;
    case 'bool':
      return `select(0u, 1u, ${a})`;
  }
}

/** A value of type `from` in type `to`. */
export function castSource(from: ScalarType, to: ScalarType, a: string, library: Library): string {
  const source = valueTypeOf(from);
  switch (valueTypeOf(to)) {
    case 'bool':
      return asTruth(source, a, library);
    case 'u32':
      return asUint(source, a, library);
    case 'i32':
      return wrapSource(to, asInt(source, a, library));
    case 'f32': {
      const single = AS_FLOAT[source](a);
      return to === 'float32' || from === to ? single : library.call(`round_${to}`, single);
    }
  }
}
