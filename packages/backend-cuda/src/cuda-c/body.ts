import type { DType, Instruction, Program, ScalarType } from '@flambeau/core/backend';
import type { Preamble } from './preamble.ts';
import { type Block, scheduleOf } from './schedule.ts';
import { binarySource, canFault, castSource, literalSource, unarySource } from './steps.ts';
import { loaded, representationOf, storedType, valueType } from './types.ts';

/** A number given at the call, in the type in which a program reads it. */
export interface ParameterSlot {
  readonly slot: number;
  readonly type: ScalarType;
  readonly name: string;
}

/** The parameters that programs read, each in each of its types: the order in which a launch writes them. */
export function parameterSlots(programs: readonly Program[]): readonly ParameterSlot[] {
  const slots = new Map<string, ParameterSlot>();
  for (const { steps } of programs) {
    for (const step of steps) {
      if (step.op !== 'parameter') continue;
      const name = `p${step.slot}_${step.type}`;
      slots.set(name, { slot: step.slot, type: step.type, name });
    }
  }
  return [...slots.values()];
}

/** The C type of a parameter as a kernel receives it: truths and narrow integers come as int. */
export const parameterType = (type: ScalarType): string =>
  representationOf(type) === 'bool' ? 'int' : valueType(type);

export const faults = (program: Program): boolean =>
  program.steps.some((step) => 'b' in step && step.op !== 'select' && canFault(step.op, step.type));

/** A program as a function of one element. */
export interface DeviceFunction {
  readonly text: string;
  /** A call, given each input's element as it is stored and the element's index along each dimension. */
  call(inputs: readonly string[], index: (dim: number) => string): string;
}

/** What an input's argument holds: an element as it lies in memory, or the accumulated value itself. */
type InputForm = 'stored' | 'value';

/**
 * The function `name` of a program. It returns the value of the program's last step, in the type in which that is
 * computed: a result of halves comes unrounded, as whoever stores it rounds it.
 */
export function deviceFunction(
  preamble: Preamble,
  name: string,
  program: Program,
  form: InputForm = 'stored',
): DeviceFunction {
  const { steps } = program;
  const slots = parameterSlots([program]);
  const dims = [...new Set(steps.flatMap((step) => (step.op === 'index' ? [step.dim] : [])))];
  const used = program.inputs.map((_, k) => steps.some((step) => step.op === 'input' && step.slot === k));
  const withFault = faults(program);
  const typeOf = (dtype: DType): string => (form === 'stored' ? storedType(dtype) : valueType(dtype));
  const parameters = [
    ...program.inputs.flatMap((dtype, k) => (used[k] ? [`${typeOf(dtype)} a${k}`] : [])),
    ...slots.map(({ type, name: p }) => `${parameterType(type)} ${p}`),
    ...dims.map((dim) => `int i${dim}`),
    ...(withFault ? ['int* fault'] : []),
  ];
  const emitter: Emitter = { preamble, steps, form };
  const text = `static __device__ __forceinline__ ${valueType(program.output)} ${name}(${parameters.join(', ')}) {
${blockSource(emitter, scheduleOf(program))}
return ${nameOf(emitter, steps.length - 1)};
}`;
  return {
    text,
    call: (inputs, index) => {
      const args = [
        ...inputs.filter((_, k) => used[k]),
        ...slots.map(({ name: p }) => p),
        ...dims.map((dim) => `(int)${index(dim)}`),
        ...(withFault ? ['fault'] : []),
      ];
      return `${name}(${args.join(', ')})`;
    },
  };
}

interface Emitter {
  readonly preamble: Preamble;
  readonly steps: readonly Instruction[];
  readonly form: InputForm;
}

function nameOf({ steps }: Emitter, i: number): string {
  const step = steps[i]!;
  return step.op === 'literal' ? literalSource(step.type, step.value) : `v${i}`;
}

function blockSource(emitter: Emitter, block: Block): string {
  const lines: string[] = [];
  for (const { step: i, taken, otherwise } of block.steps) {
    const step = emitter.steps[i]!;
    if (step.op === 'literal') continue;
    const name = nameOf(emitter, i);
    const type = valueType(step.type);
    if (step.op === 'select' && taken !== null && otherwise !== null && hasWork(emitter, taken, otherwise)) {
      const arm = (branch: Block, value: number): string =>
        `{ ${blockSource(emitter, branch)} ${name} = ${nameOf(emitter, value)}; }`;
      lines.push(
        `${type} ${name}; if (${nameOf(emitter, step.c)}) ${arm(taken, step.a)} else ${arm(otherwise, step.b)}`,
      );
    } else lines.push(`const ${type} ${name} = ${stepSource(emitter, i)};`);
  }
  return lines.join('\n');
}

const hasWork = ({ steps }: Emitter, ...branches: readonly Block[]): boolean =>
  branches.some((branch) => branch.steps.some(({ step }) => steps[step]!.op !== 'literal'));

function stepSource(emitter: Emitter, i: number): string {
  const { preamble, steps } = emitter;
  const step = steps[i]!;
  const name = (j: number): string => nameOf(emitter, j);
  switch (step.op) {
    case 'input':
      return emitter.form === 'value'
        ? `a${step.slot}`
        : loaded(preamble, step.type as DType, `a${step.slot}`);
    case 'literal':
      return name(i);
    case 'parameter': {
      const text = `p${step.slot}_${step.type}`;
      return representationOf(step.type) === 'bool' ? `${text} != 0` : text;
    }
    case 'index':
      return `i${step.dim}`;
    case 'cast': {
      const isLast = i === steps.length - 1;
      const half = step.type === 'float16' || step.type === 'bfloat16';
      return castSource(preamble, steps[step.a]!.type, isLast && half ? 'float32' : step.type, name(step.a));
    }
    case 'select':
      return `${name(step.c)} ? ${name(step.a)} : ${name(step.b)}`;
    default: {
      const type = steps[step.a]!.type;
      return 'b' in step
        ? binarySource(preamble, step.op, type, name(step.a), name(step.b))
        : unarySource(step.op, type, name(step.a));
    }
  }
}
