import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { positive } from '../compare/options.ts';
import { benchmarks, bundle } from '../compare/processes.ts';
import { median, ratioOf } from '../compare/statistics.ts';
import type { Measured } from './measure.ts';

/**
 * What a launch costs beside the bare calls of WebGPU for the same, in one process, in turn:
 *
 *     npm run bench:dispatch -- --node path/to/node24 --rounds 8
 */

/** What enqueuing may take, in times of the bare calls. */
const LIMIT = 1.5;

const { values: options } = parseArgs({
  options: {
    node: { type: 'string', default: process.execPath },
    rounds: { type: 'string', default: '8' },
  },
});

const rounded = (value: number): number => Number(value.toFixed(2));

async function main(): Promise<void> {
  const rounds = positive('--rounds', options.rounds);
  await bundle({ 'dispatch-measure': 'dispatch/measure.ts' });
  const text = execFileSync(
    options.node,
    [join(benchmarks, '.cache', 'dispatch-measure.js'), String(rounds)],
    { encoding: 'utf8' },
  );
  const { adapter, measured } = JSON.parse(text.trimEnd().split('\n').at(-1)!) as {
    adapter: string;
    measured: Measured;
  };
  const { bare, ...ways } = measured;
  const times = (found: Measured[string], kind: 'enqueued' | 'done'): number[] =>
    found.map((round) => round[kind]);
  const row = (name: string, found: Measured[string]) => {
    const enqueuing = ratioOf(times(found, 'enqueued'), times(bare!, 'enqueued'));
    const done = ratioOf(times(found, 'done'), times(bare!, 'done'));
    return {
      launches: name,
      'this thread, us each': rounded(median(times(found, 'enqueued'))),
      'of bare': rounded(enqueuing.median),
      lowest: rounded(enqueuing.lowest),
      highest: rounded(enqueuing.highest),
      'until done, of bare': rounded(done.median),
      'at most': LIMIT,
    };
  };
  console.log(`${adapter}, 20,000 launches on 4 elements a round, ${rounds} rounds`);
  console.table(Object.entries(measured).map(([name, found]) => row(name, found)));
  const slow = Object.entries(ways).filter(([name, found]) => row(name, found)['of bare'] > LIMIT);
  for (const [name] of slow)
    console.error(`bench:dispatch: ${name} takes more than ${LIMIT} times the bare calls`);
  if (slow.length > 0) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(`bench:dispatch: ${(error as Error).message}`);
  process.exitCode = 1;
}
