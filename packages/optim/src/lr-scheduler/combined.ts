import { ArgumentError, CheckpointError, checkOptions, describe } from '@flambeau/core';
import {
  LRScheduler,
  type ScheduledOptimizer,
  type SchedulerOptions,
  type SchedulerStateDict,
} from './scheduler.ts';

/** Refuses what cannot be combined: no schedulers, or those of several optimisers. */
function checkSchedulers(op: string, optimizer: ScheduledOptimizer | undefined, schedulers: unknown): void {
  if (!Array.isArray(schedulers) || schedulers.length === 0) {
    throw new ArgumentError(`${op}: at least one scheduler is needed, got ${describe(schedulers)}`, { op });
  }
  schedulers.forEach((scheduler: unknown, i) => {
    const owner =
      typeof scheduler === 'object' && scheduler !== null && 'optimizer' in scheduler
        ? scheduler.optimizer
        : undefined;
    if (owner === undefined || !('getLastLr' in (scheduler as object)) || 'best' in (scheduler as object)) {
      throw new ArgumentError(
        `${op}: scheduler ${i} must be one that steps without a metric, got ${describe(scheduler)}`,
        { op },
      );
    }
    if (owner !== optimizer) {
      throw new ArgumentError(`${op}: scheduler ${i} belongs to another optimiser; all must have the same`, {
        op,
      });
    }
  });
}

/** A scheduler made of others: it sets no learning rate itself, and saves what they save. */
abstract class CombinedScheduler extends LRScheduler {
  protected readonly schedulers: readonly LRScheduler[];

  constructor(name: string, optimizer: ScheduledOptimizer, schedulers: readonly LRScheduler[]) {
    super(name, optimizer);
    this.schedulers = schedulers;
  }

  protected override isLive(name: string): boolean {
    return name === 'schedulers';
  }

  protected override getLr(): number[] {
    return this.current;
  }

  override rewind(): void {
    for (const scheduler of this.schedulers) scheduler.rewind();
  }

  override stateDict(): SchedulerStateDict {
    return { ...super.stateDict(), _schedulers: this.schedulers.map((scheduler) => scheduler.stateDict()) };
  }

  override checkState(state: SchedulerStateDict): void {
    super.checkState(state);
    this.savedStates(state);
  }

  override loadStateDict(state: SchedulerStateDict): void {
    super.loadStateDict(state);
    this.savedStates(state).forEach((saved, i) => {
      this.schedulers[i]!.loadStateDict(saved);
    });
  }

  /** The saved states of the schedulers. @throws {CheckpointError} one is missing or does not fit. */
  private savedStates({ _schedulers: saved }: SchedulerStateDict): SchedulerStateDict[] {
    const { name, schedulers } = this;
    if (!Array.isArray(saved) || saved.length !== schedulers.length) {
      throw new CheckpointError(
        `${name}.loadStateDict: the saved state must have ${schedulers.length} schedulers`,
        { op: name },
      );
    }
    schedulers.forEach((scheduler, i) => {
      scheduler.checkState(saved[i]);
    });
    return saved;
  }
}

/**
 * One scheduler after the other: the next one takes over, from its beginning, at each of the `milestones`.
 *
 * @throws {ArgumentError} the milestones are not one fewer than the schedulers, or these belong to several optimisers.
 * @example new SequentialLR(optimizer, [new LinearLR(optimizer), new ExponentialLR(optimizer, 0.9)], [5])
 */
export class SequentialLR extends CombinedScheduler {
  protected milestones: number[];

  constructor(
    optimizer: ScheduledOptimizer,
    schedulers: readonly LRScheduler[],
    milestones: readonly number[],
    options: SchedulerOptions = {},
  ) {
    checkSchedulers('SequentialLR', optimizer, schedulers);
    checkOptions('SequentialLR', options, ['lastEpoch']);
    if (!Array.isArray(milestones) || milestones.length !== schedulers.length - 1) {
      throw new ArgumentError(
        `SequentialLR: ${schedulers.length} schedulers need ${schedulers.length - 1} milestones, got ${describe(milestones)}`,
        { op: 'SequentialLR' },
      );
    }
    super('SequentialLR', optimizer, schedulers);
    this.milestones = milestones.slice();
    this.lastEpoch = (options.lastEpoch ?? -1) + 1;
    // Each scheduler set its own beginning when it was made; only the first one's counts.
    this.apply(this.baseLrs);
    this.rewind();
    schedulers[this.index(0)]!.start();
    this.lastLr = this.current;
  }

  private index(epoch: number): number {
    return this.milestones.filter((milestone) => milestone <= epoch).length;
  }

  override start(): void {
    this.lastEpoch = 0;
    this.schedulers[0]!.start();
    this.lastLr = this.current;
  }

  override restart(): void {
    this.lastEpoch = 0;
    this.schedulers[0]!.restart();
    this.lastLr = this.current;
  }

  override step(): void {
    this.lastEpoch += 1;
    const at = this.index(this.lastEpoch);
    const scheduler = this.schedulers[at]!;
    if (at > 0 && this.milestones[at - 1] === this.lastEpoch) scheduler.restart();
    else scheduler.step();
    this.lastLr = this.current;
  }
}

export interface ChainedSchedulerOptions {
  /** Default: the optimiser of the first scheduler. */
  readonly optimizer?: ScheduledOptimizer;
}

/**
 * Several schedulers at once: each goes on from what those before it have set.
 *
 * @throws {ArgumentError} the schedulers belong to several optimisers.
 * @example new ChainedScheduler([new ConstantLR(optimizer), new ExponentialLR(optimizer, 0.9)])
 */
export class ChainedScheduler extends CombinedScheduler {
  constructor(schedulers: readonly LRScheduler[], options: ChainedSchedulerOptions = {}) {
    checkOptions('ChainedScheduler', options, ['optimizer']);
    const optimizer = options.optimizer ?? schedulers[0]?.optimizer;
    checkSchedulers('ChainedScheduler', optimizer, schedulers);
    super('ChainedScheduler', optimizer!, schedulers);
    this.lastEpoch = 0;
    this.lastLr = this.current;
  }

  override start(): void {
    this.lastEpoch = 0;
    for (const scheduler of this.schedulers) scheduler.start();
    this.lastLr = this.current;
  }

  override restart(): void {
    this.apply(this.baseLrs);
    for (const scheduler of this.schedulers) {
      scheduler.lastEpoch = 0;
      scheduler.rewind();
    }
    this.start();
  }

  override step(): void {
    this.lastEpoch += 1;
    for (const scheduler of this.schedulers) scheduler.step();
    this.lastLr = this.current;
  }
}
