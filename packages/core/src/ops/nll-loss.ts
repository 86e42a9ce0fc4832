import { checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { isInteger } from '../dtype.ts';
import { DTypeError, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sameShape } from '../shape.ts';
import { div, mul, neg } from './arithmetic.ts';
import { sum } from './broadcast.ts';
import { ne } from './comparison.ts';
import { cast } from './copying.ts';
import { gather } from './gather.ts';
import { indexSelect } from './index-select.ts';
import { type LossOptions, lossReduction, reduceLoss } from './loss-reduction.ts';
import { reshape, unsqueeze } from './reshape.ts';
import { where } from './where.ts';

export interface NllLossOptions extends LossOptions {
  /** A weight for each class, `[classes]`. */
  readonly weight?: Tensor | null;
  /** A class whose elements count nothing. Default -100. */
  readonly ignoreIndex?: number;
}

/** The dimension of the classes: the second of a batch, the only one of a single element. */
export const classDim = (input: Tensor): number => (input.shape.length === 1 ? 0 : 1);

/** Checks logits or log-probabilities against class indices. */
export function checkClasses(
  op: string,
  input: Tensor,
  target: Tensor,
  weight: Tensor | null | undefined,
): void {
  checkTensor(op, 'input', input);
  checkTensor(op, 'target', target);
  if (input.shape.length === 0)
    throw new ShapeError(
      `${op}: input must be [classes] or [batch, classes, ...], got a tensor without dimensions`,
      { op },
    );
  if (!isInteger(target.dtype)) {
    throw new DTypeError(
      `${op}: classes are indices, but target is ${target.dtype}; convert it: target.to({ dtype: 'int32' })`,
      { op },
    );
  }
  const wanted = input.shape.toSpliced(classDim(input), 1);
  if (!sameShape(wanted, target.shape)) {
    throw new ShapeError(
      `${op}: input is ${showShape(input.shape)}, so target must be ${showShape(wanted)}; it is ${showShape(target.shape)}`,
      { op },
    );
  }
  const classes = input.shape[classDim(input)]!;
  if (weight && !sameShape(weight.shape, [classes])) {
    throw new ShapeError(
      `${op}: weight must be [${classes}], one for each class; it is ${showShape(weight.shape)}`,
      { op },
    );
  }
}

/** The weight of each element's class; classes are in range. */
export const classWeights = (weight: Tensor, classes: Tensor): Tensor =>
  reshape(indexSelect(weight, 0, reshape(classes, [-1])), classes.shape);

/** What each element weighs: its class's weight, or 1; nothing where its class is ignored. */
export function elementWeights(
  counts: Tensor,
  safe: Tensor,
  weight: Tensor | null | undefined,
  like: Tensor,
): Tensor {
  const counted = cast(counts, like.dtype);
  return weight ? mul(counted, classWeights(weight, safe)) : counted;
}

/** The losses of single elements and what each weighs, of checked arguments. */
export function elementLosses(
  input: Tensor,
  target: Tensor,
  weight: Tensor | null | undefined,
  ignoreIndex: number,
): { readonly losses: Tensor; readonly weights: Tensor } {
  const dim = classDim(input);
  const counts = ne(target, ignoreIndex);
  const safe = where(counts, target, 0);
  const weights = elementWeights(counts, safe, weight, input);
  const taken = reshape(gather(input, dim, unsqueeze(safe, dim)), target.shape);
  // Selected, not multiplied: an ignored element may be infinite.
  return { losses: neg(mul(where(counts, taken, 0), weights)), weights };
}

/**
 * Negative log-likelihood: `-weight[y] x[y]`; the mean divides by the sum of the weights that counted.
 *
 * - `input`: `[classes]`, `[batch, classes]` or `[batch, classes, ...]`: logarithms of probabilities
 * - `target`: that without the classes, integers in `0..classes-1`
 *
 * @throws {ShapeError} the shapes do not fit. @throws {DTypeError} `target` is not of integers.
 * @throws {BackendError} a class is out of range.
 * @example nllLoss(tensor([[-1, -2]]), tensor([1], { dtype: 'int32' })) // tensor(2.)
 */
export const nllLoss = composite(
  'nllLoss',
  (input: Tensor, target: Tensor, options?: NllLossOptions): Tensor => {
    const reduction = lossReduction('nllLoss', options, ['weight', 'ignoreIndex', 'reduction']);
    checkClasses('nllLoss', input, target, options?.weight);
    const { losses, weights } = elementLosses(input, target, options?.weight, options?.ignoreIndex ?? -100);
    if (reduction !== 'mean') return reduceLoss(losses, reduction);
    return div(sum(losses), sum(weights));
  },
);
