import { loadFramework } from '../../src/cli/load-framework.ts';
import { type Suite, tier1Files } from '../../src/host/cases.ts';
import { testFiles } from './files.ts';

/** The files of tier 1 on the CPU; `part` of `parts`, so that several workers share a long list. */
export async function testTier(suite: Suite, part = 0, parts = 1): Promise<void> {
  const framework = await loadFramework('cpu');
  testFiles(
    tier1Files(suite).filter((_, i) => i % parts === part),
    () => framework,
  );
}
