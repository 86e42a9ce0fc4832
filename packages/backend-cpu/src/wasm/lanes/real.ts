import { f32x4, f64x2, i32x4, i64x2 } from '../assembler/index.ts';
import type { Lanes, Reg } from './lanes.ts';

/** Floating arithmetic on one vector of one width, and on its bits: what approximations are written in. */
export class Real {
  readonly lanes: Lanes;
  readonly width: 32 | 64;
  private readonly ops: typeof f32x4 | typeof f64x2;
  private readonly bits: typeof i32x4 | typeof i64x2;

  constructor(lanes: Lanes, width: 32 | 64) {
    this.lanes = lanes;
    this.width = width;
    this.ops = width === 32 ? f32x4 : f64x2;
    this.bits = width === 32 ? i32x4 : i64x2;
  }

  /** A constant. */
  c(value: number): Reg {
    return this.lanes.constant(this.width === 32 ? 'f32' : 'f64', value);
  }
  /** A constant by its bits. */
  word(value: bigint): Reg {
    return this.width === 64
      ? this.lanes.constant64(value)
      : this.lanes.constant('i32', Number(BigInt.asIntN(32, value)));
  }

  add(a: Reg, b: Reg): Reg {
    return this.lanes.apply(this.ops.add, a, b);
  }
  sub(a: Reg, b: Reg): Reg {
    return this.lanes.apply(this.ops.sub, a, b);
  }
  mul(a: Reg, b: Reg): Reg {
    return this.lanes.apply(this.ops.mul, a, b);
  }
  div(a: Reg, b: Reg): Reg {
    return this.lanes.apply(this.ops.div, a, b);
  }
  neg(a: Reg): Reg {
    return this.lanes.apply(this.ops.neg, a);
  }
  abs(a: Reg): Reg {
    return this.lanes.apply(this.ops.abs, a);
  }
  sqrt(a: Reg): Reg {
    return this.lanes.apply(this.ops.sqrt, a);
  }
  nearest(a: Reg): Reg {
    return this.lanes.apply(this.ops.nearest, a);
  }
  /** The smaller; `a` where it is NaN. */
  least(a: Reg, b: Reg): Reg {
    return this.lanes.apply(this.ops.pmin, a, b);
  }
  /** The larger; `a` where it is NaN. */
  most(a: Reg, b: Reg): Reg {
    return this.lanes.apply(this.ops.pmax, a, b);
  }
  lt(a: Reg, b: Reg): Reg {
    return this.lanes.apply(this.ops.lt, a, b);
  }
  gt(a: Reg, b: Reg): Reg {
    return this.lanes.apply(this.ops.gt, a, b);
  }
  ge(a: Reg, b: Reg): Reg {
    return this.lanes.apply(this.ops.ge, a, b);
  }
  eq(a: Reg, b: Reg): Reg {
    return this.lanes.apply(this.ops.eq, a, b);
  }
  ne(a: Reg, b: Reg): Reg {
    return this.lanes.apply(this.ops.ne, a, b);
  }
  select(mask: Reg, a: Reg, b: Reg): Reg {
    return this.lanes.select(mask, a, b);
  }

  /** a b + c, in one rounding where the machine has it. */
  madd(a: Reg, b: Reg, c: Reg): Reg {
    return this.lanes.relaxed ? this.lanes.apply(this.ops.relaxedMadd, a, b, c) : this.add(this.mul(a, b), c);
  }
  /** c - a b. */
  nmadd(a: Reg, b: Reg, c: Reg): Reg {
    return this.lanes.relaxed
      ? this.lanes.apply(this.ops.relaxedNmadd, a, b, c)
      : this.sub(c, this.mul(a, b));
  }
  /** `k[0] + k[1] x + k[2] x² + …`, by pairs that do not wait for each other. */
  polynomial(x: Reg, k: readonly number[]): Reg {
    const pair = (i: number): Reg =>
      i + 1 < k.length ? this.madd(this.c(k[i + 1]!), x, this.c(k[i]!)) : this.c(k[i]!);
    let i = (k.length - 1) & -2;
    let value = pair(i);
    const square = this.mul(x, x);
    while (i > 0) {
      i -= 2;
      value = this.madd(value, square, pair(i));
    }
    return value;
  }

  /** Computes `y` anew where the sign bit of some lane of `mask` is set. */
  rarely(mask: Reg, y: Reg, whole: () => Reg): void {
    const { f } = this.lanes;
    f.get(mask).op(this.bits.bitmask);
    f.if(() => f.get(whole()).set(y));
  }

  /** Where the sign bit of `sign` is set, `a` with its own turned. */
  flip(a: Reg, sign: Reg): Reg {
    return this.lanes.xor(a, this.signOf(sign));
  }
  /** The sign bit alone. */
  signOf(a: Reg): Reg {
    return this.lanes.and(a, this.c(-0));
  }
  addBits(a: Reg, b: Reg): Reg {
    return this.lanes.apply(this.bits.add, a, b);
  }
  subBits(a: Reg, b: Reg): Reg {
    return this.lanes.apply(this.bits.sub, a, b);
  }
  /** Compared as signed whole numbers. */
  gtBits(a: Reg, b: Reg): Reg {
    return this.lanes.apply(this.bits.gtS, a, b);
  }
  shl(a: Reg, bits: number): Reg {
    return this.lanes.shift(this.bits.shl, a, bits);
  }
  /** With the sign carried on. */
  shr(a: Reg, bits: number): Reg {
    return this.lanes.shift(this.bits.shrS, a, bits);
  }

  /** With zeros carried on. */
  shrU(a: Reg, bits: number): Reg {
    return this.lanes.shift(this.bits.shrU, a, bits);
  }

  /** How many bits of the fraction are stored. */
  get fraction(): number {
    return this.width === 32 ? 23 : 52;
  }
  /** The number that pushes the fraction of a small `x` out: its lowest bits are then the integer nearest to `x`. */
  get magic(): Reg {
    return this.c(this.width === 32 ? 1.5 * 2 ** 23 : 1.5 * 2 ** 52);
  }
  /** 2ⁿ, of an integer in the lowest bits of `n`; whatever lies above the exponent's bits does not matter. */
  powerOfTwo(n: Reg): Reg {
    const one = this.width === 32 ? 0x3f800000n : 0x3ff0000000000000n;
    return this.addBits(this.shl(n, this.fraction), this.word(one));
  }
}
