import type { Uniforms } from './uniforms.ts';

/** Invocations of a workgroup in kernels that go element by element. */
export const GROUP = 64;

const MOST_GROUPS = 65_535;

/** Workgroups for `count` invocations: more than one dimension holds go into the second. */
export function spread(count: number, groupSize: number = GROUP): [number, number, number] {
  const groups = Math.ceil(count / groupSize);
  if (groups <= MOST_GROUPS) return [groups, 1, 1];
  const rows = Math.ceil(groups / MOST_GROUPS);
  return [Math.ceil(groups / rows), rows, 1];
}

/** The head of a kernel that `spread` launches: `i` is the number of the invocation. */
export const LINEAR_MAIN = `@compute @workgroup_size(${GROUP})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.x + id.y * (groups.x * ${GROUP}u);`;

/**
 * Lines that turn the number `from` of an element in row-major order into positions: each operand starts at
 * `NAME_offset` and takes `NAME_strideD` for every dimension of `sizeD`. Defines `NAME_at`, and `cD`, the coordinates.
 */
export function walkSource(
  rank: number,
  uniforms: Uniforms,
  names: readonly string[],
  from = 'i',
  last = rank,
): string {
  const lines = [`var rest = ${from};`];
  for (let dim = last - 1; dim > 0; dim--) {
    const size = uniforms.at(`size${dim}`);
    lines.push(`let c${dim} = rest % ${size}; rest = rest / ${size};`);
  }
  if (last > 0) lines.push('let c0 = rest;');
  for (const name of names) {
    const terms = Array.from(
      { length: last },
      (_, dim) => ` + c${dim} * ${uniforms.at(`${name}_stride${dim}`)}`,
    );
    lines.push(`let ${name}_at = ${uniforms.at(`${name}_offset`)}${terms.join('')};`);
  }
  return lines.map((line) => `  ${line}`).join('\n');
}
