import type { Instruction, Program, ScalarType } from '@flambeau/core/backend';
import { literalAs } from '../../scalar/literal.ts';
import { argumentsOf, type Block, type Schedule, scheduleOf } from '../../scalar/schedule.ts';
import { v128 } from '../assembler/index.ts';
import type { Lanes } from '../lanes/lanes.ts';
import { canCast, cast, literal } from './cast.ts';
import { type HostIndex, Steps } from './step.ts';
import { arranged, isWide, kindOf, narrowMask, type Value } from './value.ts';

/** What a program's steps find around them. */
export interface Surroundings {
  /** Four elements of an input. */
  input(slot: number): Value;
  parameter(slot: number, type: ScalarType): Value;
  /** The positions of the four elements along a dimension, as int32. */
  index(dim: number): Value;
}

/** Two of four elements, each twice: the first two, or the others. */
const twoByTwo = (lanes: Lanes, value: Value, half: number): Value =>
  arranged(lanes, value, [2 * half, 2 * half, 2 * half + 1, 2 * half + 1]);

/** About how many instructions a step takes for four elements. */
const WEIGHTS: Partial<Record<Instruction['op'], number>> = {
  input: 1,
  literal: 0,
  parameter: 0,
  div: 3,
  sqrt: 3,
  exp: 20,
  expm1: 25,
  exp2: 50,
  log: 30,
  log1p: 80,
  log2: 80,
  log10: 80,
  tanh: 30,
  sin: 40,
  cos: 40,
  tan: 90,
  asin: 70,
  acos: 70,
  atan: 30,
  atan2: 40,
  sinh: 90,
  cosh: 70,
  pow: 120,
  floorDiv: 40,
  rem: 40,
  mod: 40,
};

const weightOf = (step: Instruction): number => (WEIGHTS[step.op] ?? 1) * (isWide(kindOf(step.type)) ? 2 : 1);

export const programWeight = ({ steps }: Program): number =>
  steps.reduce((sum, step) => sum + weightOf(step), 0);

/** A branch of a `select` that weighs this much is left out where no lane takes it. */
const WORTH_A_BRANCH = 16;

/** A program as vector code. */
export class Body {
  readonly lanes: Lanes;
  private readonly program: Program;
  private readonly schedule: Schedule;
  private readonly steps: Steps;
  private readonly constants: (Value | undefined)[] = [];
  /** The values of steps that elements share and others read, by unit. */
  private readonly shared = new Map<number, (unit: number) => Value>();

  /**
   * @param constantInputs bit k is set where input k is the same for the whole loop.
   * @param groupedDim the dimension along which units begin at multiples of four, where they do.
   */
  constructor(
    program: Program,
    lanes: Lanes,
    host: HostIndex,
    constantInputs: number,
    groupedDim: number | null = null,
  ) {
    this.program = program;
    this.schedule = scheduleOf(program, constantInputs, groupedDim);
    this.lanes = lanes;
    this.steps = new Steps(lanes, host);
  }

  /** Whether units have steps in common, so that `group` is to come before four of them. */
  get shares(): boolean {
    return this.schedule.fours.length + this.schedule.pairs.length > 0;
  }

  /** Computes what is the same for the whole loop. */
  once(around: Surroundings): void {
    for (const i of this.schedule.hoisted) this.constants[i] = this.step(i, this.constants, around);
  }

  /**
   * Computes what the elements of four units have in common: that of fours for all units side by side, that of pairs for
   * two units at a time. `around(span, half)` has the index of the first of each `span` elements.
   */
  group(around: (span: 2 | 4, half: 0 | 1) => Surroundings): void {
    const { lanes } = this;
    const { fours, pairs } = this.schedule;
    const { steps } = this.program;
    const compute = (
      list: readonly number[],
      given: readonly (Value | undefined)[],
      at: Surroundings,
    ): Value[] => {
      const values = [...given];
      for (const i of list) {
        for (const argument of argumentsOf(steps[i]!)) values[argument] ??= this.step(argument, values, at);
        values[i] = this.step(i, values, at);
      }
      // Those of the list have been computed, and no others are asked for.
      return values as Value[];
    };
    const byFours = compute(fours, this.constants, around(4, 0));
    const read = this.readOf(pairs, fours);
    const byPairs = ([0, 1] as const).map((half) => {
      const given = [...this.constants];
      for (const i of read) given[i] = twoByTwo(lanes, byFours[i]!, half);
      return compute(pairs, given, around(2, half));
    });
    const own = new Set([...fours, ...pairs, ...this.schedule.hoisted]);
    const body = steps.flatMap((_, i) => (own.has(i) ? [] : [i]));
    this.shared.clear();
    for (const i of this.readOf(body, fours))
      this.shared.set(i, (unit) => arranged(lanes, byFours[i]!, [unit, unit, unit, unit]));
    for (const i of this.readOf(body, pairs))
      this.shared.set(i, (unit) => twoByTwo(lanes, byPairs[unit >> 1]![i]!, unit & 1));
  }

  /** Which of the steps `given` others read; the last step is read by whoever asked for the unit. */
  private readOf(others: readonly number[], given: readonly number[]): readonly number[] {
    const { steps } = this.program;
    const read = new Set(others.flatMap((i) => argumentsOf(steps[i]!)));
    read.add(steps.length - 1);
    return given.filter((i) => read.has(i));
  }

  /** Computes four elements. `once` came before, and `group` where units share steps: this is one of its four. */
  unit(around: Surroundings, unit = 0): Value {
    const values = [...this.constants];
    for (const [i, sharedOf] of this.shared) values[i] = sharedOf(unit);
    this.block(this.schedule.body, values, around);
    return values[this.program.steps.length - 1]!;
  }

  private block(block: Block, values: (Value | undefined)[], around: Surroundings): void {
    for (const { step: i, branches } of block.steps) {
      const step = this.program.steps[i]!;
      if (step.op === 'select' && branches !== null) {
        this.branch(branches[0], values[step.c]!, true, values, around);
        this.branch(branches[1], values[step.c]!, false, values, around);
      }
      values[i] = this.step(i, values, around);
    }
  }

  /** The steps that one side of a select needs, left out where no lane is on that side. */
  private branch(
    block: Block,
    condition: Value,
    holds: boolean,
    values: (Value | undefined)[],
    around: Surroundings,
  ): void {
    if (this.weigh(block) < WORTH_A_BRANCH) {
      this.block(block, values, around);
      return;
    }
    const { f } = this.lanes;
    const mask = narrowMask(this.lanes, condition);
    f.get(holds ? mask : this.lanes.not(mask)).op(v128.anyTrue);
    f.if(() => this.block(block, values, around));
  }

  private weigh(block: Block): number {
    let weight = 0;
    for (const { step, branches } of block.steps) {
      weight += weightOf(this.program.steps[step]!);
      if (branches !== null) weight += this.weigh(branches[0]) + this.weigh(branches[1]);
    }
    return weight;
  }

  private step(i: number, values: readonly (Value | undefined)[], around: Surroundings): Value {
    const { steps } = this.program;
    const step = steps[i]!;
    const at = (j: number): Value => values[j]!;
    const literalOf = (j: number): number | undefined => {
      const other = steps[j]!;
      const number = other.op === 'literal' ? Number(other.value) : Number.NaN;
      return Number.isNaN(number) ? undefined : number;
    };
    switch (step.op) {
      case 'input':
        return around.input(step.slot);
      case 'literal':
        return literal(this.lanes, step.type, literalAs(step.type, step.value));
      case 'parameter':
        return around.parameter(step.slot, step.type);
      case 'index':
        return around.index(step.dim);
      case 'cast': {
        // The store rounds a half, so the last step need not.
        const last = i === steps.length - 1 && kindOf(step.type) === 'f32';
        return cast(this.lanes, steps[step.a]!.type, last ? 'float32' : step.type, at(step.a));
      }
      case 'select': {
        const isZero = (j: number): boolean => Object.is(literalOf(j), 0);
        const zero = isZero(step.a) ? 'a' : isZero(step.b) ? 'b' : null;
        return this.steps.select(at(step.c), at(step.a), at(step.b), zero);
      }
      default: {
        const { type } = steps[step.a]!;
        const result =
          'b' in step
            ? this.steps.binary(step.op, type, at(step.a), at(step.b), literalOf(step.b))
            : this.steps.unary(step.op, type, at(step.a));
        if (result === null) throw new RangeError(`${step.op} on ${type}`);
        return result;
      }
    }
  }
}

const DIVISIONS = new Set<string>(['div', 'truncDiv', 'floorDiv', 'rem', 'mod']);
const UINT32_ONLY_IN_JAVASCRIPT = new Set<string>([...DIVISIONS, 'pow']);

/**
 * Whether a program can become vector code. What cannot: complex numbers, floats made unsigned, divisions of truths
 * and of uint32, and divisions of integers in a branch, where a zero in a lane that does not take it must not throw.
 */
export function isVectorizable(program: Program): boolean {
  const { steps, inputs, output } = program;
  if (output === 'complex64' || inputs.includes('complex64')) return false;
  for (const step of steps) {
    if (!('a' in step) || step.op === 'select') continue;
    const from = steps[step.a]!.type;
    if (step.op === 'cast') {
      if (!canCast(from, step.type)) return false;
    } else if (DIVISIONS.has(step.op) && kindOf(from) === 'mask') return false;
    else if (UINT32_ONLY_IN_JAVASCRIPT.has(step.op) && from === 'uint32') return false;
  }
  return !dividesInBranch(steps, scheduleOf(program, 0).body, false);
}

const BYTE_TYPES = new Set<ScalarType>(['int8', 'uint8', 'bool']);
const BYTE_STEPS = new Set<Instruction['op']>([
  ...(['input', 'literal', 'parameter', 'cast', 'select'] as const),
  ...(['neg', 'abs', 'bitNot', 'not', 'add', 'sub', 'mul', 'min', 'max'] as const),
  ...(['bitAnd', 'bitOr', 'bitXor', 'and', 'or', 'xor', 'eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const),
]);

/** Whether nothing in a program is wider than a byte, so that it can be computed for sixteen elements side by side. */
export const isOfBytes = ({ steps }: Program): boolean =>
  steps.every(({ op, type }) => BYTE_TYPES.has(type) && BYTE_STEPS.has(op));

function dividesInBranch(steps: readonly Instruction[], block: Block, inside: boolean): boolean {
  return block.steps.some(({ step: i, branches }) => {
    const step = steps[i]!;
    if (inside && DIVISIONS.has(step.op) && 'a' in step && kindOf(steps[step.a]!.type).startsWith('i'))
      return true;
    return branches?.some((branch) => dividesInBranch(steps, branch, true)) ?? false;
  });
}
