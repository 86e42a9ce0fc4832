import { type Device, registerBackend } from '@flambeau/core';
import type { Backend } from '@flambeau/core/backend';
import { testCases } from '../../../../tools/vitest/conformance.ts';
import { conformanceContext } from '../../src/conformance/index.ts';

/** The conformance suite on a backend, with another as the judge of operators. */
export const testConformance = (
  backend: Backend,
  reference: Backend,
  wanted: (name: string) => boolean,
): void =>
  testCases(
    () => {
      // Plugins extend the type of devices.
      const { context } = conformanceContext(backend, reference.device as Device);
      registerBackend(reference);
      return context;
    },
    { wanted },
  );
