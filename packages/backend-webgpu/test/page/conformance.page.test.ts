import { webgpu } from '@flambeau/backend-webgpu';
import { describe } from 'vitest';
import { testConformance } from '../support/conformance.ts';

describe('the WebGPU backend in a page', () => testConformance(() => webgpu()));
