export { readList, unpackFiles } from './archive.ts';
export { failureLines, notStoredLines, summaryLine } from './report.ts';
export { type FileReport, runFile, unreadable } from './run.ts';
