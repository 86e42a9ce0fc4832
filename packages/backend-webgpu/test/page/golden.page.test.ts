import { webgpu } from '@flambeau/backend-webgpu';
import { describe } from 'vitest';
import { commands } from 'vitest/browser';
import { testGolden } from '../../../../tools/vitest/golden.ts';

const files = await commands.caseFiles();

describe('the WebGPU backend in a page', () => testGolden(files, webgpu));
