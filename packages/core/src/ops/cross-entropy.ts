import { checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { PointwiseOp } from '../dispatch/pointwise.ts';
import { isFloating } from '../dtype.ts';
import { ArgumentError, ShapeError, showShape } from '../errors.ts';
import { index } from '../expr/expr.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sameShape, sizeOf } from '../shape.ts';
import { add, div, mul, neg } from './arithmetic.ts';
import { sum } from './broadcast.ts';
import { ne } from './comparison.ts';
import { type LossReduction, lossReduction, reduceLoss } from './loss-reduction.ts';
import { checkClasses, classDim, elementWeights, type NllLossOptions, nllLoss } from './nll-loss.ts';
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
  return div(sum(losses), sum(elementWeights(target, counts, where(counts, target, 0), weight, logits)));
}

/** `share · (softmax - one-hot of the class)`, by the dimension of the classes. */
const classGradient = [0, 1].map(
  (dim) =>
    new PointwiseOp(
      'crossEntropyBackward',
      3,
      ([logs, target, share]) => share!.mul(index(dim).eq(target!).select(logs!.exp().sub(1), logs!.exp())),
      {
        promoted: [true, false, true],
      },
    ),
);

/** With class indices: one launch makes the gradient. Fused kernels come under this name. */
const ofClasses = composite('crossEntropy', {
  infer(
    input: Tensor,
    target: Tensor,
    weight: Tensor | undefined,
    ignoreIndex: number,
    reduction: LossReduction,
  ) {
    const shape = reduction === 'none' ? target.shape : [];
    const logs = { shape: input.shape, dtype: input.dtype };
    return {
      inputs: { input, target, weight },
      attrs: { ignoreIndex, reduction },
      outputs: { loss: { shape, dtype: input.dtype }, logs },
    };
  },
  decompose({ input, target, weight }, { ignoreIndex, reduction }) {
    const logs = logSoftmax(input, classDim(input));
    return { loss: nllLoss(logs, target, { weight: weight ?? null, ignoreIndex, reduction }), logs };
  },
  saves: ['logs', 'target', 'weight'],
  returns: ['loss'],
  vjp({ loss: dy, logs: dlogs }, { logs, target, weight }, { ignoreIndex, reduction }) {
    const dim = classDim(logs);
    const terms: Tensor[] = dlogs === undefined ? [] : [logSoftmaxBackward(dlogs, logs, dim)];
    if (dy !== undefined) {
      const counts = ne(target, ignoreIndex);
      const safe = where(counts, target, 0);
      const weights = elementWeights(target, counts, safe, weight, logs);
      const share = mul(weights, reduction === 'mean' ? div(dy, sum(weights)) : dy);
      // Selected, so that a mean over nothing gives zeros.
      const counted = where(counts, share, 0);
      terms.push(classGradient[dim]!.call([logs, unsqueeze(safe, dim), unsqueeze(counted, dim)], undefined));
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
