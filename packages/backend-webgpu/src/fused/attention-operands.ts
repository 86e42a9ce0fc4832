import type { TensorOperand } from '@flambeau/core/backend';

/** A matrix for each place of a batch: strides around it, between its rows and between elements of a row. */
export interface Matrices {
  readonly operand: TensorOperand;
  readonly around: readonly number[];
  readonly row: number;
  readonly step: number;
}

/** How an operand meets `[...batch, rows, columns]`: it repeats where it has one element or none. */
export function met(operand: TensorOperand, batch: readonly number[]): Matrices {
  const { shape, strides } = operand;
  const apart = batch.length + 2 - shape.length;
  const at = (dim: number): number => (dim < apart || shape[dim - apart] === 1 ? 0 : strides[dim - apart]!);
  return {
    operand,
    around: batch.map((_, dim) => at(dim)),
    row: at(batch.length),
    step: at(batch.length + 1),
  };
}
