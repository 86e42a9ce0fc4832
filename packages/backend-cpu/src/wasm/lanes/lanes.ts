import { type FunctionBuilder, type Opcode, Type, v128 } from '../assembler/index.ts';

/** A local that holds a vector. */
export type Reg = number;

/**
 * Vector code over locals: every operation leaves its result in a fresh one, which the engine turns into registers.
 * Constants are made once, at the function's beginning.
 */
export class Lanes {
  readonly f: FunctionBuilder;
  /** Whether multiply-adds may be fused. */
  readonly relaxed: boolean;
  /** How many elements a program's values hold. */
  readonly unit: 4 | 16;
  private readonly constants = new Map<string, Reg>();

  constructor(f: FunctionBuilder, relaxed: boolean, unit: 4 | 16 = 4) {
    this.f = f;
    this.relaxed = relaxed;
    this.unit = unit;
  }

  apply(code: Opcode, ...operands: readonly Reg[]): Reg {
    for (const operand of operands) this.f.get(operand);
    this.f.op(code);
    return this.keep();
  }

  /** Moves the vector on top of the stack into a fresh local. */
  keep(): Reg {
    const reg = this.f.local(Type.v128);
    this.f.set(reg);
    return reg;
  }

  shift(code: Opcode, a: Reg, bits: number): Reg {
    this.f.get(a).i32(bits).op(code);
    return this.keep();
  }

  shuffle(a: Reg, b: Reg, lanes: readonly number[]): Reg {
    this.f.get(a).get(b).shuffle(lanes);
    return this.keep();
  }

  /** All bytes moved on by so many, the last to the front. */
  turned(a: Reg, bytes: number): Reg {
    return this.shuffle(
      a,
      a,
      Array.from({ length: 16 }, (_, i) => (i + bytes) % 16),
    );
  }

  /** 32-bit lanes, by number: 0 to 3 of `a`, 4 to 7 of `b`. */
  pick(a: Reg, b: Reg, ...lanes: readonly number[]): Reg {
    return this.shuffle(
      a,
      b,
      lanes.flatMap((lane) => [lane * 4, lane * 4 + 1, lane * 4 + 2, lane * 4 + 3]),
    );
  }

  constant(as: 'f32' | 'f64' | 'i32', value: number): Reg {
    return this.hoisted(`${as}${Object.is(value, -0) ? '-0' : value}`, () => this.f.splat(as, value));
  }
  constant64(value: bigint): Reg {
    return this.hoisted(`i64${value}`, () => this.f.splat64(value));
  }
  /** 0, 1, 2, 3. */
  iota(): Reg {
    return this.hoisted('iota', () => this.f.i32x4([0, 1, 2, 3]));
  }

  and(a: Reg, b: Reg): Reg {
    return this.apply(v128.and, a, b);
  }
  /** a & ~b. */
  andnot(a: Reg, b: Reg): Reg {
    return this.apply(v128.andnot, a, b);
  }
  or(a: Reg, b: Reg): Reg {
    return this.apply(v128.or, a, b);
  }
  xor(a: Reg, b: Reg): Reg {
    return this.apply(v128.xor, a, b);
  }
  not(a: Reg): Reg {
    return this.apply(v128.not, a);
  }
  /** `a` where the mask's bits are set, `b` elsewhere. */
  select(mask: Reg, a: Reg, b: Reg): Reg {
    return this.apply(v128.bitselect, a, b, mask);
  }

  private hoisted(key: string, emit: () => void): Reg {
    let reg = this.constants.get(key);
    if (reg === undefined) {
      reg = this.f.local(Type.v128);
      const made = reg;
      this.f.ahead(() => {
        emit();
        this.f.set(made);
      });
      this.constants.set(key, reg);
    }
    return reg;
  }
}
