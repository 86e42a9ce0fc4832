import { readFileSync } from 'node:fs';
import type { Case } from './cases.ts';

/** The protocol between the harness and a peer's process, and the clock that all JavaScript peers share. */

/** What the harness writes to a peer's standard input. */
export interface Job {
  readonly phase: 'check' | 'time';
  readonly cases: readonly Case[];
  readonly threads: number;
  readonly device: string;
  /** Whether flambeau joins vectors on the CPU. */
  readonly revectorize: boolean;
  /** How long each case is measured. */
  readonly milliseconds: number;
}

export type Outcome =
  | { readonly name: string; readonly cannot: string }
  | { readonly name: string; readonly check: readonly number[] }
  | { readonly name: string; readonly nanoseconds: number };

/** The last line of a peer's standard output. */
export interface Report {
  /** Name and version. */
  readonly environment: string;
  readonly outcomes: readonly Outcome[];
}

/** A case made ready: what is timed, and what it computed. */
export interface Prepared {
  /** One call. Where it returns a promise, the call ends when that is fulfilled. */
  run(): unknown;
  /** All results of the first call: an operator's values, or the losses of the first `steps` steps. */
  check(steps: number): ArrayLike<number> | Promise<ArrayLike<number>>;
}

export interface Peer {
  readonly environment: string;
  /** A text says why the case cannot be run. */
  prepare(one: Case, job: Job): Prepared | string | Promise<Prepared | string>;
}

/** How many losses are compared: an optimiser's faults show from the second on. */
const CHECKED_STEPS = 4;
const SAMPLES = 256;
const BATCH_MS = 20;

/** At most 256 values spread over all, and the mean of all and of their magnitudes. */
export function sampled(values: ArrayLike<number>): number[] {
  const n = values.length;
  const count = Math.min(n, SAMPLES);
  let total = 0;
  let magnitude = 0;
  for (let i = 0; i < n; i++) {
    total += values[i]!;
    magnitude += Math.abs(values[i]!);
  }
  const picked = Array.from({ length: count }, (_, i) => values[Math.floor((i * n) / count)]!);
  return [...picked, total / n, magnitude / n];
}

/** Nanoseconds a call: the median over batches of about 20 ms, once calls have stopped becoming faster. */
export async function nanosecondsOf(run: () => unknown, milliseconds: number): Promise<number> {
  const first = run();
  const asynchronous = first instanceof Promise;
  await first;
  const batch = asynchronous
    ? async (calls: number): Promise<number> => {
        const start = performance.now();
        for (let i = 0; i < calls; i++) await run();
        return performance.now() - start;
      }
    : (calls: number): number => {
        const start = performance.now();
        for (let i = 0; i < calls; i++) run();
        return performance.now() - start;
      };
  const calls = await warmUp(batch, milliseconds);
  const times: number[] = [];
  const until = performance.now() + milliseconds;
  while (times.length < 3 || performance.now() < until) times.push(((await batch(calls)) * 1e6) / calls);
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

/**
 * Runs until no batch was 3 % faster than the best for half of `milliseconds`: compilers take their time, the
 * longer the busier the machine, and memory that was never touched before costs more than what is computed into it
 * until enough of it is used again. At least twice and at most six times `milliseconds`. Gives the calls of a batch.
 */
async function warmUp(
  batch: (calls: number) => number | Promise<number>,
  milliseconds: number,
): Promise<number> {
  const start = performance.now();
  let calls = 1;
  let best = Number.POSITIVE_INFINITY;
  let bestAt = start;
  for (;;) {
    const elapsedMs = await batch(calls);
    const now = performance.now();
    if (elapsedMs / calls < 0.97 * best) {
      best = elapsedMs / calls;
      bestAt = now;
    }
    const settled = now - start >= 2 * milliseconds && now - bestAt >= milliseconds / 2;
    if (settled || now - start >= 6 * milliseconds) return Math.max(1, Math.round(BATCH_MS / best));
    calls = Math.max(1, Math.round((calls * BATCH_MS) / Math.max(elapsedMs, BATCH_MS / 10)));
  }
}

/** The life of a peer's process: reads the job, works through its cases, writes the report. */
export async function servePeer(makePeer: (job: Job) => Peer | Promise<Peer>): Promise<void> {
  const job = JSON.parse(readFileSync(0, 'utf8')) as Job;
  const startMs = performance.now();
  const peer = await makePeer(job);
  const outcomes: Outcome[] = [];
  for (const one of job.cases) outcomes.push(await outcomeOf(peer, one, job, startMs));
  const report: Report = { environment: peer.environment, outcomes };
  process.stdout.write(`\n${JSON.stringify(report)}\n`, () => process.exit(0));
}

async function outcomeOf(peer: Peer, one: Case, job: Job, startMs: number): Promise<Outcome> {
  const { name } = one;
  try {
    const prepared = await peer.prepare(one, job);
    if (typeof prepared === 'string') return { name, cannot: prepared };
    if (job.phase === 'check') return { name, check: sampled(await prepared.check(CHECKED_STEPS)) };
    if (one.kind === 'training' && one.first) {
      await prepared.check(1);
      return { name, nanoseconds: (performance.now() - startMs) * 1e6 };
    }
    return { name, nanoseconds: await nanosecondsOf(() => prepared.run(), job.milliseconds) };
  } catch (error) {
    return {
      name,
      cannot: `fails: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
    };
  }
}

/** The check of a training case: the losses of the first steps. */
export async function firstLosses(step: () => number | Promise<number>, steps: number): Promise<number[]> {
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push(await step());
  return losses;
}
