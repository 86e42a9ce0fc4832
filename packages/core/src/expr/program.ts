import { DTYPES, type DType, isFloating, promoteTypes } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import { topological } from './derive.ts';
import { type BinaryIntrinsic, type Expr, input, type ScalarType, type UnaryIntrinsic } from './expr.ts';

/**
 * One step of a program, in single-assignment form: step i defines value i, and `a b c` name earlier steps. All
 * types are resolved and all conversions written out: the operands of a binary step have one type. What does nothing is
 * left out: `isnan` and rounding come with floats alone, and of truths there is no function of one value but `not`.
 */
export type Instruction =
  | { readonly op: 'input'; readonly slot: number; readonly type: ScalarType }
  | { readonly op: 'literal'; readonly value: number | boolean; readonly type: ScalarType }
  | { readonly op: 'parameter'; readonly slot: number; readonly type: ScalarType }
  | { readonly op: 'index'; readonly dim: number; readonly type: 'int32' }
  | { readonly op: 'cast'; readonly a: number; readonly type: ScalarType }
  | { readonly op: UnaryIntrinsic; readonly a: number; readonly type: ScalarType }
  | { readonly op: BinaryIntrinsic; readonly a: number; readonly b: number; readonly type: ScalarType }
  | {
      readonly op: 'select';
      readonly c: number;
      readonly a: number;
      readonly b: number;
      readonly type: ScalarType;
    };

/** A scalar expression made ready for compiling: typed, in order, and the same object for the same key. */
export interface Program {
  /** Says all that decides the compiled form, and is stable between runs. */
  readonly key: string;
  /** Dense from 0 within a process, so that a backend can keep what it compiled in an array. */
  readonly id: number;
  /** The dtype in which each operand is stored. */
  readonly inputs: readonly DType[];
  /** The dtype in which the result is stored; the last step has this type. */
  readonly output: DType;
  readonly parameterCount: number;
  /** Whether a step reads the element's position; such programs get the output's full shape. */
  readonly usesIndex: boolean;
  readonly steps: readonly Instruction[];
}

const programs = new Map<string, Program>();

const COMPARISONS = new Set(['eq', 'ne', 'lt', 'le', 'gt', 'ge']);
const LOGICAL = new Set(['and', 'or', 'xor']);
const BITWISE = new Set(['bitAnd', 'bitOr', 'bitXor', 'shiftLeft', 'shiftRight', 'mulHigh']);
const ROUNDINGS = new Set(['floor', 'ceil', 'trunc', 'round']);
const ANY_NUMBER = new Set(['neg', 'abs', 'sign', ...ROUNDINGS]);

/** Whether a type is one of whole numbers or truths. */
const isWhole = (type: ScalarType): boolean => type === 'uint32' || DTYPES[type].rank <= 1;

/** Halves are stored, never computed in. */
export const computeType = (dtype: DType): DType =>
  dtype === 'float16' || dtype === 'bfloat16' ? 'float32' : dtype;

/** How an expression becomes a program. */
export interface Typing {
  /** The dtype in which each operand is stored. */
  readonly inputs: readonly DType[];
  /** Operands that take part in promotion are converted to `compute`; others keep their own dtype. */
  readonly promoted: readonly boolean[];
  readonly compute: DType;
  /** Stored dtype; by default that of the expression's value (`compute` for numbers, bool for truths). */
  readonly output?: DType | undefined;
  readonly parameterCount: number;
}

/**
 * Types an expression and puts its steps in order.
 *
 * @throws {DTypeError} the expression needs a floating value where the operands give an integer.
 */
export function compile(root: Expr, typing: Typing): Program {
  const builder = new Builder(typing);
  let last = builder.emit(root);
  const valueType = builder.typeOf(last);
  const weak = builder.weak.has(last);
  const output =
    typing.output ??
    (weak || valueType === 'uint32' || valueType === computeType(typing.compute)
      ? typing.compute
      : valueType);
  last = builder.convert(last, output);
  builder.finish(last);
  const key = `${typing.inputs.join()};${typing.parameterCount}>${output}:${builder.steps.map(showStep).join(';')}`;
  let program = programs.get(key);
  if (program === undefined) {
    program = {
      key,
      id: programs.size,
      inputs: typing.inputs,
      output,
      parameterCount: typing.parameterCount,
      usesIndex: builder.steps.some((step) => step.op === 'index'),
      steps: builder.steps,
    };
    programs.set(key, program);
  }
  return program;
}

/** The program that hands its operand on, for kernels that move elements. Halves have none: they are moved as int16. */
export const copyProgram = (dtype: DType): Program =>
  compile(input(0), { inputs: [dtype], promoted: [true], compute: dtype, parameterCount: 0 });

function showStep(step: Instruction): string {
  switch (step.op) {
    case 'input':
    case 'parameter':
      return `${step.op}${step.slot}:${step.type}`;
    case 'literal':
      return `${typeof step.value}${Object.is(step.value, -0) ? '-0' : step.value}:${step.type}`;
    case 'index':
      return `index${step.dim}`;
    case 'select':
      return `select(${step.c},${step.a},${step.b}):${step.type}`;
    default:
      return 'b' in step
        ? `${step.op}(${step.a},${step.b}):${step.type}`
        : `${step.op}(${step.a}):${step.type}`;
  }
}

/** Turns nodes into steps, bottom up. Literals and parameters are weak: they take the type of what they meet. */
class Builder {
  steps: Instruction[] = [];
  /** Steps whose type may still change: literals, parameters, and arithmetic on those alone. */
  readonly weak = new Set<number>();
  private readonly known = new Map<string, number>();
  private readonly typing: Typing;
  private readonly compute: DType;

  constructor(typing: Typing) {
    this.typing = typing;
    this.compute = computeType(typing.compute);
  }

  typeOf(step: number): ScalarType {
    return this.steps[step]!.type;
  }

  emit(root: Expr): number {
    const values = new Map<Expr, number>();
    for (const node of reachable(root)) values.set(node, this.node(node, values));
    return values.get(root)!;
  }

  private node(node: Expr, values: ReadonlyMap<Expr, number>): number {
    const arg = (i: number): number => values.get(node.args[i]!)!;
    const { kind, data } = node;
    switch (kind) {
      case 'input': {
        const slot = data.slot!;
        const dtype = this.typing.inputs[slot]!;
        const value = this.push({ op: 'input', slot, type: dtype });
        return this.convert(value, this.typing.promoted[slot] ? this.compute : computeType(dtype));
      }
      case 'literal': {
        if (typeof data.value === 'boolean')
          return this.push({ op: 'literal', value: data.value, type: 'bool' });
        return this.push({ op: 'literal', value: data.value!, type: this.weakType(data.value!) }, true);
      }
      case 'parameter':
        return this.push({ op: 'parameter', slot: data.slot!, type: this.compute }, true);
      case 'index':
        return this.push({ op: 'index', dim: data.slot!, type: 'int32' });
      case 'cast':
        return this.convert(arg(0), data.type === 'uint32' ? data.type : data.type!);
      case 'call':
        return arg(0);
      case 'select': {
        const [a, b] = this.unify(arg(1), arg(2));
        const weak = this.weak.has(a) && this.weak.has(b);
        return this.push({ op: 'select', c: this.convert(arg(0), 'bool'), a, b, type: this.typeOf(a) }, weak);
      }
      case 'not':
        return this.push({ op: 'not', a: this.convert(arg(0), 'bool'), type: 'bool' });
      case 'isnan':
        return isWhole(this.typeOf(arg(0)))
          ? this.push({ op: 'literal', value: false, type: 'bool' })
          : this.push({ op: 'isnan', a: arg(0), type: 'bool' });
      default:
        return node.args.length === 1
          ? this.unary(kind as UnaryIntrinsic, arg(0))
          : this.binary(kind as BinaryIntrinsic, arg(0), arg(1));
    }
  }

  private unary(op: UnaryIntrinsic, a: number): number {
    const type = this.typeOf(a);
    if (op === 'bitNot') this.requireBits(op, type);
    if (op !== 'bitNot' && !ANY_NUMBER.has(op) && (type === 'uint32' || !isFloating(type))) {
      throw new DTypeError(
        `${op} needs a floating value, got ${type}; convert with to({ dtype: 'float32' })`,
        { op },
      );
    }
    if (type === 'bool') return op === 'bitNot' ? this.push({ op: 'not', a, type }) : a;
    if (ROUNDINGS.has(op) && isWhole(type)) return a;
    return this.push({ op, a, type }, this.weak.has(a));
  }

  private binary(op: BinaryIntrinsic, left: number, right: number): number {
    if (LOGICAL.has(op))
      return this.push({ op, a: this.convert(left, 'bool'), b: this.convert(right, 'bool'), type: 'bool' });
    const [a, b] = this.unify(left, right);
    const type = this.typeOf(a);
    if (BITWISE.has(op)) this.requireBits(op, type);
    const weak = this.weak.has(a) && this.weak.has(b);
    return this.push({ op, a, b, type: COMPARISONS.has(op) ? 'bool' : type }, weak && !COMPARISONS.has(op));
  }

  private requireBits(op: string, type: ScalarType): void {
    if (isWhole(type)) return;
    throw new DTypeError(`${op} works on bits of integers and booleans, got ${type}`, { op });
  }

  /** Two values in one type: weak ones follow; otherwise the wider wins. */
  private unify(a: number, b: number): [number, number] {
    const x = this.typeOf(a);
    const y = this.typeOf(b);
    if (x === y) return [a, b];
    if (this.weak.has(a) && !this.weak.has(b) && this.fits(a, y)) return [this.convert(a, y), b];
    if (this.weak.has(b) && !this.weak.has(a) && this.fits(b, x)) return [a, this.convert(b, x)];
    const type = x === 'uint32' || y === 'uint32' ? 'uint32' : promoteTypes(x, y);
    return [this.convert(a, type), this.convert(b, type)];
  }

  /** Whether a weak value can take a type without losing its fraction. */
  private fits(step: number, type: ScalarType): boolean {
    if (type === 'uint32' || isFloating(type)) return true;
    const instruction = this.steps[step]!;
    if (instruction.op !== 'literal') return instruction.type === 'uint32' || !isFloating(instruction.type);
    return Number.isInteger(instruction.value) || typeof instruction.value === 'boolean';
  }

  private weakType(value: number): ScalarType {
    return isFloating(this.compute) || Number.isInteger(value) ? this.compute : 'float32';
  }

  convert(step: number, type: ScalarType): number {
    const from = this.steps[step]!;
    if (from.type === type) return step;
    if (from.op === 'literal' && type !== 'bool' && from.type !== 'bool')
      return this.push({ ...from, type }, this.weak.has(step));
    if (from.op === 'parameter') return this.push({ ...from, type }, this.weak.has(step));
    return this.push({ op: 'cast', a: step, type });
  }

  private push(step: Instruction, weak = false): number {
    const key = showStep(step);
    let at = this.known.get(key);
    if (at === undefined) {
      at = this.steps.length;
      this.steps.push(step);
      this.known.set(key, at);
    }
    if (weak) this.weak.add(at);
    return at;
  }

  /** Drops steps that nothing uses, so that the result is the last. */
  finish(last: number): void {
    const used = new Set<number>([last]);
    for (let i = last; i >= 0; i--) {
      if (!used.has(i)) continue;
      const step = this.steps[i]!;
      if ('a' in step) used.add(step.a);
      if ('b' in step) used.add(step.b);
      if ('c' in step) used.add(step.c);
    }
    const kept = [...used].sort((x, y) => x - y);
    const place = new Map(kept.map((old, i) => [old, i]));
    this.steps = kept.map((old) => renumber(this.steps[old]!, (i) => place.get(i)!));
  }
}

function renumber(step: Instruction, place: (old: number) => number): Instruction {
  switch (step.op) {
    case 'input':
    case 'literal':
    case 'parameter':
    case 'index':
      return step;
    case 'select':
      return { ...step, c: place(step.c), a: place(step.a), b: place(step.b) };
    default:
      return 'b' in step ? { ...step, a: place(step.a), b: place(step.b) } : { ...step, a: place(step.a) };
  }
}

/** Nodes that a program needs: of a call, only its body. */
function reachable(root: Expr): Expr[] {
  const needed = new Set<Expr>();
  const mark = (node: Expr): void => {
    if (needed.has(node)) return;
    needed.add(node);
    if (node.kind === 'call') mark(node.args[0]!);
    else node.args.forEach(mark);
  };
  mark(root);
  return topological(root).filter((node) => needed.has(node));
}
