import { cpu } from '@flambeau/backend-cpu';
import { conformanceContext } from '@flambeau/backend-testkit';
import { registerBackend } from '@flambeau/core';
import type { Backend } from '@flambeau/core/backend';
import { testCases } from '../../../../tools/vitest/conformance.ts';

/** The conformance suite on a WebGPU device, with the CPU as the judge of operators. */
export const testConformance = (
  open: () => Promise<Backend>,
  wanted: (name: string) => boolean = () => true,
): void =>
  testCases(
    async () => {
      registerBackend(cpu());
      return conformanceContext(await open()).context;
    },
    { wanted },
  );
