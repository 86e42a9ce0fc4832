import { elementOf } from '../elements/elements.ts';
import type { Shader } from '../queue/types.ts';
import type { Form } from './plan.ts';
import {
  bindingsOf,
  FOUR,
  forMatrices,
  headSource,
  startSource,
  storeSource,
  sumNames,
  uniformsFor,
} from './source.ts';

/** Rows and columns of the tile that one workgroup computes: 16 by 16 invocations, 4x4 outputs each. */
export const TILE = 64;
const DEPTH = 16;
const INVOCATIONS = 256;
/** A row of a tile in workgroup memory, padded so that columns fall into different banks. */
const PITCH = TILE + 4;

/** Tiles in workgroup memory with 4x4 blocks in registers: the way of GPUs. */
export function tilesShader(form: Form): Shader {
  const uniforms = uniformsFor(form);
  const { at } = uniforms;
  const { rank } = form;
  const type = elementOf(form.dtype).value;
  const sums = sumNames(4, 4);
  return {
    key: `matmul-tiles:${Object.values(form).join()}`,
    bindings: bindingsOf(form),
    words: uniforms.words,
    workgroupSize: [INVOCATIONS, 1, 1],
    source: () => `${headSource(form, uniforms)}
var<workgroup> tile_a: array<${type}, ${DEPTH * PITCH}>;
var<workgroup> tile_b: array<${type}, ${DEPTH * PITCH}>;
@compute @workgroup_size(${INVOCATIONS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let m = ${at('m')};
  let k = ${at('k')};
  let n = ${at('n')};
  let i = group.x + group.y * groups.x;
  let columns = (n + ${TILE - 1}u) / ${TILE}u;
  let tile_row = i / columns * ${TILE}u;
  let tile_col = i % columns * ${TILE}u;
  if (tile_row >= m) { return; }
  let row = tile_row + local / 16u * 4u;
  let col = tile_col + local % 16u * 4u;
${forMatrices(
  form,
  uniforms,
  `${startSource(sums, `vec4<${type}>`)}
    for (var l = begin; l < end; l += ${DEPTH}u) {
      workgroupBarrier();
${fillSource('a', form.a === 'across', type, {
  lines: 'm',
  first: 'tile_row',
  across: at(`a_stride${rank}`),
  along: at(`a_stride${rank + 1}`),
})}
${fillSource('b', form.b !== 'along', type, {
  lines: 'n',
  first: 'tile_col',
  across: at(`b_stride${rank + 1}`),
  along: at(`b_stride${rank}`),
})}
      workgroupBarrier();
      for (var s = 0u; s < ${DEPTH}u; s++) {
        let p = s * ${PITCH}u + local / 16u * 4u;
        let q = s * ${PITCH}u + local % 16u * 4u;
        let b4 = vec4<${type}>(${FOUR.map((c) => `tile_b[q + ${c}u]`).join(', ')});
        ${FOUR.map((r) => `${sums[r]![0]} += tile_a[p + ${r}u] * b4;`).join('\n        ')}
      }
    }
    if (col < n) {
${storeSource(form, uniforms, sums, `vec4<${type}>`)}
    }`,
)}
}`,
  };
}

interface Walk {
  readonly lines: string;
  readonly first: string;
  readonly across: string;
  readonly along: string;
}

/** Fills a tile, zeros beyond the edges. Invocations follow each other in the direction in which memory is likely contiguous. */
function fillSource(
  name: 'a' | 'b',
  isAcross: boolean,
  type: string,
  { lines, first, across, along }: Walk,
): string {
  const place = isAcross
    ? `let line = e % ${TILE}u;\n        let s = e / ${TILE}u;`
    : `let s = e % ${DEPTH}u;\n        let line = e / ${DEPTH}u;`;
  return `      for (var e = local; e < ${TILE * DEPTH}u; e += ${INVOCATIONS}u) {
        ${place}
        var x = ${type}();
        if (${first} + line < ${lines} && l + s < end) {
          x = value_${name}(${name}_at + (${first} + line) * ${across} + (l + s) * ${along});
        }
        tile_${name}[s * ${PITCH}u + line] = x;
      }`;
}
