import { isSuite, readSuite, readTier } from '../../src/cli/data.ts';

/** For tests in a page, which reads no files: the cases of a suite, by file. */
export function goldenSuite(_context: unknown, suite: string): [name: string, text: string][] {
  if (!isSuite(suite)) throw new RangeError(`there is no suite ${suite}`);
  return [...readSuite(suite)];
}

/** A list of file names that comes with the package. */
export const goldenTier = (_context: unknown, name: string): string => readTier(name);
