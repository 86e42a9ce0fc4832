import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { cuda } from '@flambeau/backend-cuda';
import { measureMemory } from '../memory/main.ts';
import { type Case, type Goal, selectCases } from './cases.ts';
import { Comparison, contendersOf, type Refusal } from './comparison.ts';
import { type Options, parseOptions, USAGE } from './options.ts';
import { bundle, bundlePeers, installPeers, runSide } from './processes.ts';
import { type Row, showTable } from './table.ts';

/**
 * flambeau beside its peers: all compute the same first, then all are timed in turn, in several rounds of fresh
 * processes. `npm run bench -- --help` lists the options.
 */

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    console.log(USAGE);
    return;
  }
  if (options.memory) await measureMemory(options);
  else await compare(options);
}

/** @throws {BackendError} the device cannot be opened; its text says what is missing. */
function checkDevice(device: string): void {
  if (device === 'cuda') cuda().close();
}

async function compare(options: Options): Promise<void> {
  checkDevice(options.device);
  const cases = selectCases(options.cases);
  const { peers, threads, python } = options;
  if (peers.includes('torch') && !existsSync(python))
    throw new RangeError(
      `there is no ${python}; give a Python that has PyTorch: --python PATH, or leave it out of --peers`,
    );
  installPeers(peers);
  await bundle({ ours: 'compare/ours.ts' });
  await bundlePeers(peers);
  const comparison = new Comparison(
    contendersOf(peers, threads),
    ({ side, threads: count }, phase, some) =>
      runSide(
        side,
        {
          phase,
          cases: some,
          threads: count,
          device: options.device,
          revectorize: options.revectorize,
          milliseconds: options.milliseconds,
        },
        options,
      ),
    options.device,
  );
  // A group's processes follow each other closely, so that a ratio's two sides meet the same machine.
  for (const group of new Set(cases.map((one) => one.group))) {
    const some = cases.filter((one) => one.group === group);
    note(`${group}: checking`);
    comparison.check(some);
    for (let round = 0; round < options.rounds; round++) {
      note(`${group}: round ${round + 1} of ${options.rounds}`);
      comparison.round(some, round);
    }
  }
  report(comparison, cases, options);
}

/** Progress goes to the error stream, so that the table can be piped. */
const note = (text: string): void => console.error(text);

function report(
  comparison: Comparison,
  cases: readonly Case[],
  { peers, threads, rounds, json }: Options,
): void {
  const rows = comparison.rows(cases);
  const columns: Goal['against'][] = [
    ...peers,
    ...(threads.some((count) => count > 1) ? ['own 1 thread' as const] : []),
  ];
  const processor = cpus()[0]?.model ?? 'unknown processor';
  const environments = Object.fromEntries(comparison.environments);
  console.log(`${processor}, ${cpus().length} cores, ${rounds} rounds`);
  console.log(Object.values(environments).join(' · '));
  console.log('Our time, and in how many times of the peer’s time: median (lowest–highest) of the rounds.\n');
  console.log(showTable(rows, columns));
  const refusals = oncePerReason(comparison.refusals);
  if (refusals.length > 0) console.log(`\n${refusals.join('\n')}`);
  if (comparison.refusals.some(({ fault, side }) => fault && side === 'flambeau')) process.exitCode = 1;
  if (comparison.refusals.some(({ reason }) => reason.startsWith('results differ'))) process.exitCode = 1;
  const date = new Date().toISOString().slice(0, 10);
  mkdirSync(dirname(json), { recursive: true });
  writeFileSync(
    json,
    `${JSON.stringify({ date, processor, environments, rounds, rows: rows.map(plain), refusals: comparison.refusals }, null, 2)}\n`,
  );
}

const plain = (row: Row): object => ({
  case: row.case.name,
  threads: row.threads,
  nanoseconds: Math.round(row.nanoseconds),
  ratios: Object.fromEntries(
    [...row.ratios].map(([against, { median, lowest, highest }]) => [
      against,
      [median, lowest, highest].map((value) => Number(value.toPrecision(3))),
    ]),
  ),
  goals: row.case.goals.filter(({ device, threads }) => device === row.device && threads === row.threads),
});

/** One line for the cases and threads that share a side and a reason. */
function oncePerReason(refusals: readonly Refusal[]): string[] {
  const groups = new Map<string, Refusal[]>();
  for (const refusal of refusals) {
    const key = `${refusal.side}\n${refusal.reason}`;
    groups.set(key, [...(groups.get(key) ?? []), refusal]);
  }
  return [...groups.values()].map((group) => {
    const { side, reason, fault } = group[0]!;
    const names = [...new Set(group.map((one) => one.case))].join(', ');
    return `${side} ${fault ? 'FAILS in' : 'does not run'} ${names}: ${reason}`;
  });
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}
