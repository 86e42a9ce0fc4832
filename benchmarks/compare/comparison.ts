import type { Case, Goal, PeerName } from './cases.ts';
import type { Outcome, Report } from './peer.ts';
import { SINGLE_THREADED, type Side } from './processes.ts';
import { difference, median, type Ratio, ratioOf } from './statistics.ts';
import type { Row } from './table.ts';

/** One comparison: checks first, then rounds, then rows. Knows nothing of processes but a function that runs one. */

/** A side at a number of threads. */
export interface Contender {
  readonly side: Side;
  readonly threads: number;
}

export interface Refusal extends Contender {
  readonly case: string;
  readonly reason: string;
  /** A wrong result or a crash, not something that the peer does not offer. */
  readonly fault: boolean;
}

export type Runner = (contender: Contender, phase: 'check' | 'time', cases: readonly Case[]) => Report;

/** Values of one operator, and losses after steps of training, in parts of the largest magnitude. */
const TOLERANCE = { operator: 1e-4, training: 2e-3 } as const;

export const contendersOf = (peers: readonly PeerName[], threads: readonly number[]): Contender[] =>
  (['flambeau', ...peers] as Side[]).flatMap((side) =>
    (SINGLE_THREADED.has(side) ? [1] : threads).map((count) => ({ side, threads: count })),
  );

const isFirst = (one: Case): boolean => one.kind === 'training' && one.first;

/** A first step has a process of its own; the other cases share one. */
const processesFor = (cases: readonly Case[]): readonly (readonly Case[])[] => [
  cases.filter((one) => !isFirst(one)),
  ...cases.filter(isFirst).map((one) => [one]),
];

const keyOf = ({ side, threads }: Contender): string => `${side} ${threads}`;

export class Comparison {
  readonly refusals: Refusal[] = [];
  readonly environments = new Map<Side, string>();
  private readonly contenders: readonly Contender[];
  private readonly run: Runner;
  /** Nanoseconds of each round, by contender and case. */
  private readonly times = new Map<string, Map<string, number[]>>();
  private readonly refused = new Set<string>();

  private readonly device: string;

  constructor(contenders: readonly Contender[], run: Runner, device = 'cpu') {
    this.contenders = contenders;
    this.run = run;
    this.device = device;
  }

  /** Whoever computes something else than flambeau, or cannot, is not timed on that case. */
  check(cases: readonly Case[]): void {
    const [own, ...others] = this.contenders;
    const expected = this.outcomes(own!, 'check', cases);
    const wanted = new Map(expected.flatMap((one) => ('check' in one ? [[one.name, one.check]] : [])));
    for (const contender of others) {
      for (const outcome of this.outcomes(contender, 'check', cases)) {
        const { name } = outcome;
        const ours = wanted.get(name);
        if (ours === undefined || !('check' in outcome)) continue;
        const { kind } = cases.find((one) => one.name === name)!;
        const found = difference(ours, outcome.check, TOLERANCE[kind]);
        if (found !== undefined) this.refuse(contender, name, `results differ: ${found}`, true);
      }
    }
  }

  /** One round of all. Which side goes first alternates, so that none always meets a warmer machine. */
  round(cases: readonly Case[], number: number): void {
    const order = number % 2 === 0 ? this.contenders : this.contenders.toReversed();
    for (const contender of order) {
      const able = cases.filter(({ name }) => !this.refused.has(`${keyOf(contender)} ${name}`));
      for (const batch of processesFor(able))
        for (const outcome of this.outcomes(contender, 'time', batch))
          if ('nanoseconds' in outcome) this.note(contender, outcome.name, outcome.nanoseconds);
    }
  }

  private outcomes(
    contender: Contender,
    phase: 'check' | 'time',
    cases: readonly Case[],
  ): readonly Outcome[] {
    if (cases.length === 0) return [];
    try {
      const { environment, outcomes } = this.run(contender, phase, cases);
      this.environments.set(contender.side, environment);
      for (const one of outcomes)
        if ('cannot' in one) this.refuse(contender, one.name, one.cannot, one.cannot.startsWith('fails'));
      return outcomes;
    } catch (error) {
      for (const { name } of cases) this.refuse(contender, name, (error as Error).message, true);
      return [];
    }
  }

  private refuse(contender: Contender, name: string, reason: string, fault: boolean): void {
    this.refused.add(`${keyOf(contender)} ${name}`);
    this.refusals.push({ ...contender, case: name, reason, fault });
  }

  private note(contender: Contender, name: string, nanoseconds: number): void {
    const key = keyOf(contender);
    const byCase = this.times.get(key) ?? new Map<string, number[]>();
    this.times.set(key, byCase.set(name, [...(byCase.get(name) ?? []), nanoseconds]));
  }

  timesOf(contender: Contender, name: string): readonly number[] {
    return this.times.get(keyOf(contender))?.get(name) ?? [];
  }

  /** One row a case and number of threads, the peers' ratios beside our own time. */
  rows(cases: readonly Case[]): Row[] {
    const own = this.contenders.filter(({ side }) => side === 'flambeau');
    return cases.flatMap((one) =>
      own.flatMap((ours): Row[] => {
        const times = this.timesOf(ours, one.name);
        if (times.length === 0) return [];
        const { threads } = ours;
        const sides = this.contenders.filter(
          ({ side, threads: count }) =>
            side !== 'flambeau' && (count === threads || SINGLE_THREADED.has(side)),
        );
        const ratios = new Map<Goal['against'], Ratio>();
        const cannot = new Set<PeerName>();
        for (const contender of sides) {
          const peer = this.timesOf(contender, one.name);
          if (peer.length === times.length) ratios.set(contender.side as PeerName, ratioOf(times, peer));
          else cannot.add(contender.side as PeerName);
        }
        const single = this.timesOf({ side: 'flambeau', threads: 1 }, one.name);
        if (threads > 1 && single.length === times.length) ratios.set('own 1 thread', ratioOf(times, single));
        const { device } = this;
        return [{ case: one, device, threads, nanoseconds: median(times), ratios, cannot }];
      }),
    );
  }
}
