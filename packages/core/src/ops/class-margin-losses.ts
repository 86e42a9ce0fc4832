import { checkIndex, checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { PointwiseOp } from '../dispatch/pointwise.ts';
import { ArgumentError, describe, ShapeError, showShape } from '../errors.ts';
import { type Expr, index } from '../expr/expr.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sameShape } from '../shape.ts';
import { logsigmoid } from './activation.ts';
import { div, mul, neg, sub } from './arithmetic.ts';
import { sum } from './broadcast.ts';
import { ge, gt } from './comparison.ts';
import { cast } from './copying.ts';
import { cumprod } from './cumulative.ts';
import { zerosOf } from './filling.ts';
import { gather } from './gather.ts';
import { indexSelect } from './index-select.ts';
import { logicalAnd, logicalNot } from './logical.ts';
import { checkSameShape, type LossOptions, lossReduction, reduceLoss } from './loss-reduction.ts';
import { mean } from './reductions.ts';
import { reshape, unsqueeze } from './reshape.ts';
import { scatterAdd } from './scatter.ts';
import { where } from './where.ts';

export interface MultiMarginLossOptions extends LossOptions {
  /** The exponent, 1 or 2. Default 1. */
  readonly p?: number;
  /** Default 1. */
  readonly margin?: number;
  /** A weight for each class. */
  readonly weight?: Tensor | null;
}

const violation = (x: Expr): Expr => x.gt(0).select(x, 0);

/** `max(0, margin - own + x)ᵖ` for every class but the element's own; classes lie along dim 1. */
const violations = [1, 2].map(
  (p) =>
    new PointwiseOp(
      'multiMargin',
      3,
      ([x, own, target], { margin }) => {
        const z = violation(margin!.sub(own!).add(x!));
        return index(1)
          .eq(target!)
          .select(0, p === 2 ? z.square() : z);
      },
      { params: { margin: 1 }, promoted: [true, true, false] },
    ),
);

/**
 * `Σᵢ max(0, margin - x[y] + x[i])ᵖ / classes` over the classes `i` other than the target `y`, times `weight[y]`.
 *
 * - `input`: `[batch, classes]` or `[classes]` · `target`: int32 or int64, `[batch]` or `[]`
 *
 * @throws {ShapeError} the shapes do not fit. @throws {ArgumentError} `p` is neither 1 nor 2. @throws {DTypeError} `target` is not of integers.
 */
export const multiMarginLoss = composite(
  'multiMarginLoss',
  (input: Tensor, target: Tensor, options: MultiMarginLossOptions = {}): Tensor => {
    const op = 'multiMarginLoss';
    const reduction = lossReduction(op, options, ['p', 'margin', 'weight', 'reduction']);
    checkTensor(op, 'input', input);
    checkIndex(op, 'target', target);
    const { p = 1, margin = 1, weight } = options;
    if (p !== 1 && p !== 2) throw new ArgumentError(`${op}: p must be 1 or 2, got ${describe(p)}`, { op });
    const rows = input.shape.slice(0, -1);
    if (
      input.shape.length > 2 ||
      !(sameShape(target.shape, rows) || (rows.length === 0 && target.size === 1))
    ) {
      throw new ShapeError(
        `${op}: input must be [batch, classes] with target [batch], or [classes] with []; got ${showShape(input.shape)} and ${showShape(target.shape)}`,
        { op },
      );
    }
    const classes = input.shape.at(-1) ?? 1;
    if (weight && !sameShape(weight.shape, [classes]))
      throw new ShapeError(
        `${op}: weight must be [${classes}], one for each class; it is ${showShape(weight.shape)}`,
        { op },
      );
    const x = reshape(input, [rows[0] ?? 1, classes]);
    const y = reshape(target, [rows[0] ?? 1, 1]);
    const each = violations[p - 1]!.call([x, gather(x, 1, y), y], { margin });
    const weighted = weight ? mul(each, unsqueeze(indexSelect(weight, 0, reshape(y, [-1])), 1)) : each;
    return reduceLoss(reshape(div(sum(weighted, 1), classes), rows), reduction);
  },
);

const missed = new PointwiseOp('multilabelMargin', 2, ([x, own]) => violation(own!.neg().add(1).add(x!)), {});

/**
 * `Σ max(0, 1 - x[y] + x[i]) / classes` over the targets `y` of an element and the classes `i` that are no target.
 * A row of `target` lists classes and ends at the first -1.
 *
 * - `input`: `[batch, classes]` or `[classes]` · `target`: int32 or int64 of the same shape
 *
 * @throws {ShapeError} the shapes differ. @throws {DTypeError} `target` is not of integers.
 */
export const multilabelMarginLoss = composite(
  'multilabelMarginLoss',
  (input: Tensor, target: Tensor, options?: LossOptions): Tensor => {
    const op = 'multilabelMarginLoss';
    const reduction = lossReduction(op, options, ['reduction']);
    checkSameShape(op, input, target);
    checkIndex(op, 'target', target);
    if (input.shape.length > 2)
      throw new ShapeError(
        `${op}: input must be [batch, classes] or [classes], got ${showShape(input.shape)}`,
        { op },
      );
    const rows = input.shape.slice(0, -1);
    const shape = [rows[0] ?? 1, input.shape.at(-1) ?? 1];
    const x = reshape(input, shape);
    const named = reshape(target, shape);
    const listed = cumprod(cast(ge(named, 0), 'int32'), 1);
    const counts = gt(listed, 0);
    const classes = where(counts, named, 0);
    const isTarget = gt(scatterAdd(zerosOf(listed), 1, classes, listed), 0);
    const pairs = logicalAnd(unsqueeze(counts, 2), unsqueeze(logicalNot(isTarget), 1));
    const terms = where(
      pairs,
      missed.call([unsqueeze(x, 1), unsqueeze(gather(x, 1, classes), 2)], undefined),
      0,
    );
    return reduceLoss(reshape(div(sum(terms, [1, 2]), shape[1]!), rows), reduction);
  },
);

export interface MultilabelSoftMarginLossOptions extends LossOptions {
  /** A weight for each class. */
  readonly weight?: Tensor | null;
}

/**
 * The mean over classes of `-(y log σ(x) + (1 - y) log σ(-x))`, times the weight.
 *
 * - `input`, `target`: `[..., classes]`
 *
 * @throws {ShapeError} the shapes differ.
 */
export const multilabelSoftMarginLoss = composite(
  'multilabelSoftMarginLoss',
  (input: Tensor, target: Tensor, options: MultilabelSoftMarginLossOptions = {}): Tensor => {
    const op = 'multilabelSoftMarginLoss';
    const reduction = lossReduction(op, options, ['weight', 'reduction']);
    checkSameShape(op, input, target);
    const { weight } = options;
    // log σ(x) = x + log σ(-x)
    const loss = neg(sub(mul(target, input), neg(logsigmoid(neg(input)))));
    return reduceLoss(mean(weight ? mul(loss, weight) : loss, -1), reduction);
  },
);
