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
/** On WebGPU: of buffers by the backend's own account, and of a Node process. */
const MOST_DEVICE_MIB = 256;
const MOST_SHARE = 0.05;
/** A loop in a browser that never waits, in times of one that does; with `tidy`, and without. */
const MOST_TIMES = { sync: 1.6, tidy: 1 } as const;

/** Bounds of each run. A browser's loop that never waits is bounded by its time; its memory may fill the heap. */
export function judge(runs: readonly Found[]): Judged[] {
  return runs.map((run) => {
    const missed = run.deviceAboveByteLength === undefined ? missedOnCpu(run) : missedOnDevice(run);
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

function missedOnCpu({ browser, loop, aboveByteLength, reclaimMs, elapsedMs }: Found): string[] {
  const missed: string[] = [];
  if (!(browser && loop === 'sync') && aboveByteLength > MOST_ABOVE_MIB * MIB)
    missed.push(`more than ${MOST_ABOVE_MIB} MiB above what lives`);
  if (reclaimMs > MOST_SHARE * elapsedMs) missed.push(`reclaiming takes more than ${MOST_SHARE * 100} %`);
  return missed;
}

/** A look there waits for the device's work, which would be waited for anyway: its time is no measure. */
function missedOnDevice({ browser, aboveByteLength, deviceAboveByteLength = 0 }: Found): string[] {
  const missed: string[] = [];
  if (deviceAboveByteLength > MOST_DEVICE_MIB * MIB)
    missed.push(`more than ${MOST_DEVICE_MIB} MiB of device memory above what lives`);
  if (!browser && aboveByteLength > MOST_DEVICE_MIB * MIB)
    missed.push(`the process grew by more than ${MOST_DEVICE_MIB} MiB`);
  return missed;
}

/** The table for people. */
export function showFound(runs: readonly Judged[]): string {
  const lines = [
    ['place', 'loop', 'MiB above', 'device MiB', 'ms a step', 'reclaims', 'share', 'spilled MiB', ''],
    ...runs.map((run) => [
      run.place,
      run.loop,
      (run.aboveByteLength / MIB).toFixed(0),
      run.deviceAboveByteLength === undefined ? '' : (run.deviceAboveByteLength / MIB).toFixed(0),
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
        .map((cell, i) => (i < 2 || i === 8 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
