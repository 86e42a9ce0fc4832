import type { Instruction, Program, ScalarType } from '@flambeau/core/backend';
import { literalAs } from './literal.ts';
import { type Block, scheduleOf } from './schedule.ts';
import { binarySource, castSource, parameterSource, unarySource, valueSource } from './source.ts';

/** A program as source: `once` before the loop, `each` inside, and the result's name or literal. */
export interface BodySource {
  readonly once: string;
  readonly each: string;
  readonly value: string;
}

export interface Surroundings {
  /** Put before the number of a step to name its variable. */
  readonly prefix: string;
  /** How an input's element is read, inside the loop or, for constant inputs, before it. */
  readonly read: (slot: number) => string;
  /** The element's index along a dimension. */
  readonly index: (dim: number) => string;
  /** Bit k is set where input k is the same for the whole loop. */
  readonly constantInputs?: number;
  /** The name under which the parameters are found. */
  readonly parameters?: string;
  /** The result goes through a rounding to halves of its own, so that of the last step can be left out. */
  readonly roundedLater?: boolean;
}

export function bodySource(program: Program, around: Surroundings): BodySource {
  const { steps } = program;
  const { hoisted, body } = scheduleOf(program, around.constantInputs ?? 0);
  const name = (i: number): string => {
    const step = steps[i]!;
    return step.op === 'literal' ? valueSource(literalAs(step.type, step.value)) : `${around.prefix}${i}`;
  };
  const emitter = { steps, name, around, last: around.roundedLater ? steps.length - 1 : -1 };
  const once = hoisted
    .filter((i) => steps[i]!.op !== 'literal')
    .map((i) => `const ${name(i)} = ${stepSource(emitter, i)};`)
    .join('\n');
  return { once, each: blockSource(emitter, body), value: name(steps.length - 1) };
}

interface Emitter {
  readonly steps: readonly Instruction[];
  readonly name: (step: number) => string;
  readonly around: Surroundings;
  /** The step whose rounding is left out, or -1. */
  readonly last: number;
}

function blockSource(emitter: Emitter, block: Block): string {
  return block.steps
    .map(({ step: i, branches }) => {
      const step = emitter.steps[i]!;
      const name = emitter.name(i);
      if (step.op === 'select' && branches !== null && branches.some((branch) => branch.steps.length > 0)) {
        const arm = (branch: Block, value: number): string =>
          `{ ${blockSource(emitter, branch)} ${name} = ${emitter.name(value)}; }`;
        return `let ${name}; if (${emitter.name(step.c)}) ${arm(branches[0], step.a)} else ${arm(branches[1], step.b)}`;
      }
      return `const ${name} = ${stepSource(emitter, i)};`;
    })
    .join('\n');
}

function stepSource(emitter: Emitter, i: number): string {
  const { steps, name, around } = emitter;
  const step = steps[i]!;
  const typeOf = (j: number): ScalarType => steps[j]!.type;
  switch (step.op) {
    case 'input':
      return around.read(step.slot);
    case 'literal':
      return name(i);
    case 'parameter':
      return parameterSource(step.type, `${around.parameters ?? 'p'}[${step.slot}]`);
    case 'index':
      return around.index(step.dim);
    case 'cast':
      if (i === emitter.last && (step.type === 'float16' || step.type === 'bfloat16'))
        return castSource(typeOf(step.a), 'float64', name(step.a));
      return castSource(typeOf(step.a), step.type, name(step.a));
    case 'select':
      return `${name(step.c)} ? ${name(step.a)} : ${name(step.b)}`;
    default:
      return 'b' in step
        ? binarySource(step.op, typeOf(step.a), name(step.a), name(step.b))
        : unarySource(step.op, typeOf(step.a), name(step.a));
  }
}
