import { cpu } from '@flambeau/backend-cpu';
import { conformanceContext } from '@flambeau/backend-testkit';
import { registerBackend } from '@flambeau/core';
import { testCases } from '../../../../tools/vitest/conformance.ts';
import type { CudaOptions } from '../../src/index.ts';
import { rehearseCases } from '../emulated/rehearsal.ts';
import { BUILD_MS } from '../emulated/suite.ts';
import { compileAhead } from '../emulator/ahead.ts';
import { type EmulatorOptions, emulatedCuda } from '../emulator/index.ts';

/** The conformance suite on the emulated driver, with the CPU as the judge of operators. */
export const testConformance = (
  wanted: (name: string) => boolean,
  options: CudaOptions = {},
  how: EmulatorOptions = {},
): void =>
  testCases(
    async (cases) => {
      registerBackend(cpu());
      const backend = await emulatedCuda(options, how);
      await compileAhead(await rehearseCases(backend, cases), how);
      return conformanceContext(backend).context;
    },
    // Kernels that the rehearsal did not meet are compiled one by one.
    { wanted, timeout: BUILD_MS },
  );
