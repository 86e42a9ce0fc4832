import { webgpu } from '@flambeau/backend-webgpu';
import { describe } from 'vitest';
import { comparesOperators, testConformance } from '../support/conformance.ts';

// Operators are compared in Node, on both adapters; in a page PyTorch's cases stand for them, in less time.
describe('the WebGPU backend in a page', () =>
  testConformance(
    () => webgpu(),
    (name) => !comparesOperators(name),
  ));
