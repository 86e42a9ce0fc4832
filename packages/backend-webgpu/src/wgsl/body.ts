import type { Instruction, Program } from '@flambeau/core/backend';
import type { Library } from './library.ts';
import { literalSource } from './literal.ts';
import { type ParameterWord, parameterSource, placeOf } from './parameters.ts';
import { binarySource, castSource, unarySource, wrapSource } from './steps.ts';
import { isHalf, valueTypeOf } from './types.ts';

/** What a program's function needs of the shader around it. */
export interface BodyContext {
  readonly library: Library;
  /** The parameters' words, and the expression of the word at a place among them. */
  readonly parameters: readonly ParameterWord[];
  readonly parameterAt: (place: number) => string;
  /** The result is not stored at once, so that a half must be rounded here. */
  readonly rounds?: boolean;
}

/** The dimensions whose index a program reads, in order. */
export const indexDims = (program: Program): number[] =>
  [...new Set(program.steps.flatMap((step) => (step.op === 'index' ? [step.dim] : [])))].sort(
    (a, b) => a - b,
  );

/**
 * A program as a function `NAME(x0, x1, …, iD…) -> value`: one argument for each input, then the element's index (i32)
 * along each dimension of `indexDims`. A result that is stored as a half is left unrounded: storing rounds.
 */
export function bodyFunction(name: string, program: Program, context: BodyContext): string {
  const inputs = program.inputs.map((dtype, k) => `x${k}: ${valueTypeOf(dtype)}`);
  const indices = indexDims(program).map((dim) => `i${dim}: i32`);
  const lines = program.steps.map((step, i) => `  let v${i} = ${stepSource(program, step, i, context)};`);
  return `fn ${name}(${[...inputs, ...indices].join(', ')}) -> ${valueTypeOf(program.output)} {
${lines.join('\n')}
  return v${program.steps.length - 1};
}`;
}

/** A literal is named where it is used, so that shifts by literals are seen; two literals are never joined into a constant. */
function stepSource(program: Program, step: Instruction, i: number, context: BodyContext): string {
  const { steps } = program;
  const { library } = context;
  const typeOf = (j: number) => steps[j]!.type;
  switch (step.op) {
    case 'input':
      return `x${step.slot}`;
    case 'literal':
      return literalSource(step.type, step.value, library);
    case 'parameter': {
      const place = placeOf(context.parameters, step.slot, step.type);
      const value = parameterSource(step.type, context.parameterAt(place));
      return valueTypeOf(step.type) === 'i32' ? wrapSource(step.type, value) : value;
    }
    case 'index':
      return `i${step.dim}`;
    case 'cast':
      if (i === steps.length - 1 && isHalf(step.type) && context.rounds !== true)
        return castSource(typeOf(step.a), 'float32', `v${step.a}`, library);
      return castSource(typeOf(step.a), step.type, `v${step.a}`, library);
    case 'select':
      return `select(v${step.b}, v${step.a}, v${step.c})`;
    default: {
      if (!('b' in step)) return unarySource(step.op, typeOf(step.a), `v${step.a}`, library);
      const right = steps[step.b]!;
      const shift = step.op === 'shiftLeft' || step.op === 'shiftRight';
      const b =
        shift && right.op === 'literal' ? literalSource(right.type, right.value, library) : `v${step.b}`;
      return binarySource(step.op, typeOf(step.a), `v${step.a}`, b, library);
    }
  }
}
