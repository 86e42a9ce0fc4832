import { type ConformanceCase, runCase, withoutJudging } from '@flambeau/backend-testkit';
import type { DType } from '@flambeau/core';
import type { CudaBackend } from '../../src/index.ts';
import type { KernelSource } from '../../src/launch.ts';
import { rehearse } from '../emulator/ahead.ts';
import { type FusedCase, fusedCases } from '../kernels/fused-cases.ts';
import { runFused } from '../kernels/fused-run.ts';

/** The kernels that cases of the conformance suite launch. */
export const rehearseCases = (
  { properties }: CudaBackend,
  cases: readonly ConformanceCase[],
): Promise<readonly KernelSource[]> =>
  rehearse(properties, (devices) =>
    withoutJudging(async () => {
      for (const one of cases) await runCase(one, devices);
    }),
  );

/** The kernels that the cases of fused kernels launch, in some dtypes. */
export const rehearseFused = (
  { properties }: CudaBackend,
  dtypesOf: (fused: FusedCase) => readonly DType[],
): Promise<readonly KernelSource[]> =>
  rehearse(properties, async ({ device }) => {
    for (const fused of fusedCases) for (const dtype of dtypesOf(fused)) runFused(fused, device, dtype);
  });
