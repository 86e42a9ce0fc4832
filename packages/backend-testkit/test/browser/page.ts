/// <reference types="vite/client" />
import * as core from '@flambeau/core';
import type { Backend } from '@flambeau/core/backend';
import * as nn from '@flambeau/nn';
import * as optim from '@flambeau/optim';
import { inject } from 'vitest';
import { commands } from 'vitest/browser';
import tier1 from '../../data/tier1.txt?raw';
import tier1Modules from '../../data/tier1-modules.txt?raw';
import tier1Optim from '../../data/tier1-optim.txt?raw';
import type { Framework } from '../../src/golden/framework.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Whether the page is served with the headers that allow it threads. */
    isolated: boolean;
  }
}

declare module 'vitest/browser' {
  interface BrowserCommands {
    goldenSuite: (suite: string) => Promise<[name: string, text: string][]>;
  }
}

export const isolated = inject('isolated');

export const tiers = { ops: tier1, modules: tier1Modules, optim: tier1Optim };

/** The cases of a suite, by file. */
export const suiteFiles = async (suite: keyof typeof tiers): Promise<Map<string, string>> =>
  new Map(await commands.goldenSuite(suite));

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
