/** The harness's arithmetic. */

/** The middle of the sorted values; the mean of the two middle ones where their number is even. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('median: there are no values');
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

export interface Ratio {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

/**
 * How many times the peer's time ours is, over the rounds. Each ratio is taken within its round, so that a slow moment
 * of the machine weighs on both sides.
 */
export function ratioOf(own: readonly number[], peer: readonly number[]): Ratio {
  if (own.length !== peer.length)
    throw new RangeError(`ratioOf: ${own.length} rounds of ours against ${peer.length} of the peer`);
  const ratios = own.map((value, round) => value / peer[round]!);
  return { median: median(ratios), lowest: Math.min(...ratios), highest: Math.max(...ratios) };
}

/**
 * What differs between two checks, or undefined. Values are compared with the largest magnitude of all, as sums over
 * many elements lose digits in what they cancel.
 */
export function difference(
  own: readonly number[],
  peer: readonly number[],
  tolerance: number,
): string | undefined {
  if (own.length !== peer.length) return `${own.length} values against ${peer.length}`;
  const scale = Math.max(...own.map(Math.abs), Number.MIN_VALUE);
  for (const [i, value] of own.entries()) {
    const other = peer[i]!;
    // Written so that NaN differs from everything.
    if (!(Math.abs(value - other) <= tolerance * scale))
      return `value ${i} of ${own.length} is ${value}, the peer's ${other}`;
  }
  return undefined;
}
