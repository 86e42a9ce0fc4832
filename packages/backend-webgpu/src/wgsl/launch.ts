/** Invocations of a workgroup in kernels that go element by element. */
export const GROUP = 64;

const MOST_GROUPS = 65_535;

/** Workgroups for `count` invocations: more than one dimension holds go into the second. */
export function spread(count: number, group: number = GROUP): readonly [number, number, number] {
  const groups = Math.ceil(count / group);
  if (groups <= MOST_GROUPS) return [groups, 1, 1];
  const rows = Math.ceil(groups / MOST_GROUPS);
  return [Math.ceil(groups / rows), rows, 1];
}

/** The head of a kernel that `spread` launches: `i` is the invocation's number. The body ends with `}`. */
export const linearMain = (group: number = GROUP): string => `@compute @workgroup_size(${group})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.x + id.y * (groups.x * ${group}u);`;

/** Words of the uniform block, given out one after the other. */
export class UniformWords {
  private count = 0;

  /** The place of the next `length` words. */
  take(length: number): number {
    const at = this.count;
    this.count += length;
    return at;
  }

  get words(): number {
    return Math.ceil(this.count / 4) * 4;
  }

  declare(binding: number): string {
    return `@group(0) @binding(${binding}) var<uniform> uniforms: array<vec4<u32>, ${Math.max(1, this.words / 4)}>;`;
  }
}

/** The word at a place of the uniform block. */
export const uniformAt = (place: number): string => `uniforms[${place >> 2}].${'xyzw'[place & 3]}`;
