import { expect, it } from 'vitest';
import type { Framework } from '../../src/golden/framework.ts';
import { runFile } from '../../src/golden/index.ts';
import { failureLines } from '../../src/golden/report.ts';
import type { CaseFile } from '../../src/host/cases.ts';

/** Core computes in complex numbers later; see the other dtypes first. */
const dtypes = new Set(['float32', 'int64', 'bool']);

/** One test for each file. */
export function testFiles(files: readonly CaseFile[], framework: () => Framework): void {
  it.each(files)('$suite: $name', { timeout: 180_000 }, async ({ name, text }) => {
    const report = await runFile(framework(), name, text, dtypes);
    expect(report.passed, failureLines(report).join('\n')).toBe(true);
  });
}
