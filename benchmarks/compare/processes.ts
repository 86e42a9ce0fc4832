import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';
import type { PeerName } from './cases.ts';
import type { Job, Report } from './peer.ts';

/** Each measurement is a fresh process of this one's tree. */

export const benchmarks = dirname(dirname(fileURLToPath(import.meta.url)));
const peersFolder = join(benchmarks, 'peers');
const MOST_MINUTES = 15;

export interface Programs {
  readonly node: string;
  readonly python: string;
}

export type Side = 'flambeau' | PeerName;

/** The threads that a peer can be told to use; the others have one. */
export const SINGLE_THREADED: ReadonlySet<Side> = new Set<Side>(['tfjs', 'jax']);

export const PEER_NAMES: readonly PeerName[] = ['torch', 'tfjs', 'jax', 'onnx-node', 'onnx-web'];

const SCRIPTS: Readonly<Record<Side, string>> = {
  flambeau: join(benchmarks, '.cache', 'ours.js'),
  torch: join(peersFolder, 'peer_torch.py'),
  tfjs: join(peersFolder, '.cache', 'tfjs.js'),
  jax: join(peersFolder, '.cache', 'jax.js'),
  'onnx-node': join(peersFolder, '.cache', 'onnx-node.js'),
  'onnx-web': join(peersFolder, '.cache', 'onnx-web.js'),
};

/** What the programs that are measured are made with. No process translates what it loads: that leaves garbage behind. */
const PROGRAM = {
  config: false,
  tsconfig: join(dirname(benchmarks), 'tsconfig.json'),
  format: 'esm',
  target: 'es2023',
  splitting: false,
  silent: true,
} as const;

/**
 * One file of flambeau and its cases, as an application's bundler makes it. The sources themselves cannot be measured:
 * what translates them while they are loaded adds calls of its own to every closure.
 */
export async function bundle(
  entry: Readonly<Record<string, string>>,
  platform: 'node' | 'browser' = 'node',
): Promise<void> {
  await build({
    ...PROGRAM,
    entry: Object.fromEntries(Object.entries(entry).map(([name, file]) => [name, join(benchmarks, file)])),
    outDir: join(benchmarks, '.cache'),
    platform,
    // Dawn's binary stands beside its own module.
    external: ['webgpu'],
    noExternal: [/^(?!webgpu$)/],
    esbuildOptions(options) {
      options.conditions = ['source', platform];
    },
  });
}

/** A file for each of the peers that are JavaScript; their packages stay as they are published. */
export async function bundlePeers(sides: readonly Side[]): Promise<void> {
  const names = sides.filter((side) => side !== 'flambeau' && side !== 'torch');
  if (names.length === 0) return;
  await build({
    ...PROGRAM,
    entry: Object.fromEntries(names.map((name) => [name, join(peersFolder, `${name}.mjs`)])),
    outDir: join(peersFolder, '.cache'),
    platform: 'node',
    skipNodeModulesBundle: true,
  });
}

/** @throws {Error} the process fails, or takes more than 15 minutes. */
export function runSide(side: Side, job: Job, { node, python }: Programs): Report {
  const [command, args] = side === 'torch' ? [python, [SCRIPTS[side]]] : [node, [SCRIPTS[side], job.device]];
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    input: JSON.stringify(job),
    encoding: 'utf8',
    cwd: benchmarks,
    maxBuffer: 2 ** 28,
    timeout: MOST_MINUTES * 60_000,
  });
  if (error !== undefined || status !== 0) {
    const cause = error?.message ?? `it ended with ${signal ?? status}`;
    throw new Error(`the process of ${side} failed: ${cause}\n${stderr ?? ''}`);
  }
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Report;
}

/** Installs the peers' npm packages where a wanted one needs them and they are missing. */
export function installPeers(sides: readonly Side[]): void {
  const needed = sides.some((side) => side !== 'flambeau' && side !== 'torch');
  if (!needed || existsSync(join(peersFolder, 'node_modules', '.package-lock.json'))) return;
  console.log('installing the peers into benchmarks/peers (500 MB, once) …');
  // ONNX Runtime brings its processor library in the package; its script would fetch one for other hardware.
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts'], { cwd: peersFolder, stdio: 'inherit' });
  if (status !== 0) throw new Error('the peers could not be installed: npm ci failed in benchmarks/peers');
}
