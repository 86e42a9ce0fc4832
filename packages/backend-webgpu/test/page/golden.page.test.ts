import { webgpu } from '@flambeau/backend-webgpu';
import { describe } from 'vitest';
import { commands } from 'vitest/browser';
import { testGolden } from '../../../../tools/vitest/golden.ts';

const files = await Promise.all(
  (['ops', 'modules', 'optim'] as const).map((suite) => commands.caseFiles(suite)),
);

describe('the WebGPU backend in a page', () => testGolden(files.flat(), webgpu));
