/** PyTorch's reference cases on any backend: the runner, without where the files come from. */
export { readList, unpackFiles } from './archive.ts';
export { type Framework, frameworkOn } from './framework.ts';
export { failureLines, notStoredLines, summaryLine } from './report.ts';
export { type FileReport, runFile, unreadable } from './run.ts';
