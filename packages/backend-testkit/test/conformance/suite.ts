import { type Device, registerBackend } from '@flambeau/core';
import type { Backend } from '@flambeau/core/backend';
import { expect, it } from 'vitest';
import { conformanceCases, runCase } from '../../src/conformance/index.ts';

/** Whether a case compares operators, which takes a reference and the longer part of the time. */
export const comparesOperators = (name: string): boolean => name.startsWith('operator:');

/** One test for each case whose name is wanted. */
export function testConformance(
  backend: Backend,
  reference: Backend,
  wanted: (name: string) => boolean,
): void {
  registerBackend(backend);
  registerBackend(reference);
  const context = { backend, device: backend.device as Device, reference: reference.device as Device };
  const cases = conformanceCases().filter(({ name }) => wanted(name));
  it.each(cases)('$name', async (conformanceCase) => {
    const { status, reason } = await runCase(conformanceCase, context);
    expect(status, reason).not.toBe('failed');
  });
}
