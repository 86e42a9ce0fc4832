import { type CaseFile, type Suite, tier1Files } from '../../src/host/cases.ts';

/** For tests in a page, which reads no files. */
export const caseFiles = (_context: unknown, suite: Suite): readonly CaseFile[] => tier1Files(suite);
