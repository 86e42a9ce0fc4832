import { expect, it } from 'vitest';
import { readSuite, readTier } from '../../src/cli/data.ts';
import { loadFramework } from '../../src/cli/load-framework.ts';
import { readList, runFile } from '../../src/golden/index.ts';

/** Cases whose result has a shape that only the values decide, through a call that does not wait: core names the one that does. */
const WAITING: Readonly<Record<string, string>> = {
  __getitem__: 'x.index(mask): await x.maskedSelect(mask)',
  'nn.functional.one_hot': 'oneHot(x) without numClasses',
};

it('the operators of tier 1 give what PyTorch gives', { timeout: 120_000 }, async () => {
  const framework = await loadFramework('alien');
  const files = readSuite('ops');
  const failures: string[] = [];
  const waited = new Set<string>();
  for (const name of readList(readTier('tier1'))) {
    const report = await runFile(
      framework,
      name,
      files.get(name) ?? '',
      new Set(['float32', 'int64', 'bool']),
    );
    for (const { index, reasons } of report.failures) {
      const text = reasons.join('; ');
      if (name in WAITING && text.includes('cannot be read on alien without waiting')) waited.add(name);
      else failures.push(`${name}, case ${index}: ${text}`);
    }
  }
  expect(failures).toEqual([]);
  expect([...waited].sort(), 'a name that waits for nothing any more is no exception').toEqual(
    Object.keys(WAITING).sort(),
  );
});
