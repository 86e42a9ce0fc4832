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
