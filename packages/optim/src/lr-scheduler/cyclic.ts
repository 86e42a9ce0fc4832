import { ArgumentError, checkOptions, describe } from '@flambeau/core';
import { checkBooleans, checkChoice, checkNumbers, checkPositiveInteger, checkRange } from '../checks.ts';
import {
  LRScheduler,
  perGroup,
  type ScheduledGroup,
  type ScheduledOptimizer,
  type SchedulerOptions,
} from './scheduler.ts';

/** Refuses to cycle a momentum that the optimiser has not. */
function checkMomentum(op: string, { defaults }: ScheduledOptimizer): void {
  if ('momentum' in defaults || 'betas' in defaults) return;
  throw new ArgumentError(
    `${op}: the optimiser has neither momentum nor betas; pass { cycleMomentum: false }`,
    {
      op,
    },
  );
}

function setMomentum(group: ScheduledGroup, momentum: number): void {
  if (group.betas === undefined) group.momentum = momentum;
  else group.betas = [momentum, group.betas[1]];
}

/** Notes the bounds of each group's momentum and starts from the largest. */
function noteMomenta(
  op: string,
  optimizer: ScheduledOptimizer,
  lowest: number | readonly number[],
  highest: number | readonly number[],
): { base: number[]; max: number[] } {
  const base = perGroup(op, 'baseMomentum', optimizer, lowest);
  const max = perGroup(op, 'maxMomentum', optimizer, highest);
  optimizer.paramGroups.forEach((group, i) => {
    setMomentum(group, max[i]!);
    group.maxMomentum = max[i]!;
    group.baseMomentum = base[i]!;
  });
  return { base, max };
}

export interface CyclicLROptions extends SchedulerOptions {
  /** Steps from the lower to the upper rate. Default 2000. */
  readonly stepSizeUp?: number;
  /** Steps back. Default `stepSizeUp`. */
  readonly stepSizeDown?: number;
  /** `triangular`; `triangular2` halves the height each cycle; `exp_range` scales it by `gamma ** step`. */
  readonly mode?: 'triangular' | 'triangular2' | 'exp_range';
  /** Default 1. */
  readonly gamma?: number;
  /** Scales the height instead of `mode`: of the cycle, counted from 1, or of the step. */
  readonly scaleFn?: (x: number) => number;
  /** What `scaleFn` is given. Default `cycle`. */
  readonly scaleMode?: 'cycle' | 'iterations';
  /** Lets the momentum fall while the rate rises. Default true. */
  readonly cycleMomentum?: boolean;
  /** The lowest momentum. Default 0.8. */
  readonly baseMomentum?: number | readonly number[];
  /** The highest momentum. Default 0.9. */
  readonly maxMomentum?: number | readonly number[];
}

const CYCLIC_OPTIONS = [
  'stepSizeUp',
  'stepSizeDown',
  'mode',
  'gamma',
  'scaleFn',
  'scaleMode',
  'cycleMomentum',
  'baseMomentum',
  'maxMomentum',
  'lastEpoch',
];

/**
 * Moves the rate to and fro between `baseLr` and `maxLr`. Step after every batch.
 *
 * @throws {ArgumentError} an option is out of range, or the optimiser has no momentum to cycle.
 * @see Smith, Cyclical Learning Rates for Training Neural Networks (2015)
 * @example new CyclicLR(optimizer, 0.001, 0.1, { stepSizeUp: 500 })
 */
export class CyclicLR extends LRScheduler {
  protected maxLrs: number[];
  protected totalSize: number;
  protected stepRatio: number;
  protected mode: 'triangular' | 'triangular2' | 'exp_range';
  protected gamma: number;
  protected scaleMode: 'cycle' | 'iterations';
  protected cycleMomentum: boolean;
  protected baseMomentums: number[] = [];
  protected maxMomentums: number[] = [];
  private readonly scaleFn: ((x: number) => number) | undefined;

  constructor(
    optimizer: ScheduledOptimizer,
    baseLr: number | readonly number[],
    maxLr: number | readonly number[],
    options: CyclicLROptions = {},
  ) {
    const op = 'CyclicLR';
    checkOptions(op, options, CYCLIC_OPTIONS);
    const { stepSizeUp = 2000, stepSizeDown = stepSizeUp, mode = 'triangular', gamma = 1 } = options;
    const { cycleMomentum = true, lastEpoch = -1 } = options;
    checkNumbers(op, { stepSizeUp, stepSizeDown, gamma });
    checkChoice(op, 'mode', mode, ['triangular', 'triangular2', 'exp_range']);
    checkBooleans(op, { cycleMomentum });
    const baseLrs = perGroup(op, 'baseLr', optimizer, baseLr);
    const maxLrs = perGroup(op, 'maxLr', optimizer, maxLr);
    for (const rate of [...baseLrs, ...maxLrs]) checkNumbers(op, { rate });
    if (cycleMomentum) checkMomentum(op, optimizer);
    if (lastEpoch === -1) {
      optimizer.paramGroups.forEach((group, i) => {
        group.lr = baseLrs[i]!;
      });
    }
    super(op, optimizer, options);
    this.maxLrs = maxLrs;
    this.totalSize = stepSizeUp + stepSizeDown;
    this.stepRatio = stepSizeUp / this.totalSize;
    this.mode = mode;
    this.gamma = gamma;
    this.scaleFn = options.scaleFn;
    this.scaleMode =
      options.scaleFn === undefined && mode === 'exp_range' ? 'iterations' : (options.scaleMode ?? 'cycle');
    this.cycleMomentum = cycleMomentum;
    if (cycleMomentum) {
      const { baseMomentum = 0.8, maxMomentum = 0.9 } = options;
      const { base, max } = noteMomenta(op, optimizer, baseMomentum, maxMomentum);
      this.baseMomentums = base;
      this.maxMomentums = max;
    }
    this.baseLrs = baseLrs;
    this.start();
  }

  protected override isLive(name: string): boolean {
    return name === 'scaleFn';
  }

  private scale(x: number): number {
    if (this.scaleFn !== undefined) return this.scaleFn(x);
    switch (this.mode) {
      case 'triangular':
        return 1;
      case 'triangular2':
        return 1 / 2 ** (x - 1);
      case 'exp_range':
        return this.gamma ** x;
    }
  }

  protected override getLr(): number[] {
    const { lastEpoch, totalSize, stepRatio } = this;
    const cycle = Math.floor(1 + lastEpoch / totalSize);
    const x = 1 + lastEpoch / totalSize - cycle;
    const height = x <= stepRatio ? x / stepRatio : (x - 1) / (stepRatio - 1);
    const scaled = height * this.scale(this.scaleMode === 'cycle' ? cycle : lastEpoch);
    if (this.cycleMomentum) {
      this.optimizer.paramGroups.forEach((group, i) => {
        const highest = this.maxMomentums[i]!;
        setMomentum(group, highest - (highest - this.baseMomentums[i]!) * scaled);
      });
    }
    return this.baseLrs.map((lr, i) => lr + (this.maxLrs[i]! - lr) * scaled);
  }
}

export interface OneCycleLROptions extends SchedulerOptions {
  /** Steps of the whole cycle; or give `epochs` and `stepsPerEpoch`. */
  readonly totalSteps?: number;
  readonly epochs?: number;
  readonly stepsPerEpoch?: number;
  /** Which part of the cycle the rate rises. Default 0.3. */
  readonly pctStart?: number;
  /** Along half a cosine, or a line. Default `cos`. */
  readonly annealStrategy?: 'cos' | 'linear';
  /** Lets the momentum fall while the rate rises. Default true. */
  readonly cycleMomentum?: boolean;
  /** The lowest momentum. Default 0.85. */
  readonly baseMomentum?: number | readonly number[];
  /** The highest momentum. Default 0.95. */
  readonly maxMomentum?: number | readonly number[];
  /** The first rate is `maxLr / divFactor`. Default 25. */
  readonly divFactor?: number;
  /** The last rate is the first one divided by this. Default 10000. */
  readonly finalDivFactor?: number;
  /** Falls as slowly as it rose, before it falls to the last rate. Default false. */
  readonly threePhase?: boolean;
}

const ONE_CYCLE_OPTIONS = [
  'totalSteps',
  'epochs',
  'stepsPerEpoch',
  'pctStart',
  'annealStrategy',
  'cycleMomentum',
  'baseMomentum',
  'maxMomentum',
  'divFactor',
  'finalDivFactor',
  'threePhase',
  'lastEpoch',
];

type Rate = 'initialLr' | 'maxLr' | 'minLr';
type Momentum = 'baseMomentum' | 'maxMomentum';

/** A stretch of the cycle: where it ends, and between which noted values it leads. */
interface Phase {
  readonly endStep: number;
  readonly lr: readonly [from: Rate, to: Rate];
  readonly momentum: readonly [from: Momentum, to: Momentum];
}

function phasesOf(totalSteps: number, pctStart: number, threePhase: boolean): Phase[] {
  const peak = pctStart * totalSteps - 1;
  const rise: Phase = {
    endStep: peak,
    lr: ['initialLr', 'maxLr'],
    momentum: ['maxMomentum', 'baseMomentum'],
  };
  const endStep = totalSteps - 1;
  if (!threePhase)
    return [rise, { endStep, lr: ['maxLr', 'minLr'], momentum: ['baseMomentum', 'maxMomentum'] }];
  return [
    rise,
    { endStep: 2 * peak, lr: ['maxLr', 'initialLr'], momentum: ['baseMomentum', 'maxMomentum'] },
    { endStep, lr: ['initialLr', 'minLr'], momentum: ['maxMomentum', 'maxMomentum'] },
  ];
}

function stepsOf(op: string, { totalSteps, epochs, stepsPerEpoch }: OneCycleLROptions): number {
  if (totalSteps !== undefined) {
    checkPositiveInteger(op, { totalSteps });
    return totalSteps;
  }
  if (epochs === undefined || stepsPerEpoch === undefined) {
    throw new ArgumentError(`${op}: give totalSteps, or epochs and stepsPerEpoch`, { op });
  }
  checkPositiveInteger(op, { epochs, stepsPerEpoch });
  return epochs * stepsPerEpoch;
}

/**
 * One cycle: the rate rises from `maxLr / divFactor` to `maxLr` and falls to next to nothing, the momentum the other
 * way. Step after every batch.
 *
 * @throws {ArgumentError} an option is out of range, the optimiser has no momentum to cycle, or more steps are taken
 * than the cycle has.
 * @see Smith and Topin, Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates (2017)
 * @example new OneCycleLR(optimizer, 0.1, { epochs: 10, stepsPerEpoch: loader.length })
 */
export class OneCycleLR extends LRScheduler {
  protected totalSteps: number;
  protected annealStrategy: 'cos' | 'linear';
  protected cycleMomentum: boolean;
  protected schedulePhases: Phase[];

  constructor(
    optimizer: ScheduledOptimizer,
    maxLr: number | readonly number[],
    options: OneCycleLROptions = {},
  ) {
    const op = 'OneCycleLR';
    checkOptions(op, options, ONE_CYCLE_OPTIONS);
    const { pctStart = 0.3, annealStrategy = 'cos', cycleMomentum = true, threePhase = false } = options;
    const { divFactor = 25, finalDivFactor = 1e4, lastEpoch = -1 } = options;
    checkRange(op, 'pctStart', pctStart, 0, 1);
    checkChoice(op, 'annealStrategy', annealStrategy, ['cos', 'linear']);
    checkBooleans(op, { cycleMomentum, threePhase });
    checkNumbers(op, { divFactor, finalDivFactor });
    const totalSteps = stepsOf(op, options);
    const maxLrs = perGroup(op, 'maxLr', optimizer, maxLr);
    for (const rate of maxLrs) checkNumbers(op, { maxLr: rate });
    if (cycleMomentum) checkMomentum(op, optimizer);
    if (lastEpoch === -1) {
      optimizer.paramGroups.forEach((group, i) => {
        group.initialLr = maxLrs[i]! / divFactor;
        group.maxLr = maxLrs[i]!;
        group.minLr = group.initialLr / finalDivFactor;
      });
      if (cycleMomentum) {
        const { baseMomentum = 0.85, maxMomentum = 0.95 } = options;
        noteMomenta(op, optimizer, baseMomentum, maxMomentum);
      }
    }
    super(op, optimizer, options);
    this.totalSteps = totalSteps;
    this.annealStrategy = annealStrategy;
    this.cycleMomentum = cycleMomentum;
    this.schedulePhases = phasesOf(totalSteps, pctStart, threePhase);
    this.start();
  }

  private anneal(from: number, to: number, share: number): number {
    if (this.annealStrategy === 'linear') return (to - from) * share + from;
    return to + ((from - to) / 2) * (Math.cos(Math.PI * share) + 1);
  }

  protected override getLr(): number[] {
    const { lastEpoch, schedulePhases } = this;
    if (lastEpoch > this.totalSteps) {
      throw new ArgumentError(
        `OneCycleLR: step ${lastEpoch} lies beyond the cycle of ${this.totalSteps} steps`,
        {
          op: 'OneCycleLR',
        },
      );
    }
    const found = schedulePhases.findIndex(({ endStep }) => lastEpoch <= endStep);
    const at = found < 0 ? schedulePhases.length - 1 : found;
    const { endStep, lr, momentum } = schedulePhases[at]!;
    const startStep = schedulePhases[at - 1]?.endStep ?? 0;
    const share = (lastEpoch - startStep) / (endStep - startStep);
    return this.optimizer.paramGroups.map((group) => {
      const noted = (name: Rate | Momentum): number => {
        const value = group[name];
        if (value !== undefined) return value;
        throw new ArgumentError(`OneCycleLR: a group has no ${name}, got ${describe(value)}`, {
          op: 'OneCycleLR',
        });
      };
      if (this.cycleMomentum) setMomentum(group, this.anneal(noted(momentum[0]), noted(momentum[1]), share));
      return this.anneal(noted(lr[0]), noted(lr[1]), share);
    });
  }
}
