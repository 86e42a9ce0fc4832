import type { DType } from '@flambeau/core/backend';
import { elementOf, loadBits, storeBits, storeType } from '../elements/elements.ts';
import { numbered, operandWords, uniformsOf } from '../elements/uniforms.ts';
import { walkSource } from '../elements/walk.ts';
import type { Shader } from '../queue/types.ts';
import { GROUP, linearMain } from '../wgsl/launch.ts';

/** What decides the shader that adds up parts. */
export interface SumForm {
  readonly dtype: DType;
  readonly rank: number;
  /** Whether the sum begins with a bias, otherwise with 0. */
  readonly biased: boolean;
}

const uniformsFor = ({ rank, biased }: SumForm) =>
  uniformsOf([
    'count',
    'parts',
    'area',
    ...numbered('size', rank),
    ...operandWords('y', rank),
    ...(biased ? operandWords('bias', rank) : []),
  ]);

/** Adds up the sums over parts of `k`, `[matrices, parts, area]`, into the output. */
export function sumPartsShader(form: SumForm): Shader {
  const { dtype, rank, biased } = form;
  const uniforms = uniformsFor(form);
  const { value, encode, decode, width } = elementOf(dtype);
  const bias = `@group(0) @binding(2) var<storage, read> bias: array<u32>;
${decode}
${loadBits('bias', width)}`;
  return {
    key: `matmul-sum-parts:${Object.values(form).join()}`,
    bindings: biased ? ['read', 'read_write', 'read'] : ['read', 'read_write'],
    words: uniforms.words,
    workgroupSize: [GROUP, 1, 1],
    source: () => `
@group(0) @binding(0) var<storage, read> x: array<${value}>;
@group(0) @binding(1) var<storage, read_write> y: ${storeType(width)};
${biased ? bias : ''}
${uniforms.declare(biased ? 3 : 2)}
${encode}
${storeBits('y', width)}
${linearMain()}
  if (i >= ${uniforms.at('count')}) { return; }
${walkSource(uniforms, biased ? ['y', 'bias'] : ['y'], rank)}
  let area = ${uniforms.at('area')};
  var at = i / area * area * ${uniforms.at('parts')} + i % area;
  var total = ${biased ? 'decode(load_bias(bias_at))' : `${value}()`};
  for (var part = 0u; part < ${uniforms.at('parts')}; part++) {
    total += x[at];
    at += area;
  }
  store_y(y_at, encode(total));
}`,
  };
}
