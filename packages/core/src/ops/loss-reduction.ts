import { checkTensor } from '../dispatch/checks.ts';
import { ArgumentError, checkOptions, describe, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { broadcastShapes, sameShape } from '../shape.ts';
import { sum } from './broadcast.ts';
import { mean } from './reductions.ts';

/** What becomes of the losses of single elements. */
export type LossReduction = 'none' | 'mean' | 'sum';

export interface LossOptions {
  /** Default `mean`. */
  readonly reduction?: LossReduction;
}

/** Checks a loss's operands and options; gives the reduction. */
export function lossReduction(
  op: string,
  options: { readonly reduction?: string } | undefined,
  known: readonly string[],
  allowed: readonly string[] = ['none', 'mean', 'sum'],
): string {
  checkOptions(op, options, known);
  const reduction = options?.reduction ?? 'mean';
  if (!allowed.includes(reduction))
    throw new ArgumentError(`${op}: reduction must be ${allowed.join(', ')}, got ${describe(reduction)}`, {
      op,
    });
  return reduction;
}

/** The losses of single elements brought together. */
export function reduceLoss(loss: Tensor, reduction: string): Tensor {
  if (reduction === 'none') return loss;
  return reduction === 'sum' ? sum(loss) : mean(loss);
}

/** Checks that two operands are tensors that broadcast. */
export function checkPair(op: string, input: Tensor, target: Tensor): void {
  checkTensor(op, 'input', input);
  checkTensor(op, 'target', target);
  broadcastShapes(op, input.shape, target.shape);
}

/** Checks that two operands are tensors of one shape. */
export function checkSameShape(op: string, input: Tensor, target: Tensor): void {
  checkTensor(op, 'input', input);
  checkTensor(op, 'target', target);
  if (!sameShape(input.shape, target.shape)) {
    throw new ShapeError(
      `${op}: input is ${showShape(input.shape)}, target ${showShape(target.shape)}; they must have one shape`,
      { op },
    );
  }
}
