import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { PeerName } from './cases.ts';
import { PEER_NAMES } from './processes.ts';

export interface Options {
  readonly cases: readonly string[];
  readonly peers: readonly PeerName[];
  readonly rounds: number;
  readonly threads: readonly number[];
  readonly milliseconds: number;
  readonly device: string;
  readonly node: string;
  readonly python: string;
  readonly json: string;
  readonly memory: boolean;
  readonly steps: number;
  readonly chromium: string;
  readonly revectorize: boolean;
  readonly help: boolean;
}

const results = join(dirname(dirname(fileURLToPath(import.meta.url))), 'results');

export const USAGE = `npm run bench -- [options]
  --cases a,b       groups (tiny, elementwise, product, convolution, selection, training, start) or parts of names; default all
  --peers a,b       ${PEER_NAMES.join(', ')}; default all; none: flambeau alone
  --rounds n        default 5
  --threads 1,2     numbers of threads to compare with; default 1,2 on cpu, 1 elsewhere
  --milliseconds n  how long a case is measured in a round; default 1000
  --device name     cpu, webgpu or cuda; default cpu
  --node PATH       the Node of flambeau and of the JavaScript peers; default this one
  --python PATH     a Python that has PyTorch; default .torch/bin/python
  --revectorize     flambeau with cpu({ revectorize: true })
  --json PATH       where the figures go; default benchmarks/results/compare.json
  --memory          instead: training steps without annotations, peak memory and the time that reclaiming takes, on cpu
                    or webgpu;
                    --node may name several, --cases picks node, page, worker, isolated, async, sync or tidy
  --steps n         how many; default 20000
  --chromium PATH   the browser of the page and the worker; default /usr/bin/chromium`;

/** @throws {RangeError} a value is out of range. @throws {TypeError} an option is unknown. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cases: { type: 'string', default: '' },
      peers: { type: 'string', default: PEER_NAMES.join(',') },
      rounds: { type: 'string', default: '5' },
      threads: { type: 'string' },
      milliseconds: { type: 'string', default: '1000' },
      device: { type: 'string', default: 'cpu' },
      node: { type: 'string', default: process.execPath },
      python: { type: 'string', default: '.torch/bin/python' },
      json: { type: 'string' },
      memory: { type: 'boolean', default: false },
      steps: { type: 'string', default: '20000' },
      chromium: { type: 'string', default: '/usr/bin/chromium' },
      revectorize: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { cases, peers, threads, rounds, milliseconds, steps, json, ...rest } = values;
  return {
    ...rest,
    cases: list(cases),
    peers: peersOf(list(peers)),
    threads: list(threads ?? (rest.device === 'cpu' ? '1,2' : '1')).map((count) =>
      positive('--threads', count),
    ),
    rounds: positive('--rounds', rounds),
    milliseconds: positive('--milliseconds', milliseconds),
    steps: positive('--steps', steps),
    json:
      json ??
      join(
        results,
        `${values.memory ? 'memory' : 'compare'}${rest.device === 'cpu' ? '' : `-${rest.device}`}.json`,
      ),
  };
}

const list = (text: string): string[] =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

/** @throws {RangeError} `text` is no positive integer. */
export function positive(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new RangeError(`${option}: a positive integer is needed, got ${text}`);
  return value;
}

function peersOf(names: readonly string[]): PeerName[] {
  if (names.length === 1 && names[0] === 'none') return [];
  const unknown = names.filter((name) => !(PEER_NAMES as readonly string[]).includes(name));
  if (unknown.length > 0)
    throw new RangeError(`--peers: there is no ${unknown.join(', ')}; there are ${PEER_NAMES.join(', ')}`);
  return PEER_NAMES.filter((name) => names.includes(name));
}
