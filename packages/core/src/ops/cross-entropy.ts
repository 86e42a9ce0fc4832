import { checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { PointwiseOp } from '../dispatch/pointwise.ts';
import { isFloating } from '../dtype.ts';
import { ArgumentError, ShapeError, showShape } from '../errors.ts';
import { index } from '../expr/expr.ts';
import { computeType } from '../expr/program.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sameShape, sizeOf } from '../shape.ts';
import { add, div, mul, neg } from './arithmetic.ts';
import { sum } from './broadcast.ts';
import { ne } from './comparison.ts';
import { cast } from './copying.ts';
import { type LossReduction, lossReduction, reduceLoss } from './loss-reduction.ts';
import {
  checkClasses,
  classDim,
  classWeights,
  elementLosses,
  elementWeights,
  type NllLossOptions,
  nllLoss,
} from './nll-loss.ts';
import { reshape, unsqueeze } from './reshape.ts';
import { logSoftmax, logSoftmaxBackward } from './softmax.ts';
import { where } from './where.ts';

export interface CrossEntropyOptions extends NllLossOptions {
  /** How much of the probability is spread evenly over all classes, in `0..1`. Default 0. */
  readonly labelSmoothing?: number;
}

/** A class's weight along the dimension of the classes. */
function alongClasses(weight: Tensor, input: Tensor): Tensor {
  return reshape(
    weight,
    input.shape.map((_, i) => (i === classDim(input) ? -1 : 1)),
  );
}

/** With the target given as probabilities. */
function ofProbabilities(
  logits: Tensor,
  target: Tensor,
  weight: Tensor | null | undefined,
  smoothing: number,
  reduction: string,
): Tensor {
  const dim = classDim(logits);
  const classes = logits.shape[dim]!;
  const smooth = smoothing === 0 ? target : add(mul(target, 1 - smoothing), smoothing / classes);
  const terms = mul(logSoftmax(logits, dim), smooth);
  const losses = neg(sum(weight ? mul(terms, alongClasses(weight, logits)) : terms, dim));
  if (reduction !== 'mean') return reduceLoss(losses, reduction);
  return div(sum(losses), sizeOf(logits.shape) / classes);
}

/** With class indices and smoothing: a share of the loss of every class. */
function smoothed(logits: Tensor, target: Tensor, options: CrossEntropyOptions, reduction: string): Tensor {
  const { weight, ignoreIndex = -100, labelSmoothing = 0 } = options;
  const dim = classDim(logits);
  const logs = logSoftmax(logits, dim);
  const counts = ne(target, ignoreIndex);
  const all = neg(sum(weight ? mul(logs, alongClasses(weight, logits)) : logs, dim));
  const spread = where(counts, all, 0);
  const own = nllLoss(logs, target, { weight: weight ?? null, ignoreIndex, reduction: 'none' });
  const losses = add(mul(own, 1 - labelSmoothing), mul(spread, labelSmoothing / logits.shape[dim]!));
  if (reduction !== 'mean') return reduceLoss(losses, reduction);
  return div(sum(losses), sum(elementWeights(counts, where(counts, target, 0), weight, logits)));
}

/**
 * `own · dy / total · (softmax - one-hot of the class)`, by the dimension of the classes; 0 where the class is ignored,
 * so that a mean over nothing gives zeros.
 */
const classGradient = [0, 1].map(
  (dim) =>
    new PointwiseOp(
      'crossEntropyBackward',
      5,
      ([logs, target, dy, total, own], { ignoreIndex }) => {
        const picked = index(dim).eq(target!);
        const slope = picked.select(logs!.exp().sub(1), logs!.exp());
        return target!.ne(ignoreIndex!).select(own!.mul(dy!.div(total!)).mul(slope), 0);
      },
      { promoted: [true, false, true, false, true], params: { ignoreIndex: -100 } },
    ),
);

/**
 * The gradient of cross entropy with class indices, from `logs`, the logarithm of softmax. `total` divides it: what the
 * elements of a mean weigh together.
 */
const crossEntropyBackward = composite('crossEntropyBackward', {
  infer: (
    dy: Tensor,
    logs: Tensor,
    target: Tensor,
    weight: Tensor | undefined,
    total: Tensor | undefined,
    ignoreIndex: number,
  ) => ({
    inputs: { dy, logs, target, weight, total },
    attrs: { ignoreIndex },
    outputs: { dx: { shape: logs.shape, dtype: logs.dtype } },
  }),
  decompose({ dy, logs, target, weight, total }, { ignoreIndex }) {
    const dim = classDim(logs);
    const each = (x: Tensor): Tensor => (x.shape.length === target.shape.length ? unsqueeze(x, dim) : x);
    const own =
      weight === undefined ? 1 : each(classWeights(weight, where(ne(target, ignoreIndex), target, 0)));
    return classGradient[dim]!.call([logs, each(target), each(dy), total ?? 1, own], { ignoreIndex });
  },
});

/** With class indices. Fused kernels come under this name; `total` is what all elements weigh together. */
const ofClasses = composite('crossEntropy', {
  infer(
    input: Tensor,
    target: Tensor,
    weight: Tensor | undefined,
    ignoreIndex: number,
    reduction: LossReduction,
  ) {
    const shape = reduction === 'none' ? target.shape : [];
    return {
      inputs: { input, target, weight },
      attrs: { ignoreIndex, reduction },
      outputs: {
        loss: { shape, dtype: input.dtype },
        logs: { shape: input.shape, dtype: input.dtype },
        total: { shape: [], dtype: computeType(input.dtype) },
      },
    };
  },
  decompose({ input, target, weight }, { ignoreIndex, reduction }) {
    const logs = logSoftmax(input, classDim(input));
    const { losses, weights } = elementLosses(logs, target, weight, ignoreIndex);
    if (reduction !== 'mean') return { loss: reduceLoss(losses, reduction), logs };
    const wide = computeType(input.dtype);
    const total = sum(cast(weights, wide));
    return { loss: cast(div(sum(cast(losses, wide)), total), input.dtype), logs, total };
  },
  saves: ['logs', 'target', 'weight', 'total'],
  returns: ['loss'],
  vjp({ loss: dy, logs: dlogs }, { logs, target, weight, total }, { ignoreIndex, reduction }) {
    const terms: Tensor[] = dlogs === undefined ? [] : [logSoftmaxBackward(dlogs, logs, classDim(logs))];
    if (dy !== undefined) {
      const divisor = reduction === 'mean' ? total : undefined;
      terms.push(crossEntropyBackward(dy, logs, target, weight, divisor, ignoreIndex));
    }
    return terms.length === 0 ? {} : { input: terms.reduce((a, b) => add(a, b)) };
  },
});

/**
 * Cross entropy of logits: `nllLoss(logSoftmax(input), target)`, or with probabilities `-sum(target logSoftmax(input))`.
 *
 * - `input`: `[classes]`, `[batch, classes]` or `[batch, classes, ...]`: logits
 * - `target`: integers in `0..classes-1`, the shape without the classes; or probabilities, the shape of `input`
 *
 * @throws {ShapeError} the shapes do not fit. @throws {DTypeError} `target` is floating and no probabilities.
 * @throws {ArgumentError} `labelSmoothing` lies outside `0..1`. @throws {BackendError} a class is out of range.
 * @example crossEntropy(tensor([[0, 0]]), tensor([1], { dtype: 'int32' })) // tensor(0.6931)
 */
export const crossEntropy = composite(
  'crossEntropy',
  (input: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor => {
    const reduction = lossReduction('crossEntropy', options, [
      'weight',
      'ignoreIndex',
      'reduction',
      'labelSmoothing',
    ]);
    checkTensor('crossEntropy', 'input', input);
    checkTensor('crossEntropy', 'target', target);
    const smoothing = options.labelSmoothing ?? 0;
    if (!(smoothing >= 0 && smoothing <= 1))
      throw new ArgumentError(`crossEntropy: labelSmoothing lies in 0..1, got ${smoothing}`, {
        op: 'crossEntropy',
      });
    if (isFloating(target.dtype) && sameShape(input.shape, target.shape) && input.shape.length > 0) {
      if (options.weight && options.weight.size !== input.shape[classDim(input)]) {
        throw new ShapeError(
          `crossEntropy: weight must be [${input.shape[classDim(input)]}], one for each class; it is ${showShape(options.weight.shape)}`,
          { op: 'crossEntropy' },
        );
      }
      return ofProbabilities(input, target, options.weight, smoothing, reduction);
    }
    checkClasses('crossEntropy', input, target, options.weight);
    if (smoothing > 0) return smoothed(input, target, options, reduction);
    return ofClasses(
      input,
      target,
      options.weight ?? undefined,
      options.ignoreIndex ?? -100,
      options.reduction ?? 'mean',
    );
  },
);
