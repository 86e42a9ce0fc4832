import { coordinateLines, strideSum } from '../wgsl/walk.ts';
import type { Uniforms } from './uniforms.ts';

/**
 * Lines that turn the number `from` of an element in row-major order into positions: each operand starts at
 * `NAME_offset` and takes `NAME_strideD` for every dimension of `sizeD` before `last`. Defines `NAME_at`, and `cD`, the
 * coordinates.
 */
export function walkSource(uniforms: Uniforms, names: readonly string[], last: number, from = 'i'): string {
  const lines = last === 0 ? [] : coordinateLines(from, 'c', 0, last, uniforms.place('size0'));
  for (const name of names) {
    const steps = last === 0 ? '' : ` + ${strideSum('c', 0, last, uniforms.place(`${name}_stride0`))}`;
    lines.push(`let ${name}_at = ${uniforms.at(`${name}_offset`)}${steps};`);
  }
  return lines.map((line) => `  ${line}`).join('\n');
}
