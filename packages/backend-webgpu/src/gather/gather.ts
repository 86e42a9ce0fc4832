import { type RequiredKernels, sizeOf } from '@flambeau/core/backend';
import { elementOf, loadBits, storeBits, storeType, type Width } from '../elements/elements.ts';
import { allocationOf, padded, shaderRank, wordsOf } from '../elements/operands.ts';
import { shaderTable } from '../elements/shaders.ts';
import { numbered, operandWords, packWords, uniformsOf } from '../elements/uniforms.ts';
import { GROUP, LINEAR_MAIN, spread, walkSource } from '../elements/walk.ts';
import { faultSource } from '../queue/fault-source.ts';
import type { Queue, Shader } from '../queue/types.ts';

const WIDTHS: readonly Width[] = [8, 16, 32];

const uniformsFor = (rank: number) =>
  uniformsOf([
    'count',
    'length',
    'fault',
    ...numbered('size', rank),
    ...operandWords('y', rank),
    ...operandWords('x', rank),
    ...operandWords('index', rank),
  ]);

/** An invocation takes one element. `x` has no coordinate along the last dimension: the index gives it. */
function gatherShader(rank: number, width: Width): Shader {
  const uniforms = uniformsFor(rank);
  const last = rank - 1;
  const lead = Array.from({ length: last }, (_, dim) => ` + c${dim} * ${uniforms.at(`x_stride${dim}`)}`);
  return {
    key: `gather${width}:${rank}`,
    bindings: ['read', 'read', 'read_write', 'read_write'],
    words: uniforms.words,
    workgroupSize: [GROUP, 1, 1],
    source: () => `
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> index: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: ${storeType(width)};
${uniforms.declare(4)}
${faultSource(3)}
${loadBits('x', width)}
${storeBits('y', width)}
${LINEAR_MAIN}
  if (i >= ${uniforms.at('count')}) { return; }
${walkSource(rank, uniforms, ['y', 'index'])}
  let picked = index[index_at];
  var bits = 0u;
  if (picked < 0 || u32(picked) >= ${uniforms.at('length')}) {
    report_fault(${uniforms.at('fault')}, picked);
  } else {
    bits = load_x(${uniforms.at('x_offset')}${lead.join('')} + u32(picked) * ${uniforms.at(`x_stride${last}`)});
  }
  store_y(y_at, bits);
}`,
  };
}

/** The `gather` kernel: elements move bit by bit; an index out of range gives 0 and is reported. */
export function gatherKernel(queue: Queue): RequiredKernels['gather'] {
  const shaders = shaderTable((code) => gatherShader(code >> 2, WIDTHS[code & 3]!));
  return (shape, inputLength, output, input, index) => {
    const { width } = elementOf(output.dtype);
    const rank = shaderRank(shape.length);
    const shader = shaders((rank << 2) | WIDTHS.indexOf(width));
    const count = sizeOf(shape);
    const words = packWords(shader.words, [
      count,
      inputLength,
      queue.faultSite('gather', inputLength),
      ...padded(shape, rank, 1),
      ...wordsOf(output, rank),
      ...wordsOf(input, rank),
      ...wordsOf(index, rank),
    ]);
    const buffers = [input, index, output].map(allocationOf);
    queue.dispatch(shader, [...buffers, queue.faults], words, spread(count));
  };
}
