import type { CaseFile, Suite } from '@flambeau/backend-testkit/cases';
import { type Framework, failureLines, runFile } from '@flambeau/backend-testkit/golden';
import type { WebGpuBackend } from '@flambeau/backend-webgpu';
import * as core from '@flambeau/core';
import * as nn from '@flambeau/nn';
import * as optim from '@flambeau/optim';
import { beforeAll, describe, expect, it } from 'vitest';

const dtypes = new Set(['float32', 'int64', 'bool']);

/** One test for each file of PyTorch's cases of tier 1. */
export function testGolden(
  make: () => Promise<WebGpuBackend>,
  filesOf: (suite: Suite) => readonly CaseFile[] | Promise<readonly CaseFile[]>,
): void {
  let framework: Framework;
  beforeAll(async () => {
    const backend = core.registerBackend(await make());
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
  describe.each(['ops', 'modules', 'optim'] as const)("PyTorch's cases: %s", async (suite) => {
    it.each(await filesOf(suite))('$name', { timeout: 180_000 }, async ({ name, text }) => {
      const report = await runFile(framework, name, text, dtypes);
      expect(report.passed, failureLines(report).join('\n')).toBe(true);
    });
  });
}
