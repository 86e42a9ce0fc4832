import type { Figures, Loop } from './training.ts';

/** What a loop took, and whether that is within bounds. */

export interface Found extends Figures {
  readonly place: string;
  readonly browser: boolean;
  readonly loop: Loop;
  /** The highest resident memory, less what was resident after the first steps. */
  readonly aboveByteLength: number;
}

export interface Judged extends Found {
  /** What is above its bound, in words; empty where all is well. */
  readonly missed: readonly string[];
}

const MIB = 2 ** 20;
const MOST_ABOVE_MIB = 384;
const MOST_SHARE = 0.05;
/** A loop in a browser that never waits, in times of one that does; with `tidy`, and without. */
const MOST_TIMES = { sync: 1.6, tidy: 1 } as const;

/** Bounds of each run. A browser's loop that never waits is bounded by its time; its memory may fill the heap. */
export function judge(runs: readonly Found[]): Judged[] {
  return runs.map((run) => {
    const missed: string[] = [];
    const aboveMib = run.aboveByteLength / MIB;
    if (!(run.browser && run.loop === 'sync') && aboveMib > MOST_ABOVE_MIB)
      missed.push(`more than ${MOST_ABOVE_MIB} MiB above what lives`);
    if (run.reclaimMs > MOST_SHARE * run.elapsedMs)
      missed.push(`reclaiming takes more than ${MOST_SHARE * 100} %`);
    const waiting = runs.find(({ place, loop }) => place === run.place && loop === 'async');
    if (run.browser && run.loop !== 'async' && waiting !== undefined) {
      const most = MOST_TIMES[run.loop];
      if (run.elapsedMs > most * waiting.elapsedMs)
        missed.push(`more than ${most} times the async loop's time`);
    }
    if (!Number.isFinite(run.lastLoss)) missed.push('the loss is not finite');
    return { ...run, missed };
  });
}

/** The table for people. */
export function showFound(runs: readonly Judged[]): string {
  const lines = [
    ['place', 'loop', 'MiB above', 'ms a step', 'reclaims', 'share', 'spilled MiB', ''],
    ...runs.map((run) => [
      run.place,
      run.loop,
      (run.aboveByteLength / MIB).toFixed(0),
      (run.elapsedMs / run.steps).toFixed(3),
      String(run.reclaims),
      `${((100 * run.reclaimMs) / run.elapsedMs).toFixed(2)} %`,
      (run.spilledByteLength / MIB).toFixed(0),
      run.missed.join('; '),
    ]),
  ];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, i) => (i < 2 || i === 7 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
