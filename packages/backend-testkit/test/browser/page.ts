import * as core from '@flambeau/core';
import type { Backend } from '@flambeau/core/backend';
import * as nn from '@flambeau/nn';
import * as optim from '@flambeau/optim';
import { inject } from 'vitest';
import type { Framework } from '../../src/golden/framework.ts';
import type { CaseFile, Suite } from '../../src/host/cases.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Whether the page is served with the headers that allow it threads. */
    isolated: boolean;
  }
}

declare module 'vitest/browser' {
  interface BrowserCommands {
    caseFiles: (suite: Suite) => Promise<readonly CaseFile[]>;
  }
}

export const isolated = inject('isolated');

/** The framework on one backend, as the golden runner takes it. */
export function frameworkOn(backend: Backend): Framework {
  core.registerBackend(backend);
  core.setDefaultDevice(backend.device as core.Device);
  return {
    core: { ...core },
    nn: { ...nn },
    optim: { ...optim },
    device: backend.device,
    dtypes: new Set<string>(backend.limits.dtypes),
  };
}
