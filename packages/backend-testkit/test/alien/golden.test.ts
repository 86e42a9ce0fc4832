import { expect, it } from 'vitest';
import { readSuite, readTier } from '../../src/cli/data.ts';
import { loadFramework } from '../../src/cli/load-framework.ts';
import { readList, runFile } from '../../src/golden/index.ts';

it('the operators of tier 1 give what PyTorch gives', { timeout: 120_000 }, async () => {
  const framework = await loadFramework('alien');
  const files = readSuite('ops');
  const failures: string[] = [];
  for (const name of readList(readTier('tier1'))) {
    const report = await runFile(
      framework,
      name,
      files.get(name) ?? '',
      new Set(['float32', 'int64', 'bool']),
    );
    for (const { index, reasons } of report.failures)
      failures.push(`${name}, case ${index}: ${reasons.join('; ')}`);
  }
  expect(failures).toEqual([]);
});
