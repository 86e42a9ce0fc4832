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
import { rehearseCases } from '../emulated/rehearsal.ts';
import { BUILD_MS } from '../emulated/suite.ts';
import { compileAhead } from '../emulator/ahead.ts';
import { type EmulatorOptions, emulatedCuda } from '../emulator/index.ts';

/** Whether a case compares operators with the CPU, which takes the longer part of the time. */
export const comparesOperators = (name: string): boolean => name.startsWith('operator:');

/** One test for each case of the conformance suite whose name is wanted, on the emulated driver. */
export function testConformance(
  wanted: (name: string) => boolean,
  options: CudaOptions = {},
  how: EmulatorOptions = {},
): void {
  let context: ConformanceContext;
  const cases = conformanceCases().filter(({ name }) => wanted(name));
  beforeAll(async () => {
    registerBackend(cpu());
    const backend = await emulatedCuda(options, how);
    await compileAhead(await rehearseCases(backend, cases), how);
    ({ context } = conformanceContext(backend));
  }, BUILD_MS);
  // Kernels that the rehearsal did not meet are compiled one by one.
  it.each(cases)('$name', { timeout: 600_000 }, async (conformanceCase) => {
    const { status, reason } = await runCase(conformanceCase, context);
    expect(status, reason).not.toBe('failed');
  });
}
