/** Words of a shader's uniform block by name: `at` says where one is in the shader, `declare` what the shader declares. */
export interface Uniforms {
  readonly words: number;
  at(name: string): string;
  declare(binding: number): string;
}

/** Uniforms in the order in which the words are packed. */
export function uniformsOf(names: readonly string[]): Uniforms {
  const places = new Map(names.map((name, i) => [name, i]));
  const words = Math.ceil(names.length / 4) * 4;
  return {
    words,
    at(name) {
      const place = places.get(name);
      if (place === undefined) throw new RangeError(`no uniform is called ${name}`);
      return `uniforms[${place >> 2}u].${'xyzw'[place & 3]}`;
    },
    declare: (binding) =>
      `@group(0) @binding(${binding}) var<uniform> uniforms: array<vec4<u32>, ${words / 4}>;`,
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
