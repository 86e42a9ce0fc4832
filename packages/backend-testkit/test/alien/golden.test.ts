import { expect, it } from 'vitest';
import { loadFramework } from '../../src/cli/load-framework.ts';
import { runFile } from '../../src/golden/index.ts';
import { tier1Files } from '../../src/host/cases.ts';

it('operators of tier 1 and programs give what PyTorch gives', { timeout: 120_000 }, async () => {
  const framework = await loadFramework('alien');
  const failures: string[] = [];
  for (const { name, text } of [...tier1Files('ops'), ...tier1Files('programs')]) {
    const report = await runFile(framework, name, text, new Set(['float32', 'int64', 'bool']));
    for (const { index, reasons } of report.failures)
      failures.push(`${name}, case ${index}: ${reasons.join('; ')}`);
  }
  expect(failures).toEqual([]);
});
