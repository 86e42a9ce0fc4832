import { elementOf } from '../elements/elements.ts';
import type { Uniforms } from '../elements/uniforms.ts';
import { GROUP } from '../elements/walk.ts';
import type { Shader } from '../queue/types.ts';
import type { Form } from './plan.ts';
import { headSource, matrixSource, storeSource, uniformsFor } from './source.ts';

/** Rows and columns of the block that one invocation keeps in registers. */
export const BLOCK = 4;

const FOUR = [0, 1, 2, 3] as const;
const each = (line: (i: number) => string): string => FOUR.map(line).join('\n      ');

/**
 * Blocks of 4x4 outputs in registers, one an invocation, without barriers: the way of software adapters, where a
 * barrier costs more than the loads that it saves, and of products too thin for tiles.
 */
export function blocksShader(form: Form): Shader {
  const uniforms = uniformsFor(form.rank);
  const type = elementOf(form.dtype).value;
  return {
    key: `matmul-blocks:${Object.values(form).join()}`,
    bindings: ['read', 'read', 'read_write'],
    words: uniforms.words,
    workgroupSize: [GROUP, 1, 1],
    source: () => `${headSource(form, uniforms)}
@compute @workgroup_size(${GROUP})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let m = ${uniforms.at('m')};
  let k = ${uniforms.at('k')};
  let n = ${uniforms.at('n')};
  let i = id.x + id.y * (groups.x * ${GROUP}u);
  let columns = (n + 3u) / 4u;
  let row = i / columns * 4u;
  let col = i % columns * 4u;
  if (row >= m) { return; }
  for (var z = id.z; z < ${uniforms.at('batch_count')} * ${uniforms.at('parts')}; z += groups.z) {
${matrixSource(form, uniforms)}
${addressSource(form, uniforms)}
    ${each((r) => `var sum${r} = vec4<${type}>();`)}
    for (var l = begin; l < end; l += ${form.a === 'along' || form.b === 'along' ? '4u' : '1u'}) {
${stepSource(form, type)}
    }
${storeSource(form, uniforms)}
  }
}`,
  };
}

/** Where the block's rows of `a` and columns of `b` begin. Beyond the edges they repeat the last one, and are not stored. */
function addressSource(form: Form, uniforms: Uniforms): string {
  const { rank } = form;
  const { at } = uniforms;
  return `    let a_step = ${at(`a_stride${rank + 1}`)};
    let b_step = ${at(`b_stride${rank}`)};
      ${each((r) => `let a${r} = a_at + min(row + ${r}u, m - 1u) * ${at(`a_stride${rank}`)};`)}
      ${each((c) => `let b${c} = b_at + min(col + ${c}u, n - 1u) * ${at(`b_stride${rank + 1}`)};`)}`;
}

/** The steps of one round: four of `k` where a matrix is read along it (then 4 divides `k`), otherwise one. */
function stepSource(form: Form, type: string): string {
  if (form.a === 'along' || form.b === 'along') return fourSteps(form, type);
  const p =
    form.a === 'across'
      ? 'a[(a0 + l * a_step) >> 2u]'
      : `vec4<${type}>(${FOUR.map((r) => `value_a(a${r} + l * a_step)`).join(', ')})`;
  const q =
    form.b === 'across'
      ? 'b[(b0 + l * b_step) >> 2u]'
      : `vec4<${type}>(${FOUR.map((c) => `value_b(b${c} + l * b_step)`).join(', ')})`;
  return `      let p = ${p};
      let q = ${q};
      ${each((r) => `sum${r} += p[${r}] * q;`)}`;
}

/** Four steps of `k`: rows of `a` as `p0…p3` along k, rows of `b` as `q0…q3` across columns. */
function fourSteps({ a, b }: Form, type: string): string {
  const lines: string[] = [];
  const rows = (name: string, four: (s: number) => string): void => {
    lines.push(...FOUR.map((s) => `let ${name}${s} = ${four(s)};`));
  };
  const turn = (to: string, of: string): void =>
    rows(to, (r) => `vec4(${FOUR.map((s) => `${of}${s}[${r}]`).join(', ')})`);
  const singles = (name: 'a' | 'b', i: number): string =>
    `vec4<${type}>(${FOUR.map((s) => `value_${name}(${name}${i} + (l + ${s}u) * ${name}_step)`).join(', ')})`;
  if (a === 'along') rows('p', (r) => `a[(a${r} + l) >> 2u]`);
  else if (a === 'single') rows('p', (r) => singles('a', r));
  else {
    rows('t', (s) => `a[(a0 + (l + ${s}u) * a_step) >> 2u]`);
    turn('p', 't');
  }
  if (b === 'across') rows('q', (s) => `b[(b0 + (l + ${s}u) * b_step) >> 2u]`);
  else {
    rows('u', (c) => (b === 'along' ? `b[(b${c} + l) >> 2u]` : singles('b', c)));
    turn('q', 'u');
  }
  for (const r of FOUR) lines.push(`sum${r} += ${FOUR.map((s) => `p${r}[${s}] * q${s}`).join(' + ')};`);
  return lines.map((line) => `      ${line}`).join('\n');
}
