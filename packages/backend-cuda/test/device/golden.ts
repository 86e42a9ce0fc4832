import { withoutJudging } from '@flambeau/backend-testkit';
import { type CaseFile, suites, tier1Files } from '@flambeau/backend-testkit/cases';
import { type FileReport, frameworkOn, runFile } from '@flambeau/backend-testkit/golden';
import * as core from '@flambeau/core';
import type { Backend } from '@flambeau/core/backend';
import * as nn from '@flambeau/nn';
import * as optim from '@flambeau/optim';
import type { CudaBackend } from '../../src/index.ts';
import type { KernelSource } from '../../src/launch.ts';
import { rehearse } from '../emulator/ahead.ts';

/** PyTorch's cases of tier 1. */
export const goldenFiles = (): readonly CaseFile[] => suites.flatMap(tier1Files);

/** Runs a file on a registered backend, in every dtype that it has. */
export async function runGolden(
  { name, text }: CaseFile,
  backend: Pick<Backend, 'device' | 'limits'>,
): Promise<FileReport> {
  const framework = frameworkOn(backend, { core, nn, optim });
  const before = core.getDefaultDevice();
  // Plugins extend the type of devices.
  core.setDefaultDevice(backend.device as core.Device);
  try {
    return await runFile(framework, name, text, framework.dtypes);
  } finally {
    core.setDefaultDevice(before);
  }
}

/** The kernels that files launch. */
export const rehearseGolden = (
  { properties }: CudaBackend,
  files: readonly CaseFile[],
): Promise<readonly KernelSource[]> =>
  rehearse(properties, ({ backend }) =>
    withoutJudging(async () => {
      for (const file of files) await runGolden(file, backend);
    }),
  );
