import type { Parameters, Program, ScalarType } from '@flambeau/core/backend';
import { floatBits } from './literal.ts';
import { type ValueType, valueTypeOf } from './types.ts';

/** A parameter in one of the types in which a program reads it: it takes one word of uniforms. */
export interface ParameterWord {
  readonly slot: number;
  readonly type: ScalarType;
}

/** The words that programs read, in a fixed order and each once. */
export function parameterWords(...programs: readonly Program[]): ParameterWord[] {
  const words: ParameterWord[] = [];
  for (const { steps } of programs) {
    for (const step of steps) {
      if (step.op !== 'parameter' || placeOf(words, step.slot, step.type) >= 0) continue;
      words.push({ slot: step.slot, type: step.type });
    }
  }
  return words;
}

/** Where a parameter stands among the words, or -1. */
export const placeOf = (words: readonly ParameterWord[], slot: number, type: ScalarType): number =>
  words.findIndex((word) => word.slot === slot && valueTypeOf(word.type) === valueTypeOf(type));

/** Writes the values given at a call into uniforms, from `at` on. */
export function putParameters(
  words: readonly ParameterWord[],
  parameters: Parameters,
  uniforms: Uint32Array,
  at: number,
): void {
  for (let i = 0; i < words.length; i++) {
    const { slot, type } = words[i]!;
    uniforms[at + i] = wordOf(valueTypeOf(type), parameters[slot]!);
  }
}

/** A number as the word of uniforms, or of memory, that holds it. */
export function wordOf(type: ValueType, value: number | bigint): number {
  switch (type) {
    case 'f32':
      return floatBits(Number(value));
    case 'i32':
    case 'u32':
      return typeof value === 'bigint' ? Number(BigInt.asUintN(32, value)) : value >>> 0;
    case 'bool':
      return Number(value) === 0 ? 0 : 1;
  }
}

/** The word of uniforms as a value. */
export function parameterSource(type: ScalarType, word: string): string {
  switch (valueTypeOf(type)) {
    case 'f32':
      return `bitcast<f32>(${word})`;
    case 'i32':
      return `bitcast<i32>(${word})`;
    case 'u32':
      return word;
    case 'bool':
      return `${word} != 0u`;
  }
}
