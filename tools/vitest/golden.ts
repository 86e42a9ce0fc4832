import type { CaseFile } from '@flambeau/backend-testkit/cases';
import { type Framework, failureLines, frameworkOn, runFile } from '@flambeau/backend-testkit/golden';
import * as core from '@flambeau/core';
import type { Backend } from '@flambeau/core/backend';
import * as nn from '@flambeau/nn';
import * as optim from '@flambeau/optim';
import { beforeAll, expect, it } from 'vitest';

/** Core computes in complex numbers later; see the other dtypes first. */
const DTYPES: ReadonlySet<string> = new Set(['float32', 'int64', 'bool']);

/** One test for each file of PyTorch's cases, on a backend that becomes the default device. */
export function testGolden(files: readonly CaseFile[], open: () => Backend | Promise<Backend>): void {
  let framework: Framework;
  beforeAll(async () => {
    const backend = core.registerBackend(await open());
    // Plugins extend the type of devices.
    core.setDefaultDevice(backend.device as core.Device);
    framework = frameworkOn(backend, { core, nn, optim });
  });
  it.each(files)('$suite: $name', { timeout: 180_000 }, async ({ name, text }) => {
    const report = await runFile(framework, name, text, DTYPES);
    expect(report.passed, failureLines(report).join('\n')).toBe(true);
  });
}
