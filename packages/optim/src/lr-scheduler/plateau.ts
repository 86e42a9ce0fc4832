import { ArgumentError, checkOptions, describe, isTensor, type Tensor } from '@flambeau/core';
import { checkChoice, checkNotNegative, checkNumbers } from '../checks.ts';
import { LRScheduler, perGroup, type ScheduledOptimizer } from './scheduler.ts';

export interface ReduceLROnPlateauOptions {
  /** Whether the metric should fall or rise. Default `min`. */
  readonly mode?: 'min' | 'max';
  /** Factor of a reduction. Default 0.1. */
  readonly factor?: number;
  /** How many epochs without an improvement are allowed. Default 10. */
  readonly patience?: number;
  /** How much better counts as better. Default 1e-4. */
  readonly threshold?: number;
  /** Whether `threshold` is a share of the best value or a difference. Default `rel`. */
  readonly thresholdMode?: 'rel' | 'abs';
  /** How many epochs after a reduction do not count. Default 0. */
  readonly cooldown?: number;
  /** The smallest rate, for all groups or for each. Default 0. */
  readonly minLr?: number | readonly number[];
  /** Smaller changes of the rate are left out. Default 1e-8. */
  readonly eps?: number;
}

const OPTIONS = ['mode', 'factor', 'patience', 'threshold', 'thresholdMode', 'cooldown', 'minLr', 'eps'];

/**
 * Reduces the rate when a metric has stopped improving.
 *
 * @throws {ArgumentError} `factor` is 1 or more, or another option is out of range.
 * @example const scheduler = new ReduceLROnPlateau(optimizer, { patience: 3 }); scheduler.step(await loss.item());
 */
export class ReduceLROnPlateau extends LRScheduler {
  protected best: number;
  protected numBadEpochs = 0;
  protected cooldownCounter = 0;
  protected mode: 'min' | 'max';
  protected factor: number;
  protected patience: number;
  protected threshold: number;
  protected thresholdMode: 'rel' | 'abs';
  protected cooldown: number;
  protected minLrs: number[];
  protected eps: number;

  constructor(optimizer: ScheduledOptimizer, options: ReduceLROnPlateauOptions = {}) {
    const op = 'ReduceLROnPlateau';
    checkOptions(op, options, OPTIONS);
    const { mode = 'min', factor = 0.1, patience = 10, threshold = 1e-4, thresholdMode = 'rel' } = options;
    const { cooldown = 0, minLr = 0, eps = 1e-8 } = options;
    checkChoice(op, 'mode', mode, ['min', 'max']);
    checkChoice(op, 'thresholdMode', thresholdMode, ['rel', 'abs']);
    checkNotNegative(op, { patience, cooldown, eps });
    checkNumbers(op, { factor, threshold });
    if (factor >= 1) throw new ArgumentError(`${op}: factor must be below 1, got ${factor}`, { op });
    const minLrs = perGroup(op, 'minLr', optimizer, minLr);
    super(op, optimizer);
    this.mode = mode;
    this.factor = factor;
    this.patience = patience;
    this.threshold = threshold;
    this.thresholdMode = thresholdMode;
    this.cooldown = cooldown;
    this.minLrs = minLrs;
    this.eps = eps;
    this.best = mode === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    this.lastEpoch = 0;
    this.lastLr = this.current;
  }

  protected override getLr(): number[] {
    return this.current;
  }

  /**
   * Notes the metric of an epoch: a number, or a tensor of one element on a device that can be read at once.
   * @throws {ArgumentError} no metric is given.
   */
  override step(metric?: number | Tensor): void {
    const value = isTensor(metric) ? metric.itemSync() : metric;
    if (typeof value !== 'number') {
      throw new ArgumentError(`${this.name}: step takes the metric, a number, got ${describe(metric)}`, {
        op: this.name,
      });
    }
    this.stepCount += 1;
    this.lastEpoch += 1;
    if (this.isBetter(value)) {
      this.best = value;
      this.numBadEpochs = 0;
    } else {
      this.numBadEpochs += 1;
    }
    if (this.cooldownCounter > 0) {
      this.cooldownCounter -= 1;
      this.numBadEpochs = 0;
    }
    if (this.numBadEpochs > this.patience) {
      this.reduce();
      this.cooldownCounter = this.cooldown;
      this.numBadEpochs = 0;
    }
    this.lastLr = this.current;
  }

  private reduce(): void {
    this.optimizer.paramGroups.forEach((group, i) => {
      // A group that came later has the bound of the last one.
      const lowest = this.minLrs[i] ?? this.minLrs.at(-1)!;
      const lr = Math.max(group.lr * this.factor, lowest);
      if (group.lr - lr > this.eps) group.lr = lr;
    });
  }

  private isBetter(value: number): boolean {
    const { best, threshold, thresholdMode } = this;
    if (this.mode === 'min')
      return value < (thresholdMode === 'rel' ? best * (1 - threshold) : best - threshold);
    return value > (thresholdMode === 'rel' ? best * (1 + threshold) : best + threshold);
  }
}
