import type { DType } from '@flambeau/core/backend';
import { elementOf, storeBits, storeType } from '../elements/elements.ts';
import { numbered, operandWords, uniformsOf } from '../elements/uniforms.ts';
import { walkSource } from '../elements/walk.ts';
import type { Shader } from '../queue/types.ts';
import { GROUP, linearMain } from '../wgsl/launch.ts';

const uniformsFor = (rank: number) =>
  uniformsOf(['count', 'parts', 'area', ...numbered('size', rank), ...operandWords('y', rank)]);

/** Adds up the sums over parts of `k`, `[matrices, parts, area]`, into the output. */
export function sumPartsShader(dtype: DType, rank: number): Shader {
  const uniforms = uniformsFor(rank);
  const { value, encode, width } = elementOf(dtype);
  return {
    key: `matmul-sum-parts:${dtype}:${rank}`,
    bindings: ['read', 'read_write'],
    words: uniforms.words,
    workgroupSize: [GROUP, 1, 1],
    source: () => `
@group(0) @binding(0) var<storage, read> x: array<${value}>;
@group(0) @binding(1) var<storage, read_write> y: ${storeType(width)};
${uniforms.declare(2)}
${encode}
${storeBits('y', width)}
${linearMain()}
  if (i >= ${uniforms.at('count')}) { return; }
${walkSource(uniforms, ['y'], rank)}
  let area = ${uniforms.at('area')};
  var at = i / area * area * ${uniforms.at('parts')} + i % area;
  var total = ${value}();
  for (var part = 0u; part < ${uniforms.at('parts')}; part++) {
    total += x[at];
    at += area;
  }
  store_y(y_at, encode(total));
}`,
  };
}
