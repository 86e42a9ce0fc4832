import type { Keys } from './keys.ts';

/** Up to here insertion is faster than counting into 256 buckets. */
const FEW = 40;

/**
 * Sorts positions by keys, stably: byte by byte from the lowest (LSD radix), skipping bytes in which all agree.
 * The keys stay where they are; `order` is permuted. The workspace lives as long as the sorter.
 */
export class RadixSorter {
  readonly keys: Keys;
  /** After `sort`: the positions of the elements, in order. */
  order: Int32Array;
  private spare: Int32Array;
  private readonly counts = new Int32Array(256);

  constructor(longest: number, wide: boolean) {
    this.keys = { high: new Uint32Array(longest), low: new Uint32Array(wide ? longest : 0) };
    this.order = new Int32Array(longest);
    this.spare = new Int32Array(longest);
  }

  /** Orders the first `count` keys. @param highBytes how many of the lowest bytes of `high` count. */
  sort(count: number, highBytes: number, descending: boolean): void {
    const { high, low } = this.keys;
    if (descending) {
      // Turning the keys round keeps the order of equal ones; bytes above `highBytes` agree before and after.
      for (let i = 0; i < count; i++) high[i] = ~high[i]!;
      for (let i = 0; i < low.length; i++) low[i] = ~low[i]!;
    }
    for (let i = 0; i < count; i++) this.order[i] = i;
    if (count <= FEW) {
      insertionSort(this.order, high, low, count);
      return;
    }
    for (let byte = 0; low.length > 0 && byte < 4; byte++) this.pass(low, byte * 8, count);
    for (let byte = 0; byte < highBytes; byte++) this.pass(high, byte * 8, count);
  }

  private pass(keys: Uint32Array, shift: number, count: number): void {
    const { counts, order, spare } = this;
    counts.fill(0);
    for (let i = 0; i < count; i++) counts[(keys[i]! >>> shift) & 255]! += 1;
    if (counts[(keys[0]! >>> shift) & 255] === count) return;
    for (let bucket = 0, start = 0; bucket < 256; bucket++) {
      const size = counts[bucket]!;
      counts[bucket] = start;
      start += size;
    }
    for (let i = 0; i < count; i++) {
      const position = order[i]!;
      const bucket = (keys[position]! >>> shift) & 255;
      const to = counts[bucket]!;
      counts[bucket] = to + 1;
      spare[to] = position;
    }
    this.order = spare;
    this.spare = order;
  }
}

function insertionSort(order: Int32Array, high: Uint32Array, low: Uint32Array, count: number): void {
  const wide = low.length > 0;
  for (let i = 1; i < count; i++) {
    const position = order[i]!;
    const top = high[position]!;
    const bottom = wide ? low[position]! : 0;
    let j = i - 1;
    for (; j >= 0; j--) {
      const other = order[j]!;
      const above = high[other]!;
      if (above < top || (above === top && (!wide || low[other]! <= bottom))) break;
      order[j + 1] = other;
    }
    order[j + 1] = position;
  }
}
