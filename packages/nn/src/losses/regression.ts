import { ArgumentError, huberLoss, klDiv, l1Loss, mseLoss, smoothL1Loss, type Tensor } from '@flambeau/core';
import { Loss, type LossOptions, type Reduction } from './loss.ts';

/**
 * Mean of the squared differences: `(input - target)²`.
 *
 * @example new MSELoss().forward(tensor([1, 3]), tensor([1, 1])) // tensor(2.)
 */
export class MSELoss extends Loss {
  static readonly builtIn: string = 'MSELoss';
  constructor(options: LossOptions = {}) {
    super('MSELoss', options);
  }

  /**
   * - `input`, `target`: the same shape, floating
   * - returns: `[]`, or that shape with `reduction: 'none'`
   */
  forward(input: Tensor, target: Tensor): Tensor {
    return mseLoss(input, target, { reduction: this.reduction });
  }
}

/** Mean of the absolute differences: `|input - target|`. */
export class L1Loss extends Loss {
  static readonly builtIn: string = 'L1Loss';
  constructor(options: LossOptions = {}) {
    super('L1Loss', options);
  }

  /**
   * - `input`, `target`: the same shape, floating
   * - returns: `[]`, or that shape with `reduction: 'none'`
   */
  forward(input: Tensor, target: Tensor): Tensor {
    return l1Loss(input, target, { reduction: this.reduction });
  }
}

export interface SmoothL1LossOptions extends LossOptions {
  /** Where the square goes over into the absolute value. Default 1. */
  readonly beta?: number;
}

/**
 * `d² / (2 beta)` where the difference `d` is below `beta`, `|d| - beta / 2` elsewhere.
 *
 * @throws {ArgumentError} `beta` is negative.
 */
export class SmoothL1Loss extends Loss {
  static readonly builtIn: string = 'SmoothL1Loss';
  readonly beta: number;

  constructor(options: SmoothL1LossOptions = {}) {
    super('SmoothL1Loss', options, ['beta']);
    this.beta = options.beta ?? 1;
    if (!(this.beta >= 0))
      throw new ArgumentError(`SmoothL1Loss: beta must be 0 or more, got ${this.beta}`, {
        op: 'SmoothL1Loss',
      });
  }

  /**
   * - `input`, `target`: the same shape, floating
   * - returns: `[]`, or that shape with `reduction: 'none'`
   */
  forward(input: Tensor, target: Tensor): Tensor {
    return smoothL1Loss(input, target, { reduction: this.reduction, beta: this.beta });
  }
}

export interface HuberLossOptions extends LossOptions {
  /** Where the square goes over into the absolute value. Default 1. */
  readonly delta?: number;
}

/**
 * `d² / 2` where the difference `d` is below `delta`, `delta (|d| - delta / 2)` elsewhere.
 *
 * @throws {ArgumentError} `delta` is not positive.
 */
export class HuberLoss extends Loss {
  static readonly builtIn: string = 'HuberLoss';
  readonly delta: number;

  constructor(options: HuberLossOptions = {}) {
    super('HuberLoss', options, ['delta']);
    this.delta = options.delta ?? 1;
    if (!(this.delta > 0))
      throw new ArgumentError(`HuberLoss: delta must be above 0, got ${this.delta}`, { op: 'HuberLoss' });
  }

  /**
   * - `input`, `target`: the same shape, floating
   * - returns: `[]`, or that shape with `reduction: 'none'`
   */
  forward(input: Tensor, target: Tensor): Tensor {
    return huberLoss(input, target, { reduction: this.reduction, delta: this.delta });
  }
}

export interface KLDivLossOptions {
  /** `'batchmean'` is the divergence itself. Default `'mean'`, over all elements. */
  readonly reduction?: Reduction | 'batchmean';
  /** Whether the target is given as logarithms too. Default false. */
  readonly logTarget?: boolean;
}

/** Kullback-Leibler divergence from logarithms of probabilities: `target (log target - input)`. */
export class KLDivLoss extends Loss<Reduction | 'batchmean'> {
  static readonly builtIn: string = 'KLDivLoss';
  readonly logTarget: boolean;

  constructor(options: KLDivLossOptions = {}) {
    super('KLDivLoss', options, ['logTarget'], ['none', 'mean', 'sum', 'batchmean']);
    this.logTarget = options.logTarget ?? false;
  }

  /**
   * - `input`: logarithms of probabilities, any shape · `target`: probabilities of the same shape
   * - returns: `[]`, or that shape with `reduction: 'none'`
   */
  forward(input: Tensor, target: Tensor): Tensor {
    return klDiv(input, target, { reduction: this.reduction, logTarget: this.logTarget });
  }
}
