import {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  crossEntropy,
  nllLoss,
  softMarginLoss,
  type Tensor,
} from '@flambeau/core';
import { checkProbability } from '../layers/settings.ts';
import { Loss, type LossOptions, weights } from './loss.ts';

export interface WeightedLossOptions extends LossOptions {
  /** A weight for each class, or for each element of a batch. */
  readonly weight?: Tensor | null;
}

export interface ClassLossOptions extends WeightedLossOptions {
  /** A class that does not count. Default -100. */
  readonly ignoreIndex?: number;
}

export interface CrossEntropyLossOptions extends ClassLossOptions {
  /** The share of every target that is spread evenly over all classes. Default 0. */
  readonly labelSmoothing?: number;
}

/**
 * How badly logits tell the class: `-log softmax(input)[target]`.
 *
 * State: `weight` `[classes]`, if given.
 *
 * @throws {ArgumentError} `labelSmoothing` lies outside `0..1`.
 * @example new CrossEntropyLoss().forward(zeros([2, 4]), tensor([0, 3], { dtype: 'int32' })) // tensor(1.3863)
 */
export class CrossEntropyLoss extends Loss {
  static readonly builtIn: string = 'CrossEntropyLoss';
  weight: Tensor | null;
  readonly ignoreIndex: number;
  readonly labelSmoothing: number;

  constructor(options: CrossEntropyLossOptions = {}) {
    super('CrossEntropyLoss', options, ['weight', 'ignoreIndex', 'labelSmoothing']);
    this.weight = weights('CrossEntropyLoss', 'weight', options.weight);
    this.ignoreIndex = options.ignoreIndex ?? -100;
    this.labelSmoothing = options.labelSmoothing ?? 0;
    checkProbability('CrossEntropyLoss', 'labelSmoothing', this.labelSmoothing);
  }

  /**
   * - `input`: `[batch, classes, ...]` or `[classes]`, logits
   * - `target`: classes, `[batch, ...]` or `[]`, int32 or int64; or probabilities of the input's shape
   * - returns: `[]`, or a value for each target with `reduction: 'none'`
   */
  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, reduction, ignoreIndex, labelSmoothing } = this;
    return crossEntropy(input, target, { weight, reduction, ignoreIndex, labelSmoothing });
  }
}

/**
 * The negative logarithm of the probability of the class: `-input[target]`, for inputs that are logarithms of
 * probabilities.
 *
 * State: `weight` `[classes]`, if given.
 *
 * @example new NLLLoss().forward(new LogSoftmax(1).forward(zeros([2, 4])), tensor([0, 3], { dtype: 'int32' })) // tensor(1.3863)
 */
export class NLLLoss extends Loss {
  static readonly builtIn: string = 'NLLLoss';
  weight: Tensor | null;
  readonly ignoreIndex: number;

  constructor(options: ClassLossOptions = {}) {
    super('NLLLoss', options, ['weight', 'ignoreIndex']);
    this.weight = weights('NLLLoss', 'weight', options.weight);
    this.ignoreIndex = options.ignoreIndex ?? -100;
  }

  /**
   * - `input`: `[batch, classes, ...]` or `[classes]`, logarithms of probabilities
   * - `target`: classes, `[batch, ...]` or `[]`, int32 or int64
   * - returns: `[]`, or a value for each target with `reduction: 'none'`
   */
  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, reduction, ignoreIndex } = this;
    return nllLoss(input, target, { weight, reduction, ignoreIndex });
  }
}

/**
 * Binary cross entropy of probabilities: `-(target log input + (1 - target) log(1 - input))`.
 *
 * State: `weight`, if given.
 */
export class BCELoss extends Loss {
  static readonly builtIn: string = 'BCELoss';
  weight: Tensor | null;

  constructor(options: WeightedLossOptions = {}) {
    super('BCELoss', options, ['weight']);
    this.weight = weights('BCELoss', 'weight', options.weight);
  }

  /**
   * - `input`: probabilities, any shape · `target`: the same shape, in `0..1`
   * - returns: `[]`, or that shape with `reduction: 'none'`
   */
  forward(input: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropy(input, target, { weight: this.weight, reduction: this.reduction });
  }
}

export interface BCEWithLogitsLossOptions extends WeightedLossOptions {
  /** How much more a positive target counts, for each class. */
  readonly posWeight?: Tensor | null;
}

/**
 * Binary cross entropy of `sigmoid(input)`, without overflow.
 *
 * State: `weight` and `pos_weight`, if given.
 *
 * @example new BCEWithLogitsLoss().forward(tensor([0]), tensor([1])) // tensor(0.6931)
 */
export class BCEWithLogitsLoss extends Loss {
  static readonly builtIn: string = 'BCEWithLogitsLoss';
  static override readonly keys = { posWeight: 'pos_weight' };
  weight: Tensor | null;
  posWeight: Tensor | null;

  constructor(options: BCEWithLogitsLossOptions = {}) {
    super('BCEWithLogitsLoss', options, ['weight', 'posWeight']);
    this.weight = weights('BCEWithLogitsLoss', 'weight', options.weight);
    this.posWeight = weights('BCEWithLogitsLoss', 'posWeight', options.posWeight);
  }

  /**
   * - `input`: logits, any shape · `target`: the same shape, in `0..1`
   * - returns: `[]`, or that shape with `reduction: 'none'`
   */
  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, posWeight, reduction } = this;
    return binaryCrossEntropyWithLogits(input, target, { weight, posWeight, reduction });
  }
}

/** The logistic loss of targets -1 and 1: `log(1 + e^(-target input))`. */
export class SoftMarginLoss extends Loss {
  static readonly builtIn: string = 'SoftMarginLoss';
  constructor(options: LossOptions = {}) {
    super('SoftMarginLoss', options);
  }

  /**
   * - `input`, `target`: the same shape; targets are -1 or 1
   * - returns: `[]`, or that shape with `reduction: 'none'`
   */
  forward(input: Tensor, target: Tensor): Tensor {
    return softMarginLoss(input, target, { reduction: this.reduction });
  }
}
