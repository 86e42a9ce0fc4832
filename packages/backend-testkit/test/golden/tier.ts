import { cpu } from '@flambeau/backend-cpu';
import { testGolden } from '../../../../tools/vitest/golden.ts';
import { type Suite, tier1Files } from '../../src/host/cases.ts';

/** The files of tier 1 on the CPU; `part` of `parts`, so that several workers share a long list. */
export const testTier = (suite: Suite, part = 0, parts = 1): void =>
  testGolden(
    tier1Files(suite).filter((_, i) => i % parts === part),
    cpu,
  );
