import { expect, it } from 'vitest';
import { readSuite, readTier, type Suite } from '../../src/cli/data.ts';
import { loadFramework } from '../../src/cli/load-framework.ts';
import { readList, runFile } from '../../src/golden/index.ts';
import { failureLines } from '../../src/golden/report.ts';

/** Core computes in complex numbers later; see the other dtypes first. */
const dtypes = new Set(['float32', 'int64', 'bool']);

/** One test for each file of a list; `part` of `parts`, so that several workers share a long one. */
export async function testTier(suite: Suite, tier: string, part = 0, parts = 1): Promise<void> {
  const framework = await loadFramework('cpu');
  const files = readSuite(suite);
  const names = readList(readTier(tier)).filter((_, i) => i % parts === part);
  it.each(names)('%s', async (name) => {
    const report = await runFile(framework, name, files.get(name) ?? '', dtypes);
    expect(report.passed, failureLines(report).join('\n')).toBe(true);
  });
}
