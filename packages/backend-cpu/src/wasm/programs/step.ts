import type { BinaryIntrinsic, ScalarType, UnaryIntrinsic } from '@flambeau/core/backend';
import { f32x4, f64x2, i8x16, i16x8, i32x4, i64x2, type Opcode } from '../assembler/index.ts';
import { cosh, exp, exp2, expm1, sinh, tanh } from '../functions/exponential.ts';
import { byLane } from '../functions/host.ts';
import { log, log1p, log2, log10 } from '../functions/logarithm.ts';
import { pow } from '../functions/power.ts';
import { acos, asin, atan, atan2, type Beyond, cos, sin, tan } from '../functions/trigonometric.ts';
import type { Lanes, Reg } from '../lanes/lanes.ts';
import { Real } from '../lanes/real.ts';
import { divisionStep } from './division.ts';
import { type HostName, hostOf } from './host.ts';
import { truthBinary } from './truth.ts';
import { isWide, narrowMask, throughDouble, type Value, value, wideMask, wrap, zeroOf } from './value.ts';

/** The index of a function of the host in the module that is written. */
export type HostIndex = (name: HostName) => number;

type Unary = (F: Real, x: Reg) => Reg;

/** Approximations for both widths. */
const EITHER: Partial<Record<UnaryIntrinsic, Unary>> = { exp, expm1, log, log1p, tanh, atan };
/** Approximations in float64, which float32 goes through. */
const DOUBLE: Partial<Record<UnaryIntrinsic, Unary>> = {
  exp2,
  log2,
  log10,
  asin,
  acos,
  sinh,
  cosh,
};
type Circular = (F: Real, x: Reg, beyond: Beyond, short: boolean) => Reg;
const CIRCULAR: Partial<Record<UnaryIntrinsic, Circular>> = { sin, cos, tan };
/** Those that float32 has itself: a tangent, their quotient, would be off by more than either. */
const SINGLE: Partial<Record<UnaryIntrinsic, Circular>> = { sin, cos };

const FLOAT_NAME: Partial<Record<string, keyof typeof f32x4 & keyof typeof f64x2>> = {
  neg: 'neg',
  abs: 'abs',
  sqrt: 'sqrt',
  floor: 'floor',
  ceil: 'ceil',
  trunc: 'trunc',
  round: 'nearest',
  add: 'add',
  sub: 'sub',
  mul: 'mul',
  div: 'div',
};

const COMPARISONS = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const;
type Comparison = (typeof COMPARISONS)[number];
const isComparison = (op: string): op is Comparison => (COMPARISONS as readonly string[]).includes(op);

const INT: Partial<Record<BinaryIntrinsic, Opcode>> = {
  add: i32x4.add,
  sub: i32x4.sub,
  mul: i32x4.mul,
  min: i32x4.minS,
  max: i32x4.maxS,
};
const UINT32: Partial<Record<BinaryIntrinsic, Opcode>> = { ...INT, min: i32x4.minU, max: i32x4.maxU };
const INT8: Partial<Record<BinaryIntrinsic, Opcode>> = {
  add: i8x16.add,
  sub: i8x16.sub,
  min: i8x16.minS,
  max: i8x16.maxS,
};
const UINT8: Partial<Record<BinaryIntrinsic, Opcode>> = { ...INT8, min: i8x16.minU, max: i8x16.maxU };
const INT64: Partial<Record<BinaryIntrinsic, Opcode>> = { add: i64x2.add, sub: i64x2.sub, mul: i64x2.mul };

const COMPARE = {
  f32: { eq: f32x4.eq, ne: f32x4.ne, lt: f32x4.lt, le: f32x4.le, gt: f32x4.gt, ge: f32x4.ge },
  f64: { eq: f64x2.eq, ne: f64x2.ne, lt: f64x2.lt, le: f64x2.le, gt: f64x2.gt, ge: f64x2.ge },
  i8: { eq: i8x16.eq, ne: i8x16.ne, lt: i8x16.ltS, le: i8x16.leS, gt: i8x16.gtS, ge: i8x16.geS },
  u8: { eq: i8x16.eq, ne: i8x16.ne, lt: i8x16.ltU, le: i8x16.leU, gt: i8x16.gtU, ge: i8x16.geU },
  i32: { eq: i32x4.eq, ne: i32x4.ne, lt: i32x4.ltS, le: i32x4.leS, gt: i32x4.gtS, ge: i32x4.geS },
  u32: { eq: i32x4.eq, ne: i32x4.ne, lt: i32x4.ltU, le: i32x4.leU, gt: i32x4.gtU, ge: i32x4.geU },
  i64: { eq: i64x2.eq, ne: i64x2.ne, lt: i64x2.ltS, le: i64x2.leS, gt: i64x2.gtS, ge: i64x2.geS },
} satisfies Record<string, Record<Comparison, Opcode>>;

/** Operations of programs on values of four elements; null for what the type does not have here. */
export class Steps {
  readonly lanes: Lanes;
  private readonly host: HostIndex;
  private readonly single: Real;
  private readonly double: Real;

  constructor(lanes: Lanes, host: HostIndex) {
    this.lanes = lanes;
    this.host = host;
    this.single = new Real(lanes, 32);
    this.double = new Real(lanes, 64);
  }

  unary(op: UnaryIntrinsic, type: ScalarType, a: Value): Value | null {
    const { lanes } = this;
    switch (a.kind) {
      case 'f32':
      case 'f64':
        return this.floatUnary(op, a);
      case 'i8':
      case 'i32':
        return this.intUnary(op, type, a);
      case 'i64':
        return this.int64Unary(op, a);
      case 'mask':
        return op === 'not' ? value('mask', ...a.regs.map((reg) => lanes.not(reg))) : null;
    }
  }

  private floatUnary(op: UnaryIntrinsic, a: Value): Value | null {
    const { lanes } = this;
    const F = a.kind === 'f32' ? this.single : this.double;
    const each = (f: Unary): Value => value(a.kind, ...a.regs.map((reg) => f(F, reg)));
    const plain = FLOAT_NAME[op];
    if (plain !== undefined) {
      const code = (a.kind === 'f32' ? f32x4 : f64x2)[plain];
      return each((_, reg) => lanes.apply(code, reg));
    }
    if (op === 'isnan') return value('mask', ...a.regs.map((reg) => F.ne(reg, reg)));
    if (op === 'sign') {
      const zero = F.c(0);
      return each((_, x) => lanes.or(lanes.and(F.gt(x, zero), F.c(1)), lanes.and(F.lt(x, zero), F.c(-1))));
    }
    const either = EITHER[op];
    if (either !== undefined) return each(either);
    const double = DOUBLE[op] ?? this.circular(op, a.kind === 'f32');
    if (double === undefined) return null;
    if (a.kind === 'f64') return each(double);
    const through = (): Value => throughDouble(lanes, (x) => double(this.double, x!), a);
    const single = SINGLE[op];
    return single === undefined ? through() : each((_, x) => single(F, x, () => through().regs[0]!, true));
  }

  private circular(op: UnaryIntrinsic, short: boolean): Unary | undefined {
    const f = CIRCULAR[op];
    if (f === undefined) return undefined;
    const host = this.host(op as HostName);
    return (F, x) => f(F, x, () => byLane(this.lanes, 'f64', host, [x]), short);
  }

  private intUnary(op: UnaryIntrinsic, type: ScalarType, a: Value): Value | null {
    const { lanes } = this;
    const [x] = a.regs as [Reg];
    const ops = a.kind === 'i8' ? i8x16 : i32x4;
    const wrapped = (reg: Reg): Value => value(a.kind, wrap(lanes, type, reg));
    switch (op) {
      case 'neg':
        return wrapped(lanes.apply(ops.neg, x));
      case 'abs':
        return type.startsWith('u') ? a : wrapped(lanes.apply(ops.abs, x));
      case 'sign': {
        const [least, most] = type === 'uint32' ? [i32x4.minU, i32x4.maxU] : [i32x4.minS, i32x4.maxS];
        const capped = lanes.apply(least, x, lanes.constant('i32', 1));
        return value(
          'i32',
          type === 'uint32' ? capped : lanes.apply(most, capped, lanes.constant('i32', -1)),
        );
      }
      case 'bitNot':
        return wrapped(lanes.not(x));
      default:
        return null;
    }
  }

  private int64Unary(op: UnaryIntrinsic, a: Value): Value | null {
    const { lanes } = this;
    const each = (f: (reg: Reg) => Reg): Value => value('i64', ...a.regs.map(f));
    switch (op) {
      case 'neg':
        return each((x) => lanes.apply(i64x2.neg, x));
      case 'abs':
        return each((x) => lanes.apply(i64x2.abs, x));
      case 'sign': {
        const zero = zeroOf(lanes);
        const positive = (x: Reg): Reg => lanes.and(lanes.apply(i64x2.gtS, x, zero), lanes.constant64(1n));
        return each((x) => lanes.or(positive(x), lanes.apply(i64x2.ltS, x, zero)));
      }
      case 'bitNot':
        return each((x) => lanes.not(x));
      default:
        return null;
    }
  }

  /** @param bound `b` where it is a number that is known and no NaN. */
  binary(op: BinaryIntrinsic, type: ScalarType, a: Value, b: Value, bound?: number): Value | null {
    if (a.kind === 'mask') return truthBinary(this.lanes, op, a, b);
    if (isComparison(op)) return this.compare(op, type, a, b);
    if (a.kind === 'i8') return this.byteBinary(op, type, a, b);
    const host = hostOf(op, type);
    const shifted = bound === undefined ? null : this.literalShift(op, type, a, bound);
    if (shifted !== null) return shifted;
    if (host !== undefined) {
      const callee = this.host(host);
      // Masks and bytes have been dealt with.
      const kind = a.kind as Exclude<Value['kind'], 'mask' | 'i8'>;
      const division = divisionStep(this.lanes, op, type, a, b, callee);
      if (division !== null) return division;
      const regs = a.regs.map((x, i) => byLane(this.lanes, kind, callee, [x, b.regs[i]!]));
      return value(kind, ...(kind === 'i32' ? regs.map((reg) => wrap(this.lanes, type, reg)) : regs));
    }
    if (a.kind === 'i32') return this.intBinary(op, type, a, b);
    return a.kind === 'i64' ? this.int64Binary(op, a, b) : this.floatBinary(op, a, b, bound);
  }

  private literalShift(op: BinaryIntrinsic, type: ScalarType, a: Value, bits: number): Value | null {
    if (bits < 0 || bits >= (a.kind === 'i64' ? 64 : 32)) return null;
    const { lanes } = this;
    const ops = a.kind === 'i64' ? i64x2 : i32x4;
    if (op === 'shiftLeft')
      return value(a.kind, ...a.regs.map((x) => wrap(lanes, type, lanes.shift(ops.shl, x, bits))));
    if (op !== 'shiftRight') return null;
    const code = type === 'uint32' ? i32x4.shrU : ops.shrS;
    return value(a.kind, ...a.regs.map((x) => lanes.shift(code, x, bits)));
  }

  private compare(op: Comparison, type: ScalarType, a: Value, b: Value): Value {
    const kind = a.kind as Exclude<Value['kind'], 'mask'>;
    const table = type === 'uint32' ? 'u32' : kind === 'i8' && type === 'uint8' ? 'u8' : kind;
    const code = COMPARE[table][op];
    return value('mask', ...a.regs.map((x, i) => this.lanes.apply(code, x, b.regs[i]!)));
  }

  private floatBinary(op: BinaryIntrinsic, a: Value, b: Value, bound: number | undefined): Value | null {
    const { lanes } = this;
    const single = a.kind === 'f32';
    const ops = single ? f32x4 : f64x2;
    const each = (f: (x: Reg, y: Reg) => Reg): Value =>
      value(a.kind, ...a.regs.map((x, i) => f(x, b.regs[i]!)));
    if (op === 'min' || op === 'max') {
      const pick = (x: Reg, y: Reg): Reg => lanes.apply(op === 'min' ? ops.pmin : ops.pmax, x, y);
      // A NaN on the left stays; one on the right is all ones. The instruction that spreads NaN takes twice as long.
      return each((x, y) =>
        bound === undefined ? lanes.or(pick(x, y), lanes.apply(ops.ne, y, y)) : pick(x, y),
      );
    }
    const plain = FLOAT_NAME[op];
    if (plain !== undefined) return each((x, y) => lanes.apply(ops[plain], x, y));
    switch (op) {
      case 'truncDiv':
        return each((x, y) => lanes.apply(ops.trunc, lanes.apply(ops.div, x, y)));
      case 'pow':
        if (bound === 2) return each((x) => lanes.apply(ops.mul, x, x));
        if (single) return throughDouble(this.lanes, (x, y) => pow(this.double, x!, y!, true), a, b);
        return each((x, y) => pow(this.double, x, y, false));
      case 'atan2':
        return each((y, x) => atan2(single ? this.single : this.double, y, x));
      default:
        return null;
    }
  }

  private intBinary(op: BinaryIntrinsic, type: ScalarType, a: Value, b: Value): Value | null {
    const { lanes } = this;
    const [x, y] = [a.regs[0]!, b.regs[0]!];
    const bits = this.bitwise(op, x, y);
    if (bits !== null) return value('i32', bits);
    if (op === 'mulHigh' && type === 'uint32') {
      const low = lanes.apply(i64x2.extmulLowI32x4U, x, y);
      const high = lanes.apply(i64x2.extmulHighI32x4U, x, y);
      return value('i32', lanes.pick(low, high, 1, 3, 5, 7));
    }
    const code = (type === 'uint32' ? UINT32 : INT)[op];
    return code === undefined ? null : value('i32', wrap(lanes, type, lanes.apply(code, x, y)));
  }

  private byteBinary(op: BinaryIntrinsic, type: ScalarType, a: Value, b: Value): Value | null {
    const { lanes } = this;
    const [x, y] = [a.regs[0]!, b.regs[0]!];
    const bits = this.bitwise(op, x, y);
    if (bits !== null) return value('i8', bits);
    if (op === 'mul') {
      const upper = lanes.constant('i32', 0xff00ff00 | 0);
      const even = lanes.andnot(lanes.apply(i16x8.mul, x, y), upper);
      const odd = lanes.apply(i16x8.mul, lanes.shift(i16x8.shrU, x, 8), lanes.and(y, upper));
      return value('i8', lanes.or(even, odd));
    }
    const code = (type === 'uint8' ? UINT8 : INT8)[op];
    return code === undefined ? null : value('i8', lanes.apply(code, x, y));
  }

  private int64Binary(op: BinaryIntrinsic, a: Value, b: Value): Value | null {
    const { lanes } = this;
    const regs = a.regs.map((x, i): Reg | null => {
      const y = b.regs[i]!;
      if (op === 'min') return lanes.select(lanes.apply(i64x2.gtS, x, y), y, x);
      if (op === 'max') return lanes.select(lanes.apply(i64x2.gtS, x, y), x, y);
      const code = INT64[op];
      return code === undefined ? this.bitwise(op, x, y) : lanes.apply(code, x, y);
    });
    const known = regs.filter((reg) => reg !== null);
    return known.length < regs.length ? null : value('i64', ...known);
  }

  private bitwise(op: BinaryIntrinsic, x: Reg, y: Reg): Reg | null {
    switch (op) {
      case 'bitAnd':
        return this.lanes.and(x, y);
      case 'bitOr':
        return this.lanes.or(x, y);
      case 'bitXor':
        return this.lanes.xor(x, y);
      default:
        return null;
    }
  }

  /** @param zero which side is known to be nothing but zeros. */
  select(c: Value, a: Value, b: Value, zero: 'a' | 'b' | null): Value {
    const { lanes } = this;
    const masks = isWide(a.kind) ? wideMask(lanes, c) : [narrowMask(lanes, c)];
    const [as, bs] = a.kind === 'mask' ? [[narrowMask(lanes, a)], [narrowMask(lanes, b)]] : [a.regs, b.regs];
    return value(
      a.kind,
      ...masks.map((mask, i) => {
        if (zero === 'a') return lanes.andnot(bs[i]!, mask);
        return zero === 'b' ? lanes.and(as[i]!, mask) : lanes.select(mask, as[i]!, bs[i]!);
      }),
    );
  }
}
