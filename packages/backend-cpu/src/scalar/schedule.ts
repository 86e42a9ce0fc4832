import type { Instruction, Program } from '@flambeau/core/backend';
import { representationOf } from './representation.ts';

/**
 * The order in which a program's steps are run. Steps that no element changes are hoisted out of the loop; steps
 * that only one branch of a `select` needs are run in that branch alone, so that an integer division by zero in
 * the branch not taken does no harm and expensive branches cost nothing where they are not taken.
 */
export interface Schedule {
  readonly hoisted: readonly number[];
  /** Steps that are the same for four elements whose index begins at a multiple of four. */
  readonly fours: readonly number[];
  /** Those that are so for two of them. */
  readonly pairs: readonly number[];
  readonly body: Block;
}

export interface Block {
  readonly steps: readonly Placed[];
}

export interface Placed {
  readonly step: number;
  /** Of a `select` with steps of its own in a branch. */
  readonly branches: readonly [Block, Block] | null;
}

class Region implements Block {
  readonly steps: Placed[] = [];
  readonly parent: Region | null;
  readonly depth: number;
  constructor(parent: Region | null) {
    this.parent = parent;
    this.depth = parent === null ? 0 : parent.depth + 1;
  }
}

function meet(a: Region, b: Region): Region {
  let x = a;
  let y = b;
  while (x !== y) {
    if (x.depth >= y.depth) x = x.parent ?? x;
    else y = y.parent ?? y;
  }
  return x;
}

/** The earlier steps that a step reads. */
export function argumentsOf(step: Instruction): readonly number[] {
  if ('c' in step) return [step.c, step.a, step.b];
  if ('b' in step) return [step.a, step.b];
  return 'a' in step ? [step.a] : [];
}

const DIVISIONS = new Set<string>(['div', 'truncDiv', 'floorDiv', 'rem', 'mod']);

const canThrow = (step: Instruction): boolean =>
  DIVISIONS.has(step.op) && representationOf(step.type) !== 'float';

/**
 * @param constantInputs bit k is set where input k is the same for the whole loop.
 * @param groupedDim the dimension along which elements come in fours, where they do.
 */
export function scheduleOf(
  program: Program,
  constantInputs: number,
  groupedDim: number | null = null,
): Schedule {
  const { steps } = program;
  const root = new Region(null);
  const regions = new Array<Region | undefined>(steps.length).fill(undefined);
  const branches = new Array<[Region, Region] | undefined>(steps.length).fill(undefined);
  regions[steps.length - 1] = root;
  const use = (step: number, region: Region): void => {
    const known = regions[step];
    regions[step] = known === undefined ? region : meet(known, region);
  };
  for (let i = steps.length - 1; i >= 0; i--) {
    const step = steps[i]!;
    const region = regions[i] ?? root;
    if (step.op === 'select') {
      const pair: [Region, Region] = [new Region(region), new Region(region)];
      branches[i] = pair;
      use(step.c, region);
      use(step.a, pair[0]);
      use(step.b, pair[1]);
    } else {
      for (const argument of argumentsOf(step)) use(argument, region);
    }
  }
  const spans: Span[] = [];
  const hoisted: number[] = [];
  const fours: number[] = [];
  const pairs: number[] = [];
  for (const [i, step] of steps.entries()) {
    const region = regions[i] ?? root;
    const movable = region === root || !canThrow(step);
    const span = movable ? spanOf(steps, step, spans, constantInputs, groupedDim) : 1;
    spans[i] = span;
    if (span === Number.POSITIVE_INFINITY) hoisted.push(i);
    else if (span === 4) fours.push(i);
    else if (span === 2) pairs.push(i);
    else region.steps.push({ step: i, branches: branches[i] ?? null });
  }
  return { hoisted, fours, pairs, body: root };
}

/** For how many neighbours, from a multiple of so many on, a step is the same. */
type Span = 1 | 2 | 4 | typeof Number.POSITIVE_INFINITY;

function spanOf(
  steps: readonly Instruction[],
  step: Instruction,
  spans: readonly Span[],
  constantInputs: number,
  groupedDim: number | null,
): Span {
  if (step.op === 'index') return 1;
  if (step.op === 'input') return ((constantInputs >> step.slot) & 1) === 1 ? Number.POSITIVE_INFINITY : 1;
  const ignored = ignoredBits(steps, step, groupedDim);
  if (ignored > 0) return ignored === 1 ? 2 : 4;
  return argumentsOf(step).reduce((least, i) => Math.min(least, spans[i]!), Number.POSITIVE_INFINITY);
}

/** How many of the lowest bits of the index a step leaves out that reads nothing else of it. */
function ignoredBits(steps: readonly Instruction[], step: Instruction, groupedDim: number | null): number {
  if ((step.op !== 'shiftRight' && step.op !== 'bitAnd') || step.type !== 'int32') return 0;
  const [index, literal] = [steps[step.a]!, steps[step.b]!];
  if (index.op !== 'index' || index.dim !== groupedDim || literal.op !== 'literal') return 0;
  const number = Number(literal.value);
  if (step.op === 'shiftRight') return Math.max(0, number);
  // The trailing zeros of the mask.
  return number === 0 ? 32 : 31 - Math.clz32(number & -number);
}
