import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import type { Options } from '../compare/options.ts';
import { benchmarks, bundle } from '../compare/processes.ts';
import { type Place, runInChromium } from './chromium.ts';
import { type Found, judge, showFound } from './judgement.ts';
import type { Loop, MemoryDevice } from './training.ts';

/** Many training steps without annotations, each kind of loop in each kind of place, one after the other. */

/** What is read from WebGPU is waited for: there are no other loops. */
const LOOPS: Readonly<Record<MemoryDevice, readonly Loop[]>> = {
  cpu: ['async', 'sync', 'tidy'],
  webgpu: ['async'],
};

interface Run {
  readonly place: string;
  readonly browser: boolean;
  readonly loop: Loop;
  measure(): Promise<Omit<Found, 'place' | 'browser' | 'loop'>>;
}

function nodeRuns(node: string, device: MemoryDevice, steps: number): Run[] {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  return LOOPS[device].map((loop) => ({
    place: `Node ${version}`,
    browser: false,
    loop,
    measure: async () => {
      const args = [join(benchmarks, '.cache', 'memory-node.js'), device, loop, String(steps)];
      return JSON.parse(execFileSync(node, args, { encoding: 'utf8' })) as Awaited<
        ReturnType<Run['measure']>
      >;
    },
  }));
}

function chromiumRuns(chromium: string, device: MemoryDevice, steps: number): Run[] {
  const places = [false, true].flatMap((worker) =>
    [false, true].map((isolated): Place => ({ device, worker, isolated })),
  );
  return places.flatMap((place) =>
    LOOPS[device].map((loop) => ({
      place: `Chromium, ${place.worker ? 'worker' : 'page'}${place.isolated ? ', isolated' : ''}`,
      browser: true,
      loop,
      measure: () => runInChromium(chromium, place, loop, steps),
    })),
  );
}

const nameOf = ({ place, loop }: Run): string => `${place}, ${loop} loop`;

/** Measures what `--cases` picks (each word must be part of a run's name), prints the table and writes the JSON. */
export async function measureMemory(options: Options): Promise<void> {
  const { node, steps, chromium, cases, json, device } = options;
  if (device !== 'cpu' && device !== 'webgpu')
    throw new RangeError(`--memory: runs on cpu and webgpu, got --device ${device}`);
  const all = [
    ...node.split(',').flatMap((path) => nodeRuns(path, device, steps)),
    ...chromiumRuns(chromium, device, steps),
  ];
  const runs = all.filter((run) =>
    cases.every((word) => nameOf(run).toLowerCase().split(/[ ,]+/).includes(word.toLowerCase())),
  );
  if (runs.length === 0)
    throw new RangeError(
      `--cases: nothing is called ${cases.join(' ')}; there are ${all.map(nameOf).join('; ')}`,
    );
  if (runs.some(({ browser }) => browser) && !existsSync(chromium))
    throw new RangeError(`there is no ${chromium}; give a Chromium: --chromium PATH, or --cases node`);
  await bundle({ 'memory-node': 'memory/node.ts' });
  await bundle({ 'memory-browser': 'memory/browser.ts' }, 'browser');
  const found: Found[] = [];
  for (const run of runs) {
    console.error(nameOf(run));
    const { place, browser, loop } = run;
    found.push({ place, browser, loop, ...(await run.measure()) });
  }
  const judged = judge(found);
  const processor = cpus()[0]?.model ?? 'unknown processor';
  const adapters = new Set(
    judged.flatMap(({ place, adapter }) => (adapter === undefined ? [] : [`${place}: ${adapter}`])),
  );
  console.log([`${processor}, ${cpus().length} cores, ${steps} steps`, ...adapters].join('\n'), '\n');
  console.log(showFound(judged));
  mkdirSync(dirname(json), { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(json, `${JSON.stringify({ date, processor, steps, runs: judged }, null, 2)}\n`);
}
