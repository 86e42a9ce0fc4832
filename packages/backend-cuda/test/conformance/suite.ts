import { cpu } from '@flambeau/backend-cpu';
import {
  type ConformanceContext,
  conformanceCases,
  conformanceContext,
  runCase,
} from '@flambeau/backend-testkit';
import { registerBackend } from '@flambeau/core';
import { beforeAll, expect, it } from 'vitest';
import type { CudaOptions } from '../../src/index.ts';
import { emulatedCuda } from '../emulator/index.ts';

/** Whether a case compares operators with the CPU, which takes the longer part of the time. */
export const comparesOperators = (name: string): boolean => name.startsWith('operator:');

/** One test for each case of the conformance suite whose name is wanted, on the emulated driver. */
export function testConformance(options: CudaOptions, wanted: (name: string) => boolean): void {
  let context: ConformanceContext;
  beforeAll(async () => {
    registerBackend(cpu());
    ({ context } = conformanceContext(await emulatedCuda(options)));
  }, 120_000);
  const cases = conformanceCases().filter(({ name }) => wanted(name));
  // Kernels that no run has compiled yet take their time.
  it.each(cases)('$name', { timeout: 600_000 }, async (conformanceCase) => {
    const { status, reason } = await runCase(conformanceCase, context);
    expect(status, reason).not.toBe('failed');
  });
}
