import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { readList, unpackFiles } from '../golden/index.ts';

/** PyTorch's reference cases that come with the package, read in Node. */

export const suites = ['ops', 'modules', 'optim', 'programs'] as const;

export type Suite = (typeof suites)[number];

export function isSuite(name: string): name is Suite {
  return (suites as readonly string[]).includes(name);
}

/** A file of cases, as `runFile` of `@flambeau/backend-testkit/golden` takes it. */
export interface CaseFile {
  readonly suite: Suite;
  /** Without `.json`. */
  readonly name: string;
  readonly text: string;
}

const packageFile = createRequire(import.meta.url).resolve('@flambeau/backend-testkit/package.json');
const inData = (file: string): string => join(dirname(packageFile), 'data', file);

/** All files of a suite, by name. */
export function readSuite(suite: Suite): Map<string, string> {
  return unpackFiles(brotliDecompressSync(readFileSync(inData(`${suite}.br`))).toString('utf8'));
}

const TIER1: Readonly<Record<Suite, string>> = {
  ops: 'tier1.txt',
  modules: 'tier1-modules.txt',
  optim: 'tier1-optim.txt',
  programs: 'tier1-programs.txt',
};

/** The files of a suite that a backend passes before anything else, in the order of their list. */
export function tier1Files(suite: Suite): readonly CaseFile[] {
  const files = readSuite(suite);
  const names = readList(readFileSync(inData(TIER1[suite]), 'utf8'));
  return names.map((name) => ({ suite, name, text: files.get(name) ?? '' }));
}
