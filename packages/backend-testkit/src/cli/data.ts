import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { unpackFiles } from '../golden/index.ts';

/** The sets of cases that come with the package. */
export const suites = ['ops', 'modules', 'optim'] as const;

export type Suite = (typeof suites)[number];

export function isSuite(name: string): name is Suite {
  return (suites as readonly string[]).includes(name);
}

const folder = new URL('../../data/', import.meta.url);

/** The files of a suite, by name without `.json`. */
export function readSuite(suite: Suite): Map<string, string> {
  return unpackFiles(brotliDecompressSync(readFileSync(new URL(`${suite}.br`, folder))).toString('utf8'));
}

/** A list of file names that comes with the package: `tier1`, `tier1-modules`, `tier1-optim`. */
export function readTier(name: string): string {
  return readFileSync(new URL(`${name}.txt`, folder), 'utf8');
}
