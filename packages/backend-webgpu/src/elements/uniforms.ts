import { BackendError } from '@flambeau/core/backend';
import { UniformWords, uniformAt } from '../wgsl/launch.ts';

/** Words of a shader's uniform block by name. */
export interface Uniforms {
  readonly words: number;
  /** Where a word stands in the block. */
  place(name: string): number;
  /** The word in a shader. */
  at(name: string): string;
  declare(binding: number): string;
}

/** Uniforms in the order in which the words are packed. */
export function uniformsOf(names: readonly string[]): Uniforms {
  const block = new UniformWords();
  const places = new Map(names.map((name) => [name, block.take(1)]));
  const place = (name: string): number => {
    const found = places.get(name);
    if (found === undefined) throw new BackendError(`webgpu: no uniform is called ${name}`);
    return found;
  };
  return {
    words: block.words,
    place,
    at: (name) => uniformAt(place(name)),
    declare: (binding) => block.declare(binding),
  };
}

/** `prefix0 prefix1 …` */
export const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);

/** The words of an operand: its offset, then a stride for each dimension. */
export const operandWords = (name: string, rank: number): string[] => [
  `${name}_offset`,
  ...numbered(`${name}_stride`, rank),
];

/** Packs numbers into words; what is missing at the end is 0. */
export function packWords(words: number, values: readonly number[]): Uint32Array {
  const packed = new Uint32Array(words);
  packed.set(values);
  return packed;
}
