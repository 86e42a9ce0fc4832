import { ArgumentError, checkOptions, describe } from '@flambeau/core';
import { checkNumbers, checkPositiveInteger } from '../checks.ts';
import { LRScheduler, type ScheduledOptimizer, type SchedulerOptions } from './scheduler.ts';

export interface CosineAnnealingLROptions extends SchedulerOptions {
  /** The smallest rate. Default 0. */
  readonly etaMin?: number;
}

/**
 * Lets the rate fall along half a cosine within `TMax` epochs, from its value to `etaMin`.
 *
 * @throws {ArgumentError} `TMax` is no positive integer.
 * @see Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts (2016)
 * @example new CosineAnnealingLR(optimizer, 100)
 */
export class CosineAnnealingLR extends LRScheduler {
  protected TMax: number;
  protected etaMin: number;

  constructor(optimizer: ScheduledOptimizer, TMax: number, options: CosineAnnealingLROptions = {}) {
    checkOptions('CosineAnnealingLR', options, ['etaMin', 'lastEpoch']);
    const { etaMin = 0 } = options;
    checkPositiveInteger('CosineAnnealingLR', { TMax });
    checkNumbers('CosineAnnealingLR', { etaMin });
    super('CosineAnnealingLR', optimizer, options);
    this.TMax = TMax;
    this.etaMin = etaMin;
    this.start();
  }

  protected override getLr(): number[] {
    const { TMax, etaMin, lastEpoch, baseLrs } = this;
    if (this.initial) return this.current;
    if (this.stepCount === 1 && lastEpoch > 0) return this.closedForm();
    if ((lastEpoch - 1 - TMax) % (2 * TMax) === 0) {
      // The formula below divides by 0 here.
      const rise = (1 - Math.cos(Math.PI / TMax)) / 2;
      return this.current.map((lr, i) => lr + (baseLrs[i]! - etaMin) * rise);
    }
    const height = (epoch: number): number => 1 + Math.cos((Math.PI * epoch) / TMax);
    const ratio = height(lastEpoch) / height(lastEpoch - 1);
    return this.current.map((lr) => ratio * (lr - etaMin) + etaMin);
  }

  protected override closedForm(): number[] {
    const { TMax, etaMin, lastEpoch } = this;
    const share = (1 + Math.cos((Math.PI * lastEpoch) / TMax)) / 2;
    return this.baseLrs.map((lr) => etaMin + (lr - etaMin) * share);
  }
}

export interface CosineAnnealingWarmRestartsOptions extends SchedulerOptions {
  /** How many times longer each period is than the one before. Default 1. */
  readonly TMult?: number;
  /** The smallest rate. Default 0. */
  readonly etaMin?: number;
}

/**
 * Lets the rate fall along half a cosine and then begin anew: the first time after `T0` epochs, then after `TMult`
 * times as many.
 *
 * @throws {ArgumentError} `T0` or `TMult` is no positive integer.
 * @see Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts (2016)
 * @example new CosineAnnealingWarmRestarts(optimizer, 10, { TMult: 2 })
 */
export class CosineAnnealingWarmRestarts extends LRScheduler {
  protected T0: number;
  protected TMult: number;
  protected etaMin: number;
  /** The length of the period that runs. */
  protected TI: number;
  /** How far it has run. */
  protected TCur: number;

  constructor(optimizer: ScheduledOptimizer, T0: number, options: CosineAnnealingWarmRestartsOptions = {}) {
    const op = 'CosineAnnealingWarmRestarts';
    const { TMult = 1, etaMin = 0, lastEpoch = -1 } = options;
    checkOptions(op, options, ['TMult', 'etaMin', 'lastEpoch']);
    checkPositiveInteger(op, { T0, TMult });
    checkNumbers(op, { etaMin });
    super(op, optimizer, options);
    this.T0 = T0;
    this.TMult = TMult;
    this.etaMin = etaMin;
    this.TI = T0;
    this.TCur = lastEpoch;
    this.start();
  }

  protected override getLr(): number[] {
    const share = (1 + Math.cos((Math.PI * this.TCur) / this.TI)) / 2;
    return this.baseLrs.map((lr) => this.etaMin + (lr - this.etaMin) * share);
  }

  /**
   * Goes on by one epoch, or to a given one, which may lie between two: `epoch + batch / batchCount`.
   * @throws {ArgumentError} `epoch` is negative.
   */
  override step(epoch?: number): void {
    this.stepCount += 1;
    if (epoch === undefined && this.lastEpoch >= 0) this.advance();
    else this.moveTo(epoch ?? 0);
    this.apply(this.getLr());
  }

  override restart(): void {
    this.step(0);
  }

  private advance(): void {
    this.lastEpoch += 1;
    this.TCur += 1;
    if (this.TCur >= this.TI) {
      this.TCur %= this.TI;
      this.TI *= this.TMult;
    }
  }

  private moveTo(epoch: number): void {
    const { T0, TMult } = this;
    if (!(epoch >= 0)) {
      throw new ArgumentError(`${this.name}: epoch must be a number of 0 or more, got ${describe(epoch)}`, {
        op: this.name,
      });
    }
    if (TMult === 1) {
      this.TCur = epoch % T0;
    } else {
      const period = Math.floor(Math.log((epoch / T0) * (TMult - 1) + 1) / Math.log(TMult));
      this.TCur = epoch - (T0 * (TMult ** period - 1)) / (TMult - 1);
      this.TI = T0 * TMult ** period;
    }
    this.lastEpoch = Math.floor(epoch);
  }
}
