import { float32, float64, int32, int64, signed, signed64, unsigned } from './bytes.ts';
import { i32 as I32, type Opcode, v128 as V128 } from './opcodes.ts';

/** The types of values, as the format writes them. */
export const Type = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;
export type Type = (typeof Type)[keyof typeof Type];

const NO_RESULT = 0x40;

/** A place to branch to: the end of a block, the beginning of a loop. */
export type Label = number;

/**
 * The body of one function, written instruction by instruction. Locals are numbers: the parameters first, then what
 * `local` gave. Every method returns the function, so that what stands in a line reads as the stack machine's code.
 *
 * @example f.get(a).get(b).op(f32x4.add).set(sum)
 */
export class FunctionBuilder {
  readonly params: readonly Type[];
  readonly results: readonly Type[];
  private code: number[] = [];
  private readonly beginning: number[] = [];
  private readonly locals: Type[] = [];
  private depth = 0;

  constructor(params: readonly Type[], results: readonly Type[]) {
    this.params = params;
    this.results = results;
  }

  /** A new local; it begins at zero. */
  local(type: Type): number {
    this.locals.push(type);
    return this.params.length + this.locals.length - 1;
  }

  op(code: Opcode): this {
    if (code > 255) {
      this.code.push(code >> 16);
      unsigned(this.code, code & 0xffff);
    } else this.code.push(code);
    return this;
  }

  get(local: number): this {
    return this.indexed(0x20, local);
  }
  set(local: number): this {
    return this.indexed(0x21, local);
  }
  tee(local: number): this {
    return this.indexed(0x22, local);
  }
  call(callee: number): this {
    return this.indexed(0x10, callee);
  }

  i32(value: number): this {
    this.code.push(0x41);
    signed(this.code, value);
    return this;
  }
  i64(value: bigint): this {
    this.code.push(0x42);
    signed64(this.code, value);
    return this;
  }
  f32(value: number): this {
    this.code.push(0x43);
    float32(this.code, value);
    return this;
  }
  f64(value: number): this {
    this.code.push(0x44);
    float64(this.code, value);
    return this;
  }

  /** One number in all four lanes, or two; `as` says how it is written. */
  splat(as: 'f32' | 'f64' | 'i32', value: number): this {
    this.code.push(0xfd, 12);
    const write = { f32: float32, f64: float64, i32: int32 }[as];
    for (let lane = 0; lane < (as === 'f64' ? 2 : 4); lane++) write(this.code, value);
    return this;
  }
  splat64(value: bigint): this {
    this.code.push(0xfd, 12);
    int64(this.code, value);
    int64(this.code, value);
    return this;
  }
  /** A number of its own in each lane. */
  i32x4(lanes: readonly number[]): this {
    this.code.push(0xfd, 12);
    for (const lane of lanes) int32(this.code, lane);
    return this;
  }

  /** A load, store or atomic access `offset` bytes behind the address. */
  memory(code: Opcode, offset = 0): this {
    this.op(code);
    // Only atomics need their alignment told, and these are of 32 bits.
    this.code.push(code >> 16 === 0xfe ? 2 : 0);
    unsigned(this.code, offset);
    return this;
  }
  /** A load or store of one lane. */
  memoryLane(code: Opcode, lane: number, offset = 0): this {
    this.memory(code, offset).code.push(lane);
    return this;
  }
  load(offset = 0): this {
    return this.memory(V128.load, offset);
  }
  store(offset = 0): this {
    return this.memory(V128.store, offset);
  }
  /** `extract` and `replace` of one lane. */
  lane(code: Opcode, lane: number): this {
    this.op(code).code.push(lane);
    return this;
  }
  /** The 16 bytes that `lanes` name out of two vectors. */
  shuffle(lanes: readonly number[]): this {
    this.code.push(0xfd, 13, ...lanes);
    return this;
  }
  /** `memory.copy` of target, source and length; `memory.fill` of target, value and length. */
  copyMemory(): this {
    this.code.push(0xfc, 10, 0, 0);
    return this;
  }
  fillMemory(): this {
    this.code.push(0xfc, 11, 0);
    return this;
  }

  block(body: (end: Label) => void): this {
    return this.nested(0x02, NO_RESULT, body);
  }
  /** Runs once, and again whenever its label is branched to. */
  loop(body: (again: Label) => void): this {
    return this.nested(0x03, NO_RESULT, body);
  }
  if(then: () => void, otherwise?: () => void, result?: Type): this {
    return this.nested(0x04, result ?? NO_RESULT, () => {
      then();
      if (otherwise === undefined) return;
      this.code.push(0x05);
      otherwise();
    });
  }
  br(label: Label): this {
    return this.indexed(0x0c, this.depth - label);
  }
  brIf(label: Label): this {
    return this.indexed(0x0d, this.depth - label);
  }
  return(): this {
    return this.op(0x0f);
  }
  unreachable(): this {
    return this.op(0x00);
  }
  drop(): this {
    return this.op(0x1a);
  }
  /** Of two values the first where the i32 above them is not 0. */
  select(): this {
    return this.op(0x1b);
  }

  /** Writes what `emit` writes at the function's beginning, behind what was written there before. */
  ahead(emit: () => void): this {
    const { code } = this;
    this.code = this.beginning;
    emit();
    this.code = code;
    return this;
  }

  /** `local += amount` for an i32. */
  increase(local: number, amount: number): this {
    return this.get(local).i32(amount).op(I32.add).set(local);
  }

  /** Appends the function as the code section holds it. */
  write(out: number[]): void {
    const header: number[] = [];
    const runs: [count: number, type: Type][] = [];
    for (const type of this.locals) {
      const last = runs.at(-1);
      if (last !== undefined && last[1] === type) last[0] += 1;
      else runs.push([1, type]);
    }
    unsigned(header, runs.length);
    for (const [count, type] of runs) {
      unsigned(header, count);
      header.push(type);
    }
    unsigned(out, header.length + this.beginning.length + this.code.length + 1);
    for (const byte of header) out.push(byte);
    for (const byte of this.beginning) out.push(byte);
    for (const byte of this.code) out.push(byte);
    out.push(0x0b);
  }

  private indexed(code: number, index: number): this {
    this.code.push(code);
    unsigned(this.code, index);
    return this;
  }

  private nested(code: number, type: number, body: (label: Label) => void): this {
    this.code.push(code, type);
    this.depth += 1;
    body(this.depth);
    this.depth -= 1;
    this.code.push(0x0b);
    return this;
  }
}
