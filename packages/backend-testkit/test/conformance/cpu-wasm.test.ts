import { cpu } from '@flambeau/backend-cpu';
import { describe } from 'vitest';
import { alien } from '../alien/index.ts';
import { testConformance } from './suite.ts';

// However small the tensors are, the kernels in WebAssembly compute them.
describe('the CPU backend, all of it in WebAssembly', () =>
  testConformance(cpu({ wasmFrom: 1 }), alien(), () => true));
