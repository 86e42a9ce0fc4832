import { elementOf } from '../elements/elements.ts';
import type { Uniforms } from '../elements/uniforms.ts';
import type { Shader } from '../queue/types.ts';
import { type Form, lanesOf } from './plan.ts';
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

/**
 * Products without barriers: a workgroup takes a few rows, the same for all of its invocations, and each of those some
 * columns, with the sums in registers. The way of software adapters, where a barrier costs more than the loads that it
 * saves, and of products too thin for tiles.
 */
export function rowsShader(form: Form, software: boolean): Shader {
  const lanes = lanesOf(software);
  const uniforms = uniformsFor(form);
  const { at } = uniforms;
  const { columns } = form;
  const { value } = elementOf(form.dtype);
  const type = columns === 1 ? value : `vec4<${value}>`;
  const sums = sumNames(form.rows, columns);
  return {
    key: `matmul-rows${lanes}:${Object.values(form).join()}`,
    bindings: bindingsOf(form),
    words: uniforms.words,
    workgroupSize: [lanes, 1, 1],
    source: () => `${headSource(form, uniforms)}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let m = ${at('m')};
  let k = ${at('k')};
  let n = ${at('n')};
  let i = group.x + group.y * groups.x;
  let across = (n + ${lanes * columns - 1}u) / ${lanes * columns}u;
  let row = i / across * ${form.rows}u;
  let col = (i % across * ${lanes}u + lane) * ${columns}u;
  if (row >= m || col >= n) { return; }
${forMatrices(
  form,
  uniforms,
  `${addressSource(form, uniforms)}
${startSource(sums, type)}
    for (var l = begin; l < end; l += ${form.b === 'along' ? '4u' : '1u'}) {
${form.b === 'along' ? dotsSource(form, sums, type) : stepSource(form, sums)}
    }
${storeSource(form, uniforms, sums, type)}`,
)}
}`,
  };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/**
 * Where the rows of `a` and the columns of `b` begin that are read, one by one or in fours. Beyond the edges the last
 * ones are repeated, and not stored.
 */
function addressSource({ rank, a, b, rows, columns }: Form, { at }: Uniforms): string {
  const begins = (
    name: string,
    reading: string,
    first: string,
    count: number,
    size: string,
    stride: string,
  ) =>
    reading === 'across'
      ? upTo(count / 4).map((g) => `let ${name}${g} = ${name}_at + min(${first} + ${g * 4}u, ${size} - 4u);`)
      : upTo(count).map(
          (i) => `let ${name}${i} = ${name}_at + min(${first} + ${i}u, ${size} - 1u) * ${stride};`,
        );
  return [
    `let a_step = ${at(`a_stride${rank + 1}`)};`,
    `let b_step = ${at(`b_stride${rank}`)};`,
    ...begins('a', a, 'row', rows, 'm', at(`a_stride${rank}`)),
    ...begins('b', b, 'col', columns, 'n', at(`b_stride${rank + 1}`)),
  ]
    .map((line) => `    ${line}`)
    .join('\n');
}

const lined = (lines: readonly string[]): string => lines.map((line) => `      ${line}`).join('\n');

/** Four steps of `k`, along which `b` is read: dot products of its columns with rows of `a`. */
function dotsSource(
  { dtype, a, rows, columns }: Form,
  sums: readonly (readonly string[])[],
  type: string,
): string {
  const { value } = elementOf(dtype);
  const lines = upTo(columns).map((c) => `let q${c} = b[(b${c} + l) >> 2u];`);
  if (a === 'across') {
    for (const g of upTo(rows / 4))
      lines.push(...FOUR.map((s) => `let p${g}_${s} = a[(a${g} + (l + ${s}u) * a_step) >> 2u];`));
  }
  const element = (r: number, s: number): string =>
    a === 'across' ? `p${r >> 2}_${s}[${r & 3}]` : `value_a(a${r} + (l + ${s}u) * a_step)`;
  for (const [r, ofRow] of sums.entries()) {
    const four =
      a === 'along' ? `a[(a${r} + l) >> 2u]` : `vec4<${value}>(${FOUR.map((s) => element(r, s)).join(', ')})`;
    lines.push(`let p${r} = ${four};`);
    for (const [g, sum] of ofRow.entries()) {
      const dots = upTo(Math.min(columns, 4)).map((c) => `dot(p${r}, q${g * 4 + c})`);
      lines.push(`${sum} += ${type}(${dots.join(', ')});`);
    }
  }
  return lined(lines);
}

/** One step of `k`: each value of `a` times some columns of `b`. */
function stepSource({ dtype, a, b, rows }: Form, sums: readonly (readonly string[])[]): string {
  const { value } = elementOf(dtype);
  const lines = sums[0]!.map((_, g) =>
    b === 'across'
      ? `let q${g} = b[(b${g} + l * b_step) >> 2u];`
      : `let q${g} = vec4<${value}>(${FOUR.map((c) => `value_b(b${g * 4 + c} + l * b_step)`).join(', ')});`,
  );
  if (a === 'across') lines.push(...upTo(rows / 4).map((g) => `let p${g} = a[(a${g} + l * a_step) >> 2u];`));
  for (const [r, ofRow] of sums.entries()) {
    const x = a === 'across' ? `p${r >> 2}[${r & 3}]` : `value_a(a${r} + l * a_step)`;
    lines.push(`let x${r} = vec4<${value}>(${x});`);
    for (const [g, sum] of ofRow.entries())
      lines.push(value === 'f32' ? `${sum} = fma(x${r}, q${g}, ${sum});` : `${sum} += x${r} * q${g};`);
  }
  return lined(lines);
}
