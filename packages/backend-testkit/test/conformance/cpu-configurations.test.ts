import { type CpuOptions, cpu } from '@flambeau/backend-cpu';
import { describe } from 'vitest';
import { comparesOperators } from '../../../../tools/vitest/conformance.ts';
import { alien } from '../alien/index.ts';
import { testConformance } from './suite.ts';

/** How the CPU backend runs where the host allows less, or an application asks for it. */
const configurations: Readonly<Record<string, CpuOptions>> = {
  'one thread': { threads: 1 },
  'two threads': { threads: 2 },
  'no relaxed SIMD': { relaxedSimd: 'off' },
  'memory that is not shared': { sharedMemory: 'off' },
  'no WebAssembly': { wasm: 'off' },
};

describe.each(Object.entries(configurations))('the CPU backend with %s', (name, options) => {
  // Each configuration is a device of its own, so that all can be registered side by side.
  const device = `cpu:${Object.keys(configurations).indexOf(name) + 1}`;
  testConformance({ ...cpu(options), device }, alien(), (wanted) => !comparesOperators(wanted));
});
