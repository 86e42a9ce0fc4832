import { composite, pointwise } from '../dispatch/declare.ts';
import { ArgumentError } from '../errors.ts';
import { literal } from '../expr/expr.ts';
import type { Tensor } from '../graph/tensor.ts';
import { div, mul } from './arithmetic.ts';
import { sum } from './broadcast.ts';
import { checkPair, checkSameShape, type LossOptions, lossReduction, reduceLoss } from './loss-reduction.ts';

/** The logarithm, not below -100, as PyTorch bounds it; its gradient is that of the bounded function's input. */
const entropy = pointwise(
  'binaryEntropy',
  (x, y) => {
    const bounded = (value: typeof x) => value.log().max(-100);
    return y
      .sub(1)
      .mul(bounded(literal(1).sub(x)))
      .sub(y.mul(bounded(x)));
  },
  {
    promote: 'float',
    // With the product of both probabilities bounded, so that 0 and 1 have a finite gradient.
    grad: ({ dy, inputs: [x, y] }) => [
      dy.mul(x!.sub(y!)).div(literal(1).sub(x!).mul(x!).max(1e-12)),
      dy.mul(literal(1).sub(x!).log().max(-100).sub(x!.log().max(-100))),
    ],
  },
);

export interface BinaryCrossEntropyOptions extends LossOptions {
  /** A weight for each element, broadcast. */
  readonly weight?: Tensor | null;
}

/**
 * `-(y log x + (1 - y) log(1 - x))` of probabilities, with logarithms not below -100.
 *
 * - `input`, `target`: one shape, values in `0..1`
 *
 * @throws {ShapeError} the shapes differ.
 * @example binaryCrossEntropy(tensor([0.5]), tensor([1])) // tensor(0.6931)
 */
export const binaryCrossEntropy = composite(
  'binaryCrossEntropy',
  (input: Tensor, target: Tensor, options?: BinaryCrossEntropyOptions): Tensor => {
    const reduction = lossReduction('binaryCrossEntropy', options, ['weight', 'reduction']);
    checkSameShape('binaryCrossEntropy', input, target);
    const loss = entropy(input, target);
    return reduceLoss(options?.weight ? mul(loss, options.weight) : loss, reduction);
  },
);

/** `(1 - y) x + (1 + (p - 1) y) (log(1 + exp(-|x|)) + max(-x, 0))`: no exponential of a positive number. */
const entropyWithLogits = pointwise(
  'binaryEntropyWithLogits',
  (x, y, p) => {
    const softplus = x.abs().neg().exp().log1p().add(x.neg().max(0));
    return literal(1).sub(y).mul(x).add(p.sub(1).mul(y).add(1).mul(softplus));
  },
  {
    promote: 'float',
    grad: ({ dy, inputs: [x, y, p] }) => {
      const softplus = x!.abs().neg().exp().log1p().add(x!.neg().max(0));
      const positive = p!.sub(1).mul(y!).add(1);
      return [
        dy.mul(literal(1).sub(y!).sub(positive.mul(x!.neg().sigmoid()))),
        dy.mul(p!.sub(1).mul(softplus).sub(x!)),
        dy.mul(y!).mul(softplus),
      ];
    },
  },
);

export interface BinaryCrossEntropyWithLogitsOptions extends BinaryCrossEntropyOptions {
  /** A weight for positive targets, broadcast. */
  readonly posWeight?: Tensor | null;
}

/**
 * `binaryCrossEntropy` of `sigmoid(input)`, stable for any logit.
 *
 * - `input`, `target`: one shape
 *
 * @throws {ShapeError} the shapes differ.
 */
export const binaryCrossEntropyWithLogits = composite(
  'binaryCrossEntropyWithLogits',
  (input: Tensor, target: Tensor, options?: BinaryCrossEntropyWithLogitsOptions): Tensor => {
    const reduction = lossReduction('binaryCrossEntropyWithLogits', options, [
      'weight',
      'reduction',
      'posWeight',
    ]);
    checkSameShape('binaryCrossEntropyWithLogits', input, target);
    const loss = entropyWithLogits(input, target, options?.posWeight ?? 1);
    return reduceLoss(options?.weight ? mul(loss, options.weight) : loss, reduction);
  },
);

const divergence = pointwise(
  'divergence',
  (x, y) =>
    y
      .isnan()
      .select(Number.NaN, y.gt(0).select(y.mul(y.log().sub(x)), y.eq(0).select(y.mul(x).neg(), Number.NaN))),
  {
    promote: 'float',
    grad: ({ dy, inputs: [x, y] }) => [
      dy.mul(y!).neg(),
      y!.gt(0).select(dy.mul(y!.log().add(1).sub(x!)), y!.eq(0).select(0, Number.NaN).mul(dy)),
    ],
  },
);
const logDivergence = pointwise('logDivergence', (x, y) => y.exp().mul(y.sub(x)), { promote: 'float' });

export interface KlDivOptions {
  /** `batchmean` divides the sum by the first size. Default `mean`. */
  readonly reduction?: 'none' | 'mean' | 'sum' | 'batchmean';
  /** Whether the target is given as logarithms. Default false. */
  readonly logTarget?: boolean;
}

/**
 * Kullback-Leibler divergence `y (log y - x)`, where `x` is a logarithm of probabilities.
 *
 * @throws {ShapeError} the shapes do not broadcast.
 */
export const klDiv = composite('klDiv', (input: Tensor, target: Tensor, options?: KlDivOptions): Tensor => {
  const reduction = lossReduction(
    'klDiv',
    options,
    ['reduction', 'logTarget'],
    ['none', 'mean', 'sum', 'batchmean'],
  );
  checkPair('klDiv', input, target);
  const loss = options?.logTarget ? logDivergence(input, target) : divergence(input, target);
  if (reduction !== 'batchmean') return reduceLoss(loss, reduction);
  if (input.shape.length === 0)
    throw new ArgumentError('klDiv: batchmean needs a first dimension', { op: 'klDiv' });
  return div(sum(loss), input.shape[0]!);
});
