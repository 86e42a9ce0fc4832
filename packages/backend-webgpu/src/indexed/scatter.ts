import {
  DTYPE_COUNT,
  DTYPES,
  type DType,
  type RequiredKernels,
  type ScatterMode,
} from '@flambeau/core/backend';
import { loadBits } from '../elements/elements.ts';
import { dtypeAt, shaderTable } from '../elements/shaders.ts';
import { walkSource } from '../elements/walk.ts';
import type { Queue, Shader } from '../queue/types.ts';
import { widthOf } from '../wgsl/types.ts';
import { putSource } from './combine.ts';
import { indexedShader, isOutside, launchIndexed, pickedPlace, reportSource } from './indexed.ts';

const MODES: readonly ScatterMode[] = ['assign', 'add', 'mul', 'max', 'min'];

/** An invocation takes one element of the source. `y` has no coordinate along the last dimension: the index gives it. */
const scatterShader = (mode: ScatterMode, dtype: DType, rank: number): Shader =>
  indexedShader(`scatter:${mode}:${dtype}`, rank, () => ({
    kind: 'atomic',
    width: widthOf(dtype),
    functions: `${loadBits('x', widthOf(dtype))}
${putSource(mode, dtype)}`,
    body: (uniforms) => `${walkSource(uniforms, ['x', 'index'], rank)}
  let picked = index[index_at];
  if (${isOutside(uniforms)}) {
    ${reportSource(uniforms)}
    return;
  }
  put(${pickedPlace('y', rank, uniforms)}, load_x(x_at));`,
  }));

/**
 * The `scatter` kernel: floats and packed elements are combined by compare-and-swap, so the order of additions varies
 * between runs. An index out of range changes nothing and is reported.
 */
export function scatterKernel(queue: Queue): RequiredKernels['scatter'] {
  const shaders = shaderTable((code) =>
    scatterShader(
      MODES[code % 5]!,
      dtypeAt(Math.floor(code / 5) % DTYPE_COUNT),
      Math.floor(code / (5 * DTYPE_COUNT)),
    ),
  );
  return (mode, shape, length, y, x, index) => {
    const dtype = DTYPES[y.dtype].index;
    launchIndexed(queue, { op: 'scatter', shape, length, y, x, index }, (rank) =>
      shaders((rank * DTYPE_COUNT + dtype) * 5 + MODES.indexOf(mode)),
    );
  };
}
