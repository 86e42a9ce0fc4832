import type { FileReport } from './run.ts';

const shownFailures = 3;

/** The lines of one failing file: how many cases, and the first ones' reasons. */
export function failureLines({ file, cases, failures }: FileReport): string[] {
  const [first] = failures;
  if (first !== undefined && first.index < 0) return [`FAIL ${file}: ${first.reasons[0] ?? ''}`];
  const lines = [`FAIL ${file}: ${failures.length} of ${cases} cases`];
  for (const { index, label, kind, reasons } of failures.slice(0, shownFailures)) {
    const more = reasons.length > 1 ? ` (and ${reasons.length - 1} more)` : '';
    lines.push(`  case ${index} (${label}) ${kind}: ${reasons[0] ?? ''}${more}`);
  }
  if (failures.length > shownFailures) lines.push(`  and ${failures.length - shownFailures} more cases`);
  return lines;
}

/** What was left out because the backend cannot store it, if anything. */
export function notStoredLines(reports: readonly FileReport[]): string[] {
  const totals = new Map<string, number>();
  for (const { notStored } of reports) {
    for (const [dtype, count] of Object.entries(notStored))
      totals.set(dtype, (totals.get(dtype) ?? 0) + count);
  }
  return [...totals].map(
    ([dtype, count]) => `not counted: ${count} cases that need ${dtype}, which the backend lacks`,
  );
}

/** The last line of a run. */
export function summaryLine(reports: readonly FileReport[]): string {
  const sum = (of: (report: FileReport) => number) =>
    reports.reduce((total, report) => total + of(report), 0);
  return (
    `golden: ${sum((report) => Number(report.passed))} passed of ${reports.length} files, ` +
    `${sum((report) => report.casesPassed)} passed of ${sum((report) => report.cases)} cases`
  );
}
