import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { positive } from '../compare/options.ts';
import { benchmarks, bundle } from '../compare/processes.ts';
import { median } from '../compare/statistics.ts';

/**
 * What a launch on CUDA costs the host: from the backend's kernel, through the addon, to the driver's door. The driver
 * is the emulated one and throws launches away, so its own time is not in the figures: `npm run bench:cuda-launch`.
 */

/** What a launch may take. */
const LIMIT_NS = 2000;

type Measured = Readonly<Record<string, { readonly launch: number; readonly operator: number }>>;

const { values: options } = parseArgs({
  options: {
    node: { type: 'string', default: process.execPath },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string', default: join(benchmarks, 'results', 'cuda-launch.json') },
  },
});

const emulator = join(dirname(benchmarks), 'packages/backend-cuda/test/emulator/environment.ts');

async function main(): Promise<void> {
  const rounds = positive('--rounds', options.rounds);
  // The emulator is a tool of the backend's tests: it builds itself and says how a process finds it.
  const environment = JSON.parse(
    execFileSync(process.execPath, ['--conditions=source', '--import', 'tsx', emulator], {
      encoding: 'utf8',
    }),
  ) as Record<string, string>;
  await bundle({ 'cuda-launch': 'cuda-launch/ours.ts' });
  const measured = Array.from(
    { length: rounds },
    () =>
      JSON.parse(
        execFileSync(options.node, [join(benchmarks, '.cache', 'cuda-launch.js')], {
          encoding: 'utf8',
          env: { ...process.env, ...environment, FLAMBEAU_EMULATOR_DISCARD: '1' },
        }),
      ) as Measured,
  );
  const node = execFileSync(options.node, ['--version'], { encoding: 'utf8' }).trim();
  const processor = cpus()[0]?.model ?? 'unknown processor';
  const cases = Object.keys(measured[0]!).map((name) => {
    const launches = measured.map((round) => round[name]!.launch);
    return {
      case: name,
      'launch ns': Math.round(median(launches)),
      lowest: Math.round(Math.min(...launches)),
      highest: Math.round(Math.max(...launches)),
      'at most': LIMIT_NS,
      'whole operator ns': Math.round(median(measured.map((round) => round[name]!.operator))),
    };
  });
  console.log(`emulated driver that throws launches away, Node ${node}, ${processor}, ${rounds} rounds`);
  console.table(cases);
  mkdirSync(dirname(options.json), { recursive: true });
  writeFileSync(
    options.json,
    `${JSON.stringify({ emulated: true, node, processor, rounds, cases }, null, 2)}\n`,
  );
  const slow = cases.filter((one) => one['launch ns'] > LIMIT_NS);
  if (slow.length > 0)
    throw new RangeError(`more than ${LIMIT_NS} ns: ${slow.map((one) => one.case).join(', ')}`);
}

try {
  await main();
} catch (error) {
  console.error(`bench:cuda-launch: ${(error as Error).message}`);
  process.exitCode = 1;
}
