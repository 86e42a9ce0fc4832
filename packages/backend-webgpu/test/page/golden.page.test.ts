import { type Framework, failureLines, readList, runFile } from '@flambeau/backend-testkit/golden';
import { webgpu } from '@flambeau/backend-webgpu';
import * as core from '@flambeau/core';
import * as nn from '@flambeau/nn';
import * as optim from '@flambeau/optim';
import { beforeAll, describe, expect, it } from 'vitest';
import { commands } from 'vitest/browser';

declare module 'vitest/browser' {
  interface BrowserCommands {
    goldenSuite: (suite: string) => Promise<[name: string, text: string][]>;
    goldenTier: (name: string) => Promise<string>;
  }
}

const tiers = { ops: 'tier1', modules: 'tier1-modules', optim: 'tier1-optim' };
const dtypes = new Set(['float32', 'int64', 'bool']);

let framework: Framework;

beforeAll(async () => {
  const backend = core.registerBackend(await webgpu());
  core.setDefaultDevice('webgpu');
  framework = {
    core: { ...core },
    nn: { ...nn },
    optim: { ...optim },
    device: backend.device,
    dtypes: new Set<string>(backend.limits.dtypes),
    synchronousReads: backend.limits.synchronousReads,
  };
});

describe.each(['ops', 'modules', 'optim'] as const)(
  "PyTorch's cases on WebGPU in a page: %s",
  async (suite) => {
    const files = new Map(await commands.goldenSuite(suite));
    it.each(readList(await commands.goldenTier(tiers[suite])))('%s', { timeout: 180_000 }, async (name) => {
      const report = await runFile(framework, name, files.get(name) ?? '', dtypes);
      expect(report.passed, failureLines(report).join('\n')).toBe(true);
    });
  },
);
