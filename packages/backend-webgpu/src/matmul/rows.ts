import { elementOf } from '../elements/elements.ts';
import type { Uniforms } from '../elements/uniforms.ts';
import type { Shader } from '../queue/types.ts';
import type { Form } from './plan.ts';
import { headSource, matrixSource, storeSource, uniformsFor } from './source.ts';

/**
 * Invocations of a workgroup. A software adapter computes them as lanes of a vector, and loads what is the same for all
 * of them once; a GPU wants more of them.
 */
export const lanesOf = (software: boolean): number => (software ? 16 : 64);

const FOUR = [0, 1, 2, 3] as const;

/**
 * Products without barriers: a workgroup takes a few rows, the same for all of its invocations, and each of those some
 * columns, with the sums in registers. The way of software adapters, where a barrier costs more than the loads that it
 * saves, and of products too thin for tiles.
 */
export function rowsShader(form: Form, software: boolean): Shader {
  const lanes = lanesOf(software);
  const uniforms = uniformsFor(form.rank);
  const { at } = uniforms;
  const { columns } = form;
  const { value } = elementOf(form.dtype);
  const type = columns === 1 ? value : `vec4<${value}>`;
  const rows = Array.from({ length: form.rows }, (_, r) => r);
  const sums = rows.map((r) => `sum${r}`);
  return {
    key: `matmul-rows${lanes}:${Object.values(form).join()}`,
    bindings: ['read', 'read', 'read_write'],
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
  for (var z = group.z; z < ${at('batch_count')} * ${at('parts')}; z += groups.z) {
${matrixSource(form, uniforms)}
${addressSource(form, uniforms, rows)}
    ${sums.map((sum) => `var ${sum} = ${type}();`).join('\n    ')}
    for (var l = begin; l < end; l += ${form.b === 'along' ? '4u' : '1u'}) {
${stepSource(form, rows)}
    }
${storeSource(form, uniforms, sums, type, columns)}
  }
}`,
  };
}

/** Where the rows of `a` and columns of `b` begin. Beyond the edges they repeat the last one, and are not stored. */
function addressSource(form: Form, { at }: Uniforms, rows: readonly number[]): string {
  const { rank } = form;
  const columns = form.b === 'single' || (form.b === 'along' && form.columns === 4) ? FOUR : [0];
  return `    let a_step = ${at(`a_stride${rank + 1}`)};
    let b_step = ${at(`b_stride${rank}`)};
    ${rows.map((r) => `let a${r} = a_at + min(row + ${r}u, m - 1u) * ${at(`a_stride${rank}`)};`).join('\n    ')}
    ${columns.map((c) => `let b${c} = b_at + min(col + ${c}u, n - 1u) * ${at(`b_stride${rank + 1}`)};`).join('\n    ')}`;
}

/** One round: four steps of `k` where `b` is read along it, otherwise one; for one column or four. */
function stepSource(form: Form, rows: readonly number[]): string {
  const { value } = elementOf(form.dtype);
  const multiply = (sum: string, x: string, y: string): string =>
    value === 'f32' ? `${sum} = fma(${x}, ${y}, ${sum});` : `${sum} += ${x} * ${y};`;
  const lines: string[] = [];
  if (form.b === 'along') {
    const columns = form.columns === 4 ? FOUR : ([0] as const);
    lines.push(...columns.map((c) => `let q${c} = b[(b${c} + l) >> 2u];`));
    const step = (r: number, s: number): string =>
      form.columns === 1
        ? multiply(`sum${r}`, `p${r}[${s}]`, `q0[${s}]`)
        : multiply(
            `sum${r}`,
            `vec4<${value}>(p${r}[${s}])`,
            `vec4<${value}>(${FOUR.map((c) => `q${c}[${s}]`).join(', ')})`,
          );
    for (const r of rows) {
      lines.push(
        form.a === 'along'
          ? `let p${r} = a[(a${r} + l) >> 2u];`
          : `let p${r} = vec4<${value}>(${FOUR.map((s) => `value_a(a${r} + (l + ${s}u) * a_step)`).join(', ')});`,
        ...FOUR.map((s) => step(r, s)),
      );
    }
  } else {
    lines.push(
      form.b === 'across'
        ? 'let q = b[(b0 + l * b_step) >> 2u];'
        : `let q = vec4<${value}>(${FOUR.map((c) => `value_b(b${c} + l * b_step)`).join(', ')});`,
    );
    for (const r of rows) {
      const x = `value_a(a${r} + l * a_step)`;
      lines.push(multiply(`sum${r}`, value === 'f32' ? `vec4<f32>(${x})` : x, 'q'));
    }
  }
  return lines.map((line) => `      ${line}`).join('\n');
}
