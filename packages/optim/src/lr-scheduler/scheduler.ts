import { ArgumentError, CheckpointError, describe } from '@flambeau/core';
import { toTorchKey } from '../keys.ts';
import type { ScheduleMarks } from '../optimizer.ts';

/** What schedulers change in a group. */
export interface ScheduledGroup extends ScheduleMarks {
  lr: number;
  momentum?: number;
  betas?: readonly [number, number];
}

/** What schedulers need of an optimiser. */
export interface ScheduledOptimizer {
  readonly paramGroups: readonly ScheduledGroup[];
  readonly defaults: object;
}

export interface SchedulerOptions {
  /** The epoch that a resumed run had reached; -1 begins anew. Default -1. */
  readonly lastEpoch?: number;
}

/** Plain data: a scheduler's numbers under PyTorch's keys. */
export type SchedulerStateDict = Record<string, unknown>;

const PRIVATE_KEYS: Readonly<Record<string, string>> = { lastLr: '_last_lr', stepCount: '_step_count' };
const keyOf = (name: string): string => PRIVATE_KEYS[name] ?? toTorchKey(name);

/**
 * The base of the schedulers. A rule of your own computes the rates in `getLr`, from `lastEpoch`, `baseLrs` and what
 * the groups have now, and calls `start()` at the end of its constructor.
 *
 * @example
 * class Halving extends LRScheduler {
 *   constructor(optimizer) { super('Halving', optimizer); this.start(); }
 *   getLr() { return this.baseLrs.map((lr) => lr * 0.5 ** this.lastEpoch); }
 * }
 */
export abstract class LRScheduler {
  /** What error texts call it. */
  readonly name: string;
  readonly optimizer: ScheduledOptimizer;
  /** The number of steps taken, counted from 0. */
  lastEpoch: number;
  /** The rates of the groups before any schedule. */
  protected baseLrs: number[];
  /** How often `step` was called, the first time by the constructor. */
  protected stepCount = 0;
  protected lastLr: number[] = [];
  /** Whether the constructor takes its first step. */
  protected initial = false;

  /** @throws {ArgumentError} no optimiser is given, or one without a noted rate to resume from. */
  constructor(name: string, optimizer: ScheduledOptimizer, { lastEpoch = -1 }: SchedulerOptions = {}) {
    this.name = name;
    this.optimizer = asOptimizer(name, optimizer);
    optimizer.paramGroups.forEach((group, i) => {
      if (lastEpoch === -1) group.initialLr ??= group.lr;
      else if (group.initialLr === undefined) {
        throw new ArgumentError(
          `${name}: lastEpoch ${lastEpoch} resumes a schedule, but group ${i} has no initialLr; load the optimiser's state first`,
          { op: name },
        );
      }
    });
    this.baseLrs = optimizer.paramGroups.map((group) => group.initialLr!);
    this.lastEpoch = lastEpoch;
  }

  /** The rate of each group at `lastEpoch`. */
  protected abstract getLr(): number[];

  /** The rates at `lastEpoch` by the closed formula, where the schedule has one. */
  protected closedForm(): number[] {
    return this.getLr();
  }

  /** The rates that the groups have now. */
  protected get current(): number[] {
    return this.optimizer.paramGroups.map(({ lr }) => lr);
  }

  /** Sets the rates of the schedule's beginning. */
  start(): void {
    this.stepCount = 0;
    this.initial = true;
    try {
      this.step();
    } finally {
      this.initial = false;
    }
  }

  /** Goes on by one epoch, or by one batch where the schedule counts those: after `optimizer.step()`. */
  step(): void {
    this.stepCount += 1;
    this.lastEpoch += 1;
    this.apply(this.getLr());
  }

  /** Begins at epoch 0 from the closed formula, after another schedule. */
  restart(): void {
    this.lastEpoch = 0;
    this.apply(this.closedForm());
  }

  /** Takes back the step that the constructor took, for a scheduler that another one runs. */
  rewind(): void {
    this.lastEpoch -= 1;
  }

  protected apply(rates: readonly number[]): void {
    this.optimizer.paramGroups.forEach((group, i) => {
      group.lr = rates[i]!;
    });
    this.lastLr = this.current;
  }

  /** The rates that the last step set. */
  getLastLr(): number[] {
    return this.lastLr.slice();
  }

  /** Whether a field is part of the state. */
  private saved(name: string): boolean {
    const value = (this as Record<string, unknown>)[name];
    return (
      !['name', 'optimizer', 'initial'].includes(name) && typeof value !== 'function' && !this.isLive(name)
    );
  }

  /** Fields that hold functions or other schedulers, which are no data. */
  protected isLive(_name: string): boolean {
    return false;
  }

  /** What is needed to go on exactly from here: plain data under PyTorch's keys. Functions are not part of it. */
  stateDict(): SchedulerStateDict {
    const entries = Object.entries(this).filter(([name]) => this.saved(name));
    return Object.fromEntries(entries.map(([name, value]) => [keyOf(name), structuredClone(value)]));
  }

  /** @throws {CheckpointError} an entry of a saved state is missing. */
  checkState(state: SchedulerStateDict): void {
    const given = typeof state === 'object' && state !== null ? state : {};
    const keys = Object.keys(this)
      .filter((name) => this.saved(name))
      .map(keyOf);
    const absent = keys.filter((key) => !Object.hasOwn(given, key));
    if (absent.length === 0) return;
    throw new CheckpointError(`${this.name}.loadStateDict: the saved state lacks ${absent.join(', ')}`, {
      op: this.name,
      data: { absent },
    });
  }

  /**
   * Takes over a saved state. The rates themselves are in the optimiser's state.
   *
   * @throws {CheckpointError} an entry is missing; nothing is changed then.
   */
  loadStateDict(state: SchedulerStateDict): void {
    this.checkState(state);
    for (const name of Object.keys(this).filter((name) => this.saved(name))) {
      Object.assign(this, { [name]: structuredClone(state[keyOf(name)]) });
    }
  }
}

function asOptimizer(op: string, optimizer: unknown): ScheduledOptimizer {
  if (typeof optimizer === 'object' && optimizer !== null && 'paramGroups' in optimizer) {
    return optimizer as ScheduledOptimizer;
  }
  throw new ArgumentError(`${op}: the first argument must be an optimiser, got ${describe(optimizer)}`, {
    op,
  });
}

/**
 * One value for each group: a single one for all, or a list.
 * @throws {ArgumentError} the list has another length than the groups.
 */
export function perGroup<T>(
  op: string,
  name: string,
  optimizer: ScheduledOptimizer,
  value: T | readonly T[],
): T[] {
  const count = asOptimizer(op, optimizer).paramGroups.length;
  if (!Array.isArray(value)) return new Array<T>(count).fill(value as T);
  if (value.length !== count) {
    throw new ArgumentError(`${op}: ${name} has ${value.length} values, the optimiser has ${count} groups`, {
      op,
    });
  }
  return value.slice();
}
