import {
  BackendError,
  byteLengthOf,
  type DType,
  type Operand,
  type Parameters,
  type Program,
} from '@flambeau/core/backend';
import type { Memory } from './memory.ts';

/** Checks of core's side of the contract, made when a kernel is called. */

const MAX_RANK = 8;

const show = (values: readonly number[]): string => `[${values.join(', ')}]`;

const refuse = (op: string, what: string): never => {
  throw new BackendError(`alien: ${op}: ${what}`, { op });
};

export function checkShape(op: string, shape: readonly number[], least = 0): void {
  if (shape.length > MAX_RANK) refuse(op, `rank ${shape.length}, and ${MAX_RANK} is the most`);
  if (shape.length < least) refuse(op, `rank ${shape.length}, and ${least} is the least`);
  if (!shape.every((size) => Number.isInteger(size) && size > 0))
    refuse(op, `sizes must be 1 or more, got ${show(shape)}`);
}

/** How many elements an operand reaches from its first to its last. */
const reach = (shape: readonly number[], { strides }: Operand): number =>
  shape.reduce((last, size, dim) => last + (size - 1) * strides[dim]!, 0) + 1;

/** An operand of a live allocation, every element of which lies inside. `known`: the dtypes that the device has. */
export function checkOperand(
  op: string,
  name: string,
  memory: Memory,
  shape: readonly number[],
  operand: Operand,
  known: readonly DType[],
): void {
  const { allocation, dtype, offset, strides } = operand;
  memory.check(op, allocation);
  if (!known.includes(dtype)) refuse(op, `${name} is ${dtype}, which this device does not have`);
  if (strides.length !== shape.length)
    refuse(op, `${name} has ${strides.length} strides for shape ${show(shape)}`);
  if (!strides.every((stride) => Number.isInteger(stride) && stride >= 0))
    refuse(op, `${name} has strides ${show(strides)}`);
  if (!Number.isInteger(offset) || offset < 0) refuse(op, `${name} is not aligned: offset ${offset}`);
  const end = (offset + reach(shape, operand)) * byteLengthOf(dtype);
  if (end > allocation.byteLength) {
    refuse(op, `${name} reaches byte ${end} of an allocation of ${allocation.byteLength}`);
  }
}

/** An output, two indices of which are never one place. */
export function checkDistinct(
  op: string,
  name: string,
  shape: readonly number[],
  { strides }: Operand,
): void {
  const order = shape.map((_, dim) => dim).filter((dim) => shape[dim]! > 1);
  order.sort((a, b) => strides[a]! - strides[b]!);
  let covered = 0;
  for (const dim of order) {
    if (strides[dim]! <= covered)
      refuse(op, `${name} writes one place twice: strides ${show(strides)} for shape ${show(shape)}`);
    covered += strides[dim]! * (shape[dim]! - 1);
  }
}

/** An output without gaps, its dimensions in any order. */
export function checkDense(op: string, name: string, shape: readonly number[], output: Operand): void {
  checkDistinct(op, name, shape, output);
  const size = shape.reduce((a, b) => a * b, 1);
  if (reach(shape, output) !== size) {
    refuse(op, `${name} must be contiguous, got strides ${show(output.strides)} for shape ${show(shape)}`);
  }
}

interface Placed {
  readonly shape: readonly number[];
  readonly operand: Operand;
}

/** How two operands share memory, by the bytes from their first to their last element. */
export function overlap(a: Placed, b: Placed): 'none' | 'exact' | 'partial' {
  if (a.operand.allocation !== b.operand.allocation) return 'none';
  const range = ({ shape, operand }: Placed): [number, number] => {
    const width = byteLengthOf(operand.dtype);
    return [operand.offset * width, (operand.offset + reach(shape, operand)) * width];
  };
  const [aStart, aEnd] = range(a);
  const [bStart, bEnd] = range(b);
  if (aEnd <= bStart || bEnd <= aStart) return 'none';
  const exact =
    a.operand.dtype === b.operand.dtype &&
    a.operand.offset === b.operand.offset &&
    a.shape.length === b.shape.length &&
    a.shape.every(
      (size, dim) =>
        size === b.shape[dim] && (size === 1 || a.operand.strides[dim] === b.operand.strides[dim]),
    );
  return exact ? 'exact' : 'partial';
}

/** Refuses an output that shares memory with an input, unless it is exactly that input and the kernel allows it. */
export function checkAliasing(
  op: string,
  output: Placed,
  inputs: readonly Placed[],
  mayBeInput: boolean,
): void {
  for (const input of inputs) {
    const shared = overlap(output, input);
    if (shared === 'partial' || (shared === 'exact' && !mayBeInput)) {
      refuse(
        op,
        `an output shares memory with an input (${shared === 'exact' ? 'the same elements' : 'in part'})`,
      );
    }
  }
}

export function checkDType(op: string, name: string, dtype: DType, expected: readonly DType[]): void {
  if (!expected.includes(dtype)) refuse(op, `${name} is ${dtype}, and must be ${expected.join(' or ')}`);
}

const checked = new WeakSet<Program>();

/** A program whose steps are in order and typed, with operands and parameters as many as it says. */
export function checkProgram(
  op: string,
  program: Program,
  inputs: readonly Pick<Operand, 'dtype'>[],
  parameters: Parameters,
): void {
  if (inputs.length !== program.inputs.length)
    refuse(op, `${inputs.length} inputs for a program of ${program.inputs.length}`);
  for (const [k, input] of inputs.entries()) checkDType(op, `input ${k}`, input.dtype, [program.inputs[k]!]);
  if (parameters.length !== program.parameterCount) {
    refuse(op, `${parameters.length} parameters for a program of ${program.parameterCount}`);
  }
  for (const value of parameters) {
    if (typeof value !== 'number' && typeof value !== 'bigint') refuse(op, `a parameter is ${typeof value}`);
  }
  if (checked.has(program)) return;
  checkSteps(op, program);
  checked.add(program);
}

/** What compares, or asks, gives a truth whatever its operands are. */
const TRUTHS = new Set(['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'and', 'or', 'xor', 'not', 'isnan']);
const HALVES: readonly string[] = ['float16', 'bfloat16'];
/** Functions of one value that mean something for floats alone. */
const OF_FLOATS = new Set(['isnan', 'floor', 'ceil', 'trunc', 'round']);

function checkSteps(op: string, { key, steps, inputs, output, parameterCount }: Program): void {
  const fail = (i: number, what: string): never => refuse(op, `program ${key}: step ${i}: ${what}`);
  if (steps.length === 0) refuse(op, `program ${key} has no steps`);
  steps.forEach((step, i) => {
    const type = (at: number): string => (at >= 0 && at < i ? steps[at]!.type : fail(i, `names step ${at}`));
    if (step.op === 'input') {
      if (inputs[step.slot] !== step.type)
        fail(i, `input ${step.slot} is ${inputs[step.slot]}, read as ${step.type}`);
    } else if (step.op === 'parameter') {
      if (!(step.slot >= 0 && step.slot < parameterCount)) fail(i, `there is no parameter ${step.slot}`);
    } else if (step.op === 'select') {
      if (type(step.c) !== 'bool') fail(i, 'selects by what is no truth');
      if (type(step.a) !== step.type || type(step.b) !== step.type) fail(i, 'its branches differ in type');
    } else if ('a' in step) {
      const operand = type(step.a);
      if ('b' in step && type(step.b) !== operand)
        fail(i, `its operands differ in type: ${operand}, ${type(step.b)}`);
      if (step.op === 'cast') return;
      if (step.type !== (TRUTHS.has(step.op) ? 'bool' : operand))
        fail(i, `${step.op} of ${operand} cannot be ${step.type}`);
      if (OF_FLOATS.has(step.op) && !operand.startsWith('float'))
        fail(i, `${step.op} of ${operand} does nothing`);
      if (!('b' in step) && operand === 'bool' && step.op !== 'not')
        fail(i, `${step.op} of a truth does nothing`);
      if (HALVES.includes(operand)) fail(i, `computes in ${operand}; halves are stored only`);
    }
  });
  const last = steps[steps.length - 1]!;
  if (last.type !== output) refuse(op, `program ${key} gives ${last.type}, and says ${output}`);
}
