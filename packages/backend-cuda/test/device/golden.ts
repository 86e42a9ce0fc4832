import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { withoutJudging } from '@flambeau/backend-testkit';
import {
  type FileReport,
  type Framework,
  readList,
  runFile,
  unpackFiles,
} from '@flambeau/backend-testkit/golden';
import * as core from '@flambeau/core';
import type { Backend } from '@flambeau/core/backend';
import * as nn from '@flambeau/nn';
import * as optim from '@flambeau/optim';
import type { CudaBackend } from '../../src/index.ts';
import type { KernelSource } from '../../src/launch.ts';
import { rehearse } from '../emulator/ahead.ts';

const data = new URL('../../../backend-testkit/data/', import.meta.url);

/** PyTorch's cases of tier 1: the set of files, and the list of those that count. */
const SUITES = [
  ['ops', 'tier1'],
  ['modules', 'tier1-modules'],
  ['optim', 'tier1-optim'],
] as const;

export interface GoldenFile {
  readonly suite: string;
  readonly name: string;
  readonly text: string;
}

export const goldenFiles = (): readonly GoldenFile[] =>
  SUITES.flatMap(([suite, tier]) => {
    const files = unpackFiles(
      brotliDecompressSync(readFileSync(new URL(`${suite}.br`, data))).toString('utf8'),
    );
    const names = readList(readFileSync(new URL(`${tier}.txt`, data), 'utf8'));
    return names.map((name) => ({ suite, name, text: files.get(name) ?? '' }));
  });

/** Runs a file on a registered backend, in every dtype that it has. */
export async function runGolden(
  { name, text }: GoldenFile,
  { device, limits }: Pick<Backend, 'device' | 'limits'>,
): Promise<FileReport> {
  const dtypes = new Set<string>(limits.dtypes);
  const framework: Framework = { core, nn, optim, device, dtypes, synchronousReads: true };
  const before = core.getDefaultDevice();
  // Plugins extend the type of devices.
  core.setDefaultDevice(device as core.Device);
  try {
    return await runFile(framework, name, text, dtypes);
  } finally {
    core.setDefaultDevice(before);
  }
}

/** The kernels that files launch. */
export const rehearseGolden = (
  { properties }: CudaBackend,
  files: readonly GoldenFile[],
): Promise<readonly KernelSource[]> =>
  rehearse(properties, ({ backend }) =>
    withoutJudging(async () => {
      for (const file of files) await runGolden(file, backend);
    }),
  );
