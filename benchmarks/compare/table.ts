import type { Case, Goal, PeerName } from './cases.ts';
import type { Ratio } from './statistics.ts';

/** The table that people read. */

export interface Row {
  readonly case: Case;
  readonly device: string;
  readonly threads: number;
  readonly nanoseconds: number;
  readonly ratios: ReadonlyMap<Goal['against'], Ratio>;
  /** Peers that cannot run the case. */
  readonly cannot: ReadonlySet<PeerName>;
}

/** Three digits and a unit: `118 ns`, `4.70 µs`, `1.28 ms`. */
export function showTime(nanoseconds: number): string {
  const [unit, size] =
    nanoseconds < 1e3
      ? ['ns', 1]
      : nanoseconds < 1e6
        ? ['µs', 1e3]
        : nanoseconds < 1e9
          ? ['ms', 1e6]
          : ['s', 1e9];
  return `${digits(nanoseconds / size)} ${unit}`;
}

const digits = (value: number): string => value.toFixed(value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0);

export const goalOf = (
  { case: { goals }, device, threads }: Row,
  against: Goal['against'],
): Goal | undefined =>
  goals.find((goal) => goal.against === against && goal.device === device && goal.threads === threads);

/** `0.105 (0.101–0.110) ≤ 0.25`, with `!` before the limit where it is missed. */
export function showRatio({ median, lowest, highest }: Ratio, goal: Goal | undefined): string {
  const spread = `${digits(median)} (${digits(lowest)}–${digits(highest)})`;
  if (goal === undefined) return spread;
  return `${spread} ${median <= goal.atMost ? '≤' : '!≤'} ${goal.atMost}`;
}

/** Columns of text, the first one flush left and the rest flush right. */
export function showTable(rows: readonly Row[], columns: readonly Goal['against'][]): string {
  const lines = [
    ['case', 'threads', 'flambeau', ...columns],
    ...rows.map((row) => [
      row.case.name,
      String(row.threads),
      showTime(row.nanoseconds),
      ...columns.map((column) => {
        const ratio = row.ratios.get(column);
        if (ratio !== undefined) return showRatio(ratio, goalOf(row, column));
        return row.cannot.has(column as PeerName) ? 'cannot' : '';
      }),
    ]),
  ];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
