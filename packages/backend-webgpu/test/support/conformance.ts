import { cpu } from '@flambeau/backend-cpu';
import {
  type ConformanceContext,
  conformanceCases,
  conformanceContext,
  runCase,
} from '@flambeau/backend-testkit';
import { registerBackend } from '@flambeau/core';
import type { Backend } from '@flambeau/core/backend';
import { beforeAll, expect, it } from 'vitest';

/** Whether a case compares operators with the CPU, which takes the longer part of the time. */
export const comparesOperators = (name: string): boolean => name.startsWith('operator:');

/** One test for each case of the conformance suite whose name is wanted; by default all. */
export function testConformance(
  make: () => Promise<Backend>,
  wanted: (name: string) => boolean = () => true,
): void {
  let context: ConformanceContext;
  beforeAll(async () => {
    registerBackend(cpu());
    ({ context } = conformanceContext(await make()));
  }, 60_000);
  const cases = conformanceCases().filter(({ name }) => wanted(name));
  it.each(cases)('$name', { timeout: 180_000 }, async (conformanceCase) => {
    const { status, reason } = await runCase(conformanceCase, context);
    expect(status, reason).not.toBe('failed');
  });
}
