import { DTYPES, type DType } from '@flambeau/core/backend';
import type { Shader } from '../queue/types.ts';

/** Makes the shader of each form once: forms of one code have one. */
export function shadersBy<F, S extends Shader>(
  codeOf: (form: F) => number,
  make: (form: F) => S,
): (form: F) => S {
  const shaders = new Map<number, S>();
  return (form) => {
    const code = codeOf(form);
    let shader = shaders.get(code);
    if (shader === undefined) {
      shader = make(form);
      shaders.set(code, shader);
    }
    return shader;
  };
}

/** Makes the shader of each number once. */
export const shaderTable = (make: (code: number) => Shader): ((code: number) => Shader) =>
  shadersBy((code: number) => code, make);

const NAMES = Object.keys(DTYPES) as DType[];
const BY_INDEX = NAMES.toSorted((a, b) => DTYPES[a].index - DTYPES[b].index);

/** The dtype of an index in core's tables. */
export const dtypeAt = (index: number): DType => BY_INDEX[index]!;
