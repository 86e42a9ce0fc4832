import {
  goesOverRows,
  isContiguous,
  normAttributes,
  sizeOf,
  type TensorOperand,
} from '@flambeau/core/backend';
import type { Uniforms } from '../elements/uniforms.ts';
import { coordinateLines, strideSum } from '../wgsl/walk.ts';
import { areAlike, areEnough } from './rows.ts';

/** What normalisations over rows share with their gradients. */

/** Loops over several operands. */
export interface Loops {
  readonly shape: readonly number[];
  /** The strides of each operand. */
  readonly strides: readonly (readonly number[])[];
}

/** The same loops, joined where every operand goes on evenly. */
export function joined(shape: readonly number[], strides: readonly (readonly number[])[]): Loops {
  const sizes: number[] = [];
  const found: number[][] = strides.map(() => []);
  for (const [dim, size] of shape.entries()) {
    if (size === 1) continue;
    const last = sizes.length - 1;
    if (last >= 0 && found.every((list, k) => list[last] === strides[k]![dim]! * size)) {
      sizes[last]! *= size;
      for (const [k, list] of found.entries()) list[last] = strides[k]![dim]!;
    } else {
      sizes.push(size);
      for (const [k, list] of found.entries()) list.push(strides[k]![dim]!);
    }
  }
  return { shape: sizes, strides: found };
}

/** One more than the dimensions that a row can have. */
export const INNER_RANKS = 9;

/** Defines `along`: where weight and bias have the element `i` of a row, from where they have its first. */
export const alongSource = (uniforms: Uniforms, innerRank: number): string =>
  innerRank === 0
    ? 'let along = 0u;'
    : `${coordinateLines('i', 'k', 0, innerRank, uniforms.place('inner0')).join('\n    ')}
    let along = ${strideSum('k', 0, innerRank, uniforms.place('inner_stride0'))};`;

/** Whether a normalisation or its gradient goes over rows, contiguous and of one dtype, that are many enough. */
export function takesRows(
  inputs: Readonly<Record<string, TensorOperand | undefined>>,
  attrs: Readonly<Record<string, unknown>>,
  software: boolean,
): boolean {
  const layout = normAttributes(attrs);
  const { mean: _mean, rstd: _rstd, ...elements } = inputs;
  if (!goesOverRows(layout) || !areAlike(elements)) return false;
  if (!Object.values(inputs).every((x) => x === undefined || isContiguous(x.shape, x.strides))) return false;
  const outer = layout.view.length - layout.dims.length;
  const count = sizeOf(layout.view.slice(outer));
  return areEnough(sizeOf(layout.view.slice(0, outer)), count, software);
}
