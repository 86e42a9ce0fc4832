import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs } from 'node:util';

/**
 * The dispatcher's own cost beside PyTorch's: both are measured in turn, each round in fresh processes, and the
 * ratio of a round is taken within it.
 *
 *     npm run bench:eager -- --python .torch/bin/python --node path/to/node24 --rounds 5
 */

interface Measured {
  readonly check: unknown;
  readonly nanoseconds: Readonly<Record<string, number>>;
}

const here = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: {
    python: { type: 'string', default: '.torch/bin/python' },
    node: { type: 'string', default: process.execPath },
    rounds: { type: 'string', default: '5' },
    json: { type: 'string', default: join(here, 'results', 'eager.json') },
  },
});

/** What each case may take, in times of PyTorch's time. */
const LIMITS: Readonly<Record<string, number>> = {
  'add, 4 elements': 0.3,
  'forward and backward of ((a*b+b)*a).sum()': 0.12,
};

const run = (command: string, args: readonly string[]): Measured =>
  JSON.parse(
    execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }),
  ) as Measured;

const ours = (): Measured => run(options.node, ['--import', 'tsx', join(here, 'ours.ts')]);
const torch = (): Measured => run(options.python, [join(here, 'peer_torch.py')]);

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

function main(): void {
  if (!existsSync(options.python)) {
    console.error(
      `bench:eager: there is no ${options.python}; give a Python that has PyTorch: --python PATH`,
    );
    process.exitCode = 1;
    return;
  }
  const rounds = Number(options.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) {
    console.error(`bench:eager: --rounds must be a positive integer, got ${options.rounds}`);
    process.exitCode = 1;
    return;
  }
  const measured = Array.from({ length: rounds }, (_, round) => {
    // Which side goes first alternates, so that neither always meets a warmer machine.
    const first = round % 2 === 0 ? ours() : torch();
    const second = round % 2 === 0 ? torch() : ours();
    const [own, peer] = round % 2 === 0 ? [first, second] : [second, first];
    if (!isDeepStrictEqual(own.check, peer.check))
      throw new RangeError(`results differ: ${JSON.stringify([own.check, peer.check])}`);
    return { own: own.nanoseconds, peer: peer.nanoseconds };
  });
  report(measured);
}

function report(measured: readonly { own: Measured['nanoseconds']; peer: Measured['nanoseconds'] }[]): void {
  const node = execFileSync(options.node, ['--version'], { encoding: 'utf8' }).trim();
  const cases = Object.keys(measured[0]!.own).map((name) => {
    const ratios = measured.map(({ own, peer }) => own[name]! / peer[name]!);
    return {
      case: name,
      'flambeau ns': Math.round(median(measured.map(({ own }) => own[name]!))),
      'PyTorch ns': Math.round(median(measured.map(({ peer }) => peer[name]!))),
      ratio: Number(median(ratios).toFixed(3)),
      lowest: Number(Math.min(...ratios).toFixed(3)),
      highest: Number(Math.max(...ratios).toFixed(3)),
      'at most': LIMITS[name],
    };
  });
  console.log(`Node ${node}, ${cpus()[0]?.model ?? 'unknown processor'}, ${measured.length} rounds`);
  console.table(cases);
  mkdirSync(dirname(options.json), { recursive: true });
  writeFileSync(
    options.json,
    `${JSON.stringify({ node, processor: cpus()[0]?.model, rounds: measured.length, cases }, null, 2)}\n`,
  );
}

main();
