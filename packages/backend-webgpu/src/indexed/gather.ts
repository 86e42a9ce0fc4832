import type { RequiredKernels } from '@flambeau/core/backend';
import { loadBits, storeBits } from '../elements/elements.ts';
import { shaderTable } from '../elements/shaders.ts';
import { walkSource } from '../elements/walk.ts';
import type { Queue, Shader } from '../queue/types.ts';
import { storedKind } from '../wgsl/memory.ts';
import { type Width, widthOf } from '../wgsl/types.ts';
import { indexedShader, isOutside, launchIndexed, pickedPlace, reportSource } from './indexed.ts';

const WIDTHS: readonly Width[] = [8, 16, 32];

/** An invocation takes one element. `x` has no coordinate along the last dimension: the index gives it. */
const gatherShader = (rank: number, width: Width): Shader =>
  indexedShader(`gather${width}`, rank, () => ({
    kind: storedKind(width),
    width,
    functions: `${loadBits('x', width)}
${storeBits('y', width)}`,
    body: (uniforms) => `${walkSource(uniforms, ['y', 'index'], rank)}
  let picked = index[index_at];
  var bits = 0u;
  if (${isOutside(uniforms)}) {
    ${reportSource(uniforms)}
  } else {
    bits = load_x(${pickedPlace('x', rank, uniforms)});
  }
  store_y(y_at, bits);`,
  }));

/** The `gather` kernel: elements move bit by bit; an index out of range gives 0 and is reported. */
export function gatherKernel(queue: Queue): RequiredKernels['gather'] {
  const shaders = shaderTable((code) => gatherShader(code >> 2, WIDTHS[code & 3]!));
  return (shape, length, y, x, index) => {
    const width = WIDTHS.indexOf(widthOf(y.dtype));
    launchIndexed(queue, { op: 'gather', shape, length, y, x, index }, (rank) =>
      shaders((rank << 2) | width),
    );
  };
}
