import { ArgumentError, checkOptions, describe } from '@flambeau/core';
import { checkNumbers, checkPositiveInteger, checkRange } from '../checks.ts';
import { LRScheduler, perGroup, type ScheduledOptimizer, type SchedulerOptions } from './scheduler.ts';

export interface GammaOptions extends SchedulerOptions {
  /** Factor of each decay. Default 0.1. */
  readonly gamma?: number;
}

/**
 * Multiplies the rate by `gamma` every `stepSize` epochs.
 *
 * @throws {ArgumentError} `stepSize` is no positive integer.
 * @example new StepLR(optimizer, 30, { gamma: 0.1 })
 */
export class StepLR extends LRScheduler {
  protected stepSize: number;
  protected gamma: number;

  constructor(optimizer: ScheduledOptimizer, stepSize: number, options: GammaOptions = {}) {
    checkOptions('StepLR', options, ['gamma', 'lastEpoch']);
    const { gamma = 0.1 } = options;
    checkPositiveInteger('StepLR', { stepSize });
    checkNumbers('StepLR', { gamma });
    super('StepLR', optimizer, options);
    this.stepSize = stepSize;
    this.gamma = gamma;
    this.start();
  }

  protected override getLr(): number[] {
    const decays = this.lastEpoch > 0 && this.lastEpoch % this.stepSize === 0;
    return this.current.map((lr) => (decays ? lr * this.gamma : lr));
  }

  protected override closedForm(): number[] {
    return this.baseLrs.map((lr) => lr * this.gamma ** Math.floor(this.lastEpoch / this.stepSize));
  }
}

/**
 * Multiplies the rate by `gamma` at each of the `milestones`.
 *
 * @throws {ArgumentError} a milestone is no number.
 * @example new MultiStepLR(optimizer, [30, 80], { gamma: 0.1 })
 */
export class MultiStepLR extends LRScheduler {
  /** How often each epoch stands among the milestones. */
  protected milestones: Record<string, number>;
  protected gamma: number;

  constructor(optimizer: ScheduledOptimizer, milestones: readonly number[], options: GammaOptions = {}) {
    checkOptions('MultiStepLR', options, ['gamma', 'lastEpoch']);
    const { gamma = 0.1 } = options;
    checkNumbers('MultiStepLR', { gamma });
    if (!Array.isArray(milestones)) {
      throw new ArgumentError(
        `MultiStepLR: milestones must be a list of epochs, got ${describe(milestones)}`,
        {
          op: 'MultiStepLR',
        },
      );
    }
    for (const milestone of milestones) checkNumbers('MultiStepLR', { milestone });
    super('MultiStepLR', optimizer, options);
    this.milestones = {};
    for (const epoch of milestones) this.milestones[epoch] = (this.milestones[epoch] ?? 0) + 1;
    this.gamma = gamma;
    this.start();
  }

  protected override getLr(): number[] {
    const count = this.milestones[this.lastEpoch] ?? 0;
    return this.current.map((lr) => (count === 0 ? lr : lr * this.gamma ** count));
  }

  protected override closedForm(): number[] {
    let passed = 0;
    for (const [milestone, count] of Object.entries(this.milestones)) {
      if (Number(milestone) <= this.lastEpoch) passed += count;
    }
    return this.baseLrs.map((lr) => lr * this.gamma ** passed);
  }
}

/**
 * Multiplies the rate by `gamma` every epoch.
 *
 * @example new ExponentialLR(optimizer, 0.95)
 */
export class ExponentialLR extends LRScheduler {
  protected gamma: number;

  constructor(optimizer: ScheduledOptimizer, gamma: number, options: SchedulerOptions = {}) {
    checkOptions('ExponentialLR', options, ['lastEpoch']);
    checkNumbers('ExponentialLR', { gamma });
    super('ExponentialLR', optimizer, options);
    this.gamma = gamma;
    this.start();
  }

  protected override getLr(): number[] {
    return this.current.map((lr) => (this.initial ? lr : lr * this.gamma));
  }

  protected override closedForm(): number[] {
    return this.baseLrs.map((lr) => lr * this.gamma ** this.lastEpoch);
  }
}

export interface ConstantLROptions extends SchedulerOptions {
  /** Factor of the rate until `totalIters`. Default 1/3. */
  readonly factor?: number;
  /** How many epochs the factor stays. Default 5. */
  readonly totalIters?: number;
}

/**
 * Holds the rate at `factor` times its value for `totalIters` epochs.
 *
 * @throws {ArgumentError} `factor` lies outside `0..1`.
 * @example new ConstantLR(optimizer, { factor: 0.5, totalIters: 4 })
 */
export class ConstantLR extends LRScheduler {
  protected factor: number;
  protected totalIters: number;

  constructor(optimizer: ScheduledOptimizer, options: ConstantLROptions = {}) {
    checkOptions('ConstantLR', options, ['factor', 'totalIters', 'lastEpoch']);
    const { factor = 1 / 3, totalIters = 5 } = options;
    checkRange('ConstantLR', 'factor', factor, 0, 1);
    checkNumbers('ConstantLR', { totalIters });
    super('ConstantLR', optimizer, options);
    this.factor = factor;
    this.totalIters = totalIters;
    this.start();
  }

  protected override getLr(): number[] {
    if (this.lastEpoch === 0) return this.current.map((lr) => lr * this.factor);
    return this.current.map((lr) => (this.lastEpoch === this.totalIters ? lr * (1 / this.factor) : lr));
  }

  protected override closedForm(): number[] {
    return this.baseLrs.map((lr) => lr * (this.lastEpoch >= this.totalIters ? 1 : this.factor));
  }
}

export interface LinearLROptions extends SchedulerOptions {
  /** Factor of the rate at the beginning. Default 1/3. */
  readonly startFactor?: number;
  /** Factor of the rate from `totalIters` on. Default 1. */
  readonly endFactor?: number;
  /** Default 5. */
  readonly totalIters?: number;
}

/**
 * Changes the rate evenly from `startFactor` to `endFactor` times its value within `totalIters` epochs.
 *
 * @throws {ArgumentError} a factor lies outside `0..1`, or `startFactor` is 0.
 * @example new LinearLR(optimizer, { startFactor: 0.1, totalIters: 10 })
 */
export class LinearLR extends LRScheduler {
  protected startFactor: number;
  protected endFactor: number;
  protected totalIters: number;

  constructor(optimizer: ScheduledOptimizer, options: LinearLROptions = {}) {
    checkOptions('LinearLR', options, ['startFactor', 'endFactor', 'totalIters', 'lastEpoch']);
    const { startFactor = 1 / 3, endFactor = 1, totalIters = 5 } = options;
    checkRange('LinearLR', 'startFactor', startFactor, 0, 1);
    if (startFactor === 0) {
      throw new ArgumentError('LinearLR: startFactor must be above 0, as the rate grows from it by factors', {
        op: 'LinearLR',
      });
    }
    checkRange('LinearLR', 'endFactor', endFactor, 0, 1);
    checkNumbers('LinearLR', { totalIters });
    super('LinearLR', optimizer, options);
    this.startFactor = startFactor;
    this.endFactor = endFactor;
    this.totalIters = totalIters;
    this.start();
  }

  protected override getLr(): number[] {
    const { startFactor, totalIters, lastEpoch } = this;
    if (lastEpoch === 0) return this.current.map((lr) => lr * startFactor);
    if (this.initial || lastEpoch > totalIters) return this.current;
    const range = this.endFactor - startFactor;
    const growth = 1 + range / (totalIters * startFactor + (lastEpoch - 1) * range);
    return this.current.map((lr) => lr * growth);
  }

  protected override closedForm(): number[] {
    const range = this.endFactor - this.startFactor;
    const share = Math.min(this.totalIters, this.lastEpoch) / this.totalIters;
    return this.baseLrs.map((lr) => lr * (this.startFactor + range * share));
  }
}

export interface PolynomialLROptions extends SchedulerOptions {
  /** When the rate reaches 0. Default 5. */
  readonly totalIters?: number;
  /** Default 1. */
  readonly power?: number;
}

/**
 * Lets the rate fall to 0 within `totalIters` epochs: `lr * (1 - epoch / totalIters) ** power`.
 *
 * @example new PolynomialLR(optimizer, { totalIters: 100, power: 0.9 })
 */
export class PolynomialLR extends LRScheduler {
  protected totalIters: number;
  protected power: number;

  constructor(optimizer: ScheduledOptimizer, options: PolynomialLROptions = {}) {
    checkOptions('PolynomialLR', options, ['totalIters', 'power', 'lastEpoch']);
    const { totalIters = 5, power = 1 } = options;
    checkNumbers('PolynomialLR', { totalIters, power });
    super('PolynomialLR', optimizer, options);
    this.totalIters = totalIters;
    this.power = power;
    this.start();
  }

  protected override getLr(): number[] {
    const { lastEpoch, totalIters, power } = this;
    if (this.initial || lastEpoch > totalIters) return this.current;
    const decay = ((1 - lastEpoch / totalIters) / (1 - (lastEpoch - 1) / totalIters)) ** power;
    return this.current.map((lr) => lr * decay);
  }

  protected override closedForm(): number[] {
    const share = Math.min(this.totalIters, this.lastEpoch) / this.totalIters;
    return this.baseLrs.map((lr) => lr * (1 - share) ** this.power);
  }
}

/** A factor for each epoch. */
export type LRLambda = (epoch: number) => number;

function checkLambdas(op: string, lambdas: readonly unknown[]): void {
  const wrong = lambdas.find((lambda) => typeof lambda !== 'function');
  if (wrong === undefined) return;
  throw new ArgumentError(`${op}: lrLambda must be a function of the epoch, got ${describe(wrong)}`, { op });
}

/**
 * The first rate times a function of the epoch.
 *
 * @throws {ArgumentError} `lrLambda` is no function, or the list of them does not fit the groups.
 * @example new LambdaLR(optimizer, (epoch) => 0.95 ** epoch)
 */
export class LambdaLR extends LRScheduler {
  private readonly lrLambdas: readonly LRLambda[];

  constructor(
    optimizer: ScheduledOptimizer,
    lrLambda: LRLambda | readonly LRLambda[],
    options: SchedulerOptions = {},
  ) {
    checkOptions('LambdaLR', options, ['lastEpoch']);
    const lrLambdas = perGroup('LambdaLR', 'lrLambda', optimizer, lrLambda);
    checkLambdas('LambdaLR', lrLambdas);
    super('LambdaLR', optimizer, options);
    this.lrLambdas = lrLambdas;
    this.start();
  }

  protected override isLive(name: string): boolean {
    return name === 'lrLambdas';
  }

  protected override getLr(): number[] {
    return this.baseLrs.map((lr, i) => lr * this.lrLambdas[i]!(this.lastEpoch));
  }
}

/**
 * Multiplies the rate every epoch by a function of the epoch.
 *
 * @throws {ArgumentError} `lrLambda` is no function, or the list of them does not fit the groups.
 * @example new MultiplicativeLR(optimizer, () => 0.95)
 */
export class MultiplicativeLR extends LRScheduler {
  private readonly lrLambdas: readonly LRLambda[];

  constructor(
    optimizer: ScheduledOptimizer,
    lrLambda: LRLambda | readonly LRLambda[],
    options: SchedulerOptions = {},
  ) {
    checkOptions('MultiplicativeLR', options, ['lastEpoch']);
    const lrLambdas = perGroup('MultiplicativeLR', 'lrLambda', optimizer, lrLambda);
    checkLambdas('MultiplicativeLR', lrLambdas);
    super('MultiplicativeLR', optimizer, options);
    this.lrLambdas = lrLambdas;
    this.start();
  }

  protected override isLive(name: string): boolean {
    return name === 'lrLambdas';
  }

  protected override getLr(): number[] {
    return this.current.map((lr, i) => (this.initial ? lr : lr * this.lrLambdas[i]!(this.lastEpoch)));
  }
}
