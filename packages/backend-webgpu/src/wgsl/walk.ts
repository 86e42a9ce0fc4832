import { uniformAt } from './launch.ts';

/**
 * Lines that turn the number `from` of an element in row-major order into its coordinates `PREFIXd` along dimensions
 * `begin..end-1`, whose sizes stand in the uniforms from `sizes` on.
 */
export function coordinateLines(
  from: string,
  prefix: string,
  begin: number,
  end: number,
  sizes: number,
): string[] {
  if (end === begin) return [];
  const rest = `${prefix}_rest`;
  const lines = [`var ${rest} = ${from};`];
  for (let dim = end - 1; dim > begin; dim--) {
    const size = uniformAt(sizes + dim);
    lines.push(`let ${prefix}${dim} = ${rest} % ${size}; ${rest} = ${rest} / ${size};`);
  }
  lines.push(`let ${prefix}${begin} = ${rest};`);
  return lines;
}

/** The sum of coordinates times strides, which stand in the uniforms from `strides` on. */
export function strideSum(prefix: string, begin: number, end: number, strides: number): string {
  const terms: string[] = [];
  for (let dim = begin; dim < end; dim++) terms.push(`${prefix}${dim} * ${uniformAt(strides + dim)}`);
  return terms.length === 0 ? '0u' : terms.join(' + ');
}
