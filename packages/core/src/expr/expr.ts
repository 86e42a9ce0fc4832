import type { DType } from '../dtype.ts';
import { fold } from './simplify.ts';

/** Functions of one value that every backend provides; all else is built from them. */
export type UnaryIntrinsic =
  | 'neg'
  | 'abs'
  | 'sign'
  | 'floor'
  | 'ceil'
  | 'trunc'
  | 'round'
  | 'sqrt'
  | 'exp'
  | 'exp2'
  | 'expm1'
  | 'log'
  | 'log1p'
  | 'log2'
  | 'log10'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'asin'
  | 'acos'
  | 'atan'
  | 'sinh'
  | 'cosh'
  | 'tanh'
  | 'isnan'
  | 'not'
  | 'bitNot';

/**
 * Functions of two values of one type. `truncDiv floorDiv` divide and round; `rem` has the sign of the dividend
 * (C's fmod), `mod` that of the divisor (Python's %). `min max` spread NaN. `mulHigh shiftLeft shiftRight` serve
 * the internal uint32. `and or xor` are logical, `bitAnd bitOr bitXor` work on bits.
 */
export type BinaryIntrinsic =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'truncDiv'
  | 'floorDiv'
  | 'rem'
  | 'mod'
  | 'pow'
  | 'atan2'
  | 'min'
  | 'max'
  | 'eq'
  | 'ne'
  | 'lt'
  | 'le'
  | 'gt'
  | 'ge'
  | 'and'
  | 'or'
  | 'xor'
  | 'bitAnd'
  | 'bitOr'
  | 'bitXor'
  | 'shiftLeft'
  | 'shiftRight'
  | 'mulHigh';

/** Types inside a program: the dtypes and an unsigned 32-bit integer for random bits. */
export type ScalarType = DType | 'uint32';

export type ExprKind =
  | UnaryIntrinsic
  | BinaryIntrinsic
  | 'input'
  | 'literal'
  | 'parameter'
  | 'index'
  | 'cast'
  | 'select'
  | 'call';

export type ExprLike = Expr | number | boolean;

/** A rule for the gradient of a scalar function: what each argument receives, given `dy`; null for none. */
export type CallGradient = (dy: Expr, args: readonly Expr[], y: Expr) => readonly (Expr | null)[];

/** What a node holds besides its arguments. */
export interface ExprData {
  /** Of `literal`. */
  readonly value?: number | boolean;
  /** Of `input` and `parameter`: which one. Of `index`: the dimension, from the front. */
  readonly slot?: number;
  /** Of `cast`. */
  readonly type?: ScalarType;
  /** Of `call`: the function's name, and its gradient where differentiating the body would be less stable. */
  readonly name?: string;
  readonly grad?: CallGradient | undefined;
}

const interned = new Map<string, Expr>();

/**
 * A node of a scalar expression: immutable, and the same object for the same meaning, so that shared parts are
 * computed once and comparing is `===`.
 *
 * @example pointwise('silu', (x) => x.mul(x.sigmoid()), { promote: 'float' })
 */
export class Expr {
  readonly kind: ExprKind;
  readonly args: readonly Expr[];
  readonly data: ExprData;
  readonly id: number;

  private constructor(kind: ExprKind, args: readonly Expr[], data: ExprData, id: number) {
    this.kind = kind;
    this.args = args;
    this.data = data;
    this.id = id;
  }

  /** The node of this meaning, simplified. Use the named makers below. */
  static make(kind: ExprKind, args: readonly Expr[], data: ExprData = {}): Expr {
    return fold(kind, args, data, literal) ?? Expr.intern(kind, args, data);
  }

  private static intern(kind: ExprKind, args: readonly Expr[], data: ExprData): Expr {
    const value = Object.is(data.value, -0) ? '-0' : data.value;
    const key = `${kind}|${args.map((a) => a.id).join()}|${typeof value}${value ?? ''}|${data.slot ?? ''}|${data.type ?? ''}|${data.name ?? ''}`;
    let node = interned.get(key);
    if (node === undefined) {
      node = new Expr(kind, args, data, interned.size);
      interned.set(key, node);
    }
    return node;
  }

  static of(value: ExprLike): Expr {
    return value instanceof Expr ? value : literal(value);
  }

  private unary(kind: UnaryIntrinsic): Expr {
    return Expr.make(kind, [this]);
  }
  private binary(kind: BinaryIntrinsic, other: ExprLike): Expr {
    return Expr.make(kind, [this, Expr.of(other)]);
  }

  add(other: ExprLike) {
    return this.binary('add', other);
  }
  sub(other: ExprLike) {
    return this.binary('sub', other);
  }
  mul(other: ExprLike) {
    return this.binary('mul', other);
  }
  div(other: ExprLike) {
    return this.binary('div', other);
  }
  truncDiv(other: ExprLike) {
    return this.binary('truncDiv', other);
  }
  floorDiv(other: ExprLike) {
    return this.binary('floorDiv', other);
  }
  rem(other: ExprLike) {
    return this.binary('rem', other);
  }
  mod(other: ExprLike) {
    return this.binary('mod', other);
  }
  pow(other: ExprLike) {
    return this.binary('pow', other);
  }
  atan2(other: ExprLike) {
    return this.binary('atan2', other);
  }
  min(other: ExprLike) {
    return this.binary('min', other);
  }
  max(other: ExprLike) {
    return this.binary('max', other);
  }

  eq(other: ExprLike) {
    return this.binary('eq', other);
  }
  ne(other: ExprLike) {
    return this.binary('ne', other);
  }
  lt(other: ExprLike) {
    return this.binary('lt', other);
  }
  le(other: ExprLike) {
    return this.binary('le', other);
  }
  gt(other: ExprLike) {
    return this.binary('gt', other);
  }
  ge(other: ExprLike) {
    return this.binary('ge', other);
  }
  and(other: ExprLike) {
    return this.binary('and', other);
  }
  or(other: ExprLike) {
    return this.binary('or', other);
  }
  xor(other: ExprLike) {
    return this.binary('xor', other);
  }
  not() {
    return this.unary('not');
  }
  isnan() {
    return this.unary('isnan');
  }
  isinf() {
    return this.abs().eq(Number.POSITIVE_INFINITY);
  }

  bitAnd(other: ExprLike) {
    return this.binary('bitAnd', other);
  }
  bitOr(other: ExprLike) {
    return this.binary('bitOr', other);
  }
  bitXor(other: ExprLike) {
    return this.binary('bitXor', other);
  }
  bitNot() {
    return this.unary('bitNot');
  }
  shiftLeft(bits: ExprLike) {
    return this.binary('shiftLeft', bits);
  }
  shiftRight(bits: ExprLike) {
    return this.binary('shiftRight', bits);
  }
  /** The upper 32 bits of a product of two uint32. */
  mulHigh(other: ExprLike) {
    return this.binary('mulHigh', other);
  }

  neg() {
    return this.unary('neg');
  }
  abs() {
    return this.unary('abs');
  }
  sign() {
    return this.unary('sign');
  }
  floor() {
    return this.unary('floor');
  }
  ceil() {
    return this.unary('ceil');
  }
  trunc() {
    return this.unary('trunc');
  }
  /** To the nearest integer, halves to even. */
  round() {
    return this.unary('round');
  }
  sqrt() {
    return this.unary('sqrt');
  }
  exp() {
    return this.unary('exp');
  }
  exp2() {
    return this.unary('exp2');
  }
  expm1() {
    return this.unary('expm1');
  }
  log() {
    return this.unary('log');
  }
  log1p() {
    return this.unary('log1p');
  }
  log2() {
    return this.unary('log2');
  }
  log10() {
    return this.unary('log10');
  }
  sin() {
    return this.unary('sin');
  }
  cos() {
    return this.unary('cos');
  }
  tan() {
    return this.unary('tan');
  }
  asin() {
    return this.unary('asin');
  }
  acos() {
    return this.unary('acos');
  }
  atan() {
    return this.unary('atan');
  }
  sinh() {
    return this.unary('sinh');
  }
  cosh() {
    return this.unary('cosh');
  }
  tanh() {
    return this.unary('tanh');
  }

  square() {
    return this.mul(this);
  }
  reciprocal() {
    return literal(1).div(this);
  }
  rsqrt() {
    return literal(1).div(this.sqrt());
  }
  sigmoid() {
    return sigmoid(this);
  }

  cast(type: ScalarType) {
    return Expr.make('cast', [this], { type });
  }
  /** `this ? a : b`, evaluated and differentiated without touching the branch not taken. */
  select(a: ExprLike, b: ExprLike) {
    return Expr.make('select', [this, Expr.of(a), Expr.of(b)]);
  }
}

export const literal = (value: number | boolean): Expr => Expr.make('literal', [], { value });
/** The value of the operator's `slot`-th operand. */
export const input = (slot: number): Expr => Expr.make('input', [], { slot });
/** A number given at the call: a slot, never part of the key. */
export const parameter = (slot: number): Expr => Expr.make('parameter', [], { slot });
/** The element's index along a dimension of the output, counted from the front; an int32. */
export const index = (dim: number): Expr => Expr.make('index', [], { slot: dim });

/**
 * A named scalar function: backends see its body; its gradient is `grad` where that is stabler or cheaper than
 * differentiating the body.
 */
export function scalarFunction<A extends Expr[]>(
  name: string,
  body: (...args: A) => Expr,
  grad?: (dy: Expr, args: A, y: Expr) => readonly (Expr | null)[],
): (...args: A) => Expr {
  return (...args) =>
    Expr.make('call', [body(...args), ...args], { name, grad: grad as CallGradient | undefined });
}

const sigmoid = scalarFunction(
  'sigmoid',
  (x: Expr) => literal(1).div(x.neg().exp().add(1)),
  (dy, _args, y) => [dy.mul(y.mul(literal(1).sub(y)))],
);
