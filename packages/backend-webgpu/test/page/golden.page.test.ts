import type { CaseFile, Suite } from '@flambeau/backend-testkit/cases';
import { webgpu } from '@flambeau/backend-webgpu';
import { describe } from 'vitest';
import { commands } from 'vitest/browser';
import { testGolden } from '../support/golden.ts';

declare module 'vitest/browser' {
  interface BrowserCommands {
    caseFiles: (suite: Suite) => Promise<readonly CaseFile[]>;
  }
}

describe('the WebGPU backend in a page', () =>
  testGolden(
    () => webgpu(),
    (suite) => commands.caseFiles(suite),
  ));
