import type { DType, Instruction, Program, ReduceCombiner, Reduction } from '@flambeau/core/backend';
import { accumulatorDType } from '../cuda-c/combine.ts';

/** Programs that kernels need for themselves, in the form of core's. */

let made = 0;

const programOf = (inputs: readonly DType[], output: DType, steps: readonly Instruction[]): Program => ({
  key: `${inputs.join()}>${output}:${steps.map((step) => JSON.stringify(step)).join(';')}`,
  id: made++,
  inputs,
  output,
  parameterCount: 0,
  usesIndex: false,
  steps,
});

/** One value in another dtype. */
const castProgram = (from: DType, to: DType): Program =>
  programOf([from], to, [
    { op: 'input', slot: 0, type: from },
    ...(from === to ? [] : [{ op: 'cast', a: 0, type: to } as const]),
  ]);

/** The sum of `input`'s elements in its accumulator's dtype, as `output`. */
export const sumOf = (input: DType, output: DType): Reduction =>
  reductionOf('sum', castProgram(input, accumulatorDType(input)), output);

/** The sum of products of two operands, as `dtype`. */
export function dotOf(dtype: DType): Reduction {
  const wide = accumulatorDType(dtype);
  const steps: Instruction[] =
    wide === dtype
      ? [
          { op: 'input', slot: 0, type: dtype },
          { op: 'input', slot: 1, type: dtype },
          { op: 'mul', a: 0, b: 1, type: wide },
        ]
      : [
          { op: 'input', slot: 0, type: dtype },
          { op: 'input', slot: 1, type: dtype },
          { op: 'cast', a: 0, type: wide },
          { op: 'cast', a: 1, type: wide },
          { op: 'mul', a: 2, b: 3, type: wide },
        ];
  return reductionOf('sum', programOf([dtype, dtype], wide, steps), dtype);
}

function reductionOf(combiner: ReduceCombiner, pre: Program, output: DType): Reduction {
  const post = castProgram(pre.output, output);
  return { key: `${combiner} ${pre.key} ${post.key}`, id: made++, pre, combiner, post };
}
