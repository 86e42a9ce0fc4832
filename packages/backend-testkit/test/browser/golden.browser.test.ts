import { cpu } from '@flambeau/backend-cpu';
import { describe, expect, it } from 'vitest';
import { readList, runFile } from '../../src/golden/index.ts';
import { failureLines } from '../../src/golden/report.ts';
import { frameworkOn, isolated, suiteFiles, tiers } from './page.ts';

it('the page is isolated as it was asked to be', () => expect(crossOriginIsolated).toBe(isolated));

const framework = frameworkOn(cpu());
const dtypes = new Set(['float32', 'int64', 'bool']);

describe.each(['ops', 'modules', 'optim'] as const)("PyTorch's cases: %s", async (suite) => {
  const files = await suiteFiles(suite);
  it.each(readList(tiers[suite]))('%s', async (name) => {
    const report = await runFile(framework, name, files.get(name) ?? '', dtypes);
    expect(report.passed, failureLines(report).join('\n')).toBe(true);
  });
});
