import { DTYPES, type DType } from '@flambeau/core/backend';
import type { Shader } from '../queue/types.ts';

/** Makes the shader of each number once. */
export function shaderTable(make: (code: number) => Shader): (code: number) => Shader {
  const shaders = new Map<number, Shader>();
  return (code) => {
    let shader = shaders.get(code);
    if (shader === undefined) {
      shader = make(code);
      shaders.set(code, shader);
    }
    return shader;
  };
}

const NAMES = Object.keys(DTYPES) as DType[];
const BY_INDEX = NAMES.toSorted((a, b) => DTYPES[a].index - DTYPES[b].index);

/** The dtype of an index in core's tables. */
export const dtypeAt = (index: number): DType => BY_INDEX[index]!;
