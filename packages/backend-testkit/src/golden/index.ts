export { packFiles, readList, unpackFiles } from './archive.ts';
export type { Framework, Namespace } from './framework.ts';
export { failureLines, notStoredLines, summaryLine } from './report.ts';
export { type CaseFailure, type FileReport, runFile, unreadable } from './run.ts';
