import {
  DTYPE_COUNT,
  DTYPES,
  type DType,
  type RequiredKernels,
  type ScatterMode,
  sizeOf,
} from '@flambeau/core/backend';
import { elementOf, loadBits } from '../elements/elements.ts';
import { allocationOf, padded, shaderRank, wordsOf } from '../elements/operands.ts';
import { dtypeAt, shaderTable } from '../elements/shaders.ts';
import { numbered, operandWords, packWords, uniformsOf } from '../elements/uniforms.ts';
import { GROUP, LINEAR_MAIN, spread, walkSource } from '../elements/walk.ts';
import { faultSource } from '../queue/fault-source.ts';
import type { Queue, Shader } from '../queue/types.ts';
import { putSource } from './combine.ts';

const MODES: readonly ScatterMode[] = ['assign', 'add', 'mul', 'max', 'min'];

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

/** An invocation takes one element of the source. `y` has no coordinate along the last dimension: the index gives it. */
function scatterShader(mode: ScatterMode, dtype: DType, rank: number): Shader {
  const uniforms = uniformsFor(rank);
  const last = rank - 1;
  const lead = Array.from({ length: last }, (_, dim) => ` + c${dim} * ${uniforms.at(`y_stride${dim}`)}`);
  return {
    key: `scatter:${mode}:${dtype}:${rank}`,
    bindings: ['read', 'read', 'read_write', 'read_write'],
    words: uniforms.words,
    workgroupSize: [GROUP, 1, 1],
    source: () => `
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> index: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<atomic<u32>>;
${uniforms.declare(4)}
${faultSource(3)}
${loadBits('x', elementOf(dtype).width)}
${putSource(mode, dtype)}
${LINEAR_MAIN}
  if (i >= ${uniforms.at('count')}) { return; }
${walkSource(rank, uniforms, ['x', 'index'])}
  let picked = index[index_at];
  if (picked < 0 || u32(picked) >= ${uniforms.at('length')}) {
    report_fault(${uniforms.at('fault')}, picked);
    return;
  }
  put(${uniforms.at('y_offset')}${lead.join('')} + u32(picked) * ${uniforms.at(`y_stride${last}`)}, load_x(x_at));
}`,
  };
}

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
  return (mode, shape, outputLength, output, source, index) => {
    const dtype = DTYPES[output.dtype].index;
    const rank = shaderRank(shape.length);
    const shader = shaders((rank * DTYPE_COUNT + dtype) * 5 + MODES.indexOf(mode));
    const count = sizeOf(shape);
    const words = packWords(shader.words, [
      count,
      outputLength,
      queue.faultSite('scatter', outputLength),
      ...padded(shape, rank, 1),
      ...wordsOf(output, rank),
      ...wordsOf(source, rank),
      ...wordsOf(index, rank),
    ]);
    const buffers = [source, index, output].map(allocationOf);
    queue.dispatch(shader, [...buffers, queue.faults], words, spread(count));
  };
}
