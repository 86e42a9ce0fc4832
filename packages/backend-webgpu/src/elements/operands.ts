import type { Operand } from '@flambeau/core/backend';

/** Ranks for which shaders are made; others take the next one, with dimensions of one element in front. */
const RANKS = [0, 1, 2, 4, 8];

/** The rank of the shader that serves `rank` dimensions. */
export const shaderRank = (rank: number): number => RANKS.find((known) => known >= rank) ?? rank;

/** Sizes or strides for a shader of `rank` dimensions: `fill` for those in front. */
export function padded(values: readonly number[], rank: number, fill: 0 | 1): readonly number[] {
  if (values.length === rank) return values;
  return [...new Array<number>(rank - values.length).fill(fill), ...values];
}

/** The offset and the strides of an operand, as `operandWords` names them. */
export const wordsOf = ({ offset, strides }: Operand, rank: number): number[] => [
  offset,
  ...padded(strides, rank, 0),
];
