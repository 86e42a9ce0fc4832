import type { Heap } from '../heap/heap.ts';
import type { Keys } from './keys.ts';
import { Workspace } from './workspace.ts';

/** Up to here insertion is faster than counting into buckets. */
const FEW = 40;
/** From here on the keys do not stay in the nearest caches, and fewer passes make up for more buckets. */
const MANY = 8192;

/** Positions, and where keys move along the keys at these positions. Each pass goes from one copy to the other. */
interface Records {
  readonly order: Int32Array;
  readonly high: Uint32Array;
  readonly low: Uint32Array;
}

/**
 * Sorts positions by keys, stably: digit by digit from the lowest (LSD radix), skipping digits in which all agree.
 * Many keys move along with their positions, so that every pass reads in order; few stay where they are.
 */
export class RadixSorter {
  private from: Records;
  private to: Records;
  private readonly wide: boolean;
  private readonly counts = new Int32Array(2048);
  private readonly workspace: Workspace;

  /** The workspace is the heap's, where there is one: until `free`. */
  constructor(longest: number, wide: boolean, heap: Heap | null) {
    this.wide = wide;
    this.workspace = new Workspace(heap, longest * (wide ? 3 : 2) * 2);
    const { workspace } = this;
    const records = (): Records => ({
      order: workspace.int32(longest),
      high: workspace.uint32(longest),
      low: workspace.uint32(wide ? longest : 0),
    });
    this.from = records();
    this.to = records();
  }

  free(): void {
    this.workspace.free();
  }

  /** To be filled before each `sort`. */
  get keys(): Keys {
    return this.from;
  }

  /** After `sort`: the positions of the elements, in order. */
  get order(): Int32Array {
    return this.from.order;
  }

  /** Orders the first `count` keys. @param highBytes how many of the lowest bytes of `high` count. */
  sort(count: number, highBytes: number, descending: boolean): void {
    const { order, high, low } = this.from;
    if (descending) {
      // Turning the keys round keeps the order of equal ones; bytes above `highBytes` agree before and after.
      for (let i = 0; i < count; i++) high[i] = ~high[i]!;
      if (this.wide) for (let i = 0; i < count; i++) low[i] = ~low[i]!;
    }
    for (let i = 0; i < count; i++) order[i] = i;
    if (count <= FEW) {
      insertionSort(order, high, low, count);
      return;
    }
    const moving = count >= MANY;
    const digit = moving ? 11 : 8;
    if (this.wide)
      for (let shift = 0; shift < 32; shift += digit) this.pass('low', shift, digit, count, moving);
    for (let shift = 0; shift < highBytes * 8; shift += digit) this.pass('high', shift, digit, count, moving);
  }

  private pass(by: 'high' | 'low', shift: number, digit: number, count: number, moving: boolean): void {
    const { counts, from, to, wide } = this;
    const keys = from[by];
    const mask = (1 << digit) - 1;
    counts.fill(0, 0, mask + 1);
    for (let i = 0; i < count; i++) counts[(keys[i]! >>> shift) & mask]! += 1;
    if (counts[(keys[0]! >>> shift) & mask] === count) return;
    for (let bucket = 0, start = 0; bucket <= mask; bucket++) {
      const size = counts[bucket]!;
      counts[bucket] = start;
      start += size;
    }
    if (moving) {
      move(from, to, keys, shift, mask, counts, count, wide);
      this.from = to;
      this.to = from;
    } else {
      permute(from.order, to.order, keys, shift, mask, counts, count);
      this.from = { ...from, order: to.order };
      this.to = { ...to, order: from.order };
    }
  }
}

function permute(
  order: Int32Array,
  newOrder: Int32Array,
  keys: Uint32Array,
  shift: number,
  mask: number,
  counts: Int32Array,
  count: number,
): void {
  for (let i = 0; i < count; i++) {
    const position = order[i]!;
    const bucket = (keys[position]! >>> shift) & mask;
    const place = counts[bucket]!;
    counts[bucket] = place + 1;
    newOrder[place] = position;
  }
}

function move(
  { order, high, low }: Records,
  { order: newOrder, high: newHigh, low: newLow }: Records,
  keys: Uint32Array,
  shift: number,
  mask: number,
  counts: Int32Array,
  count: number,
  wide: boolean,
): void {
  for (let i = 0; i < count; i++) {
    const bucket = (keys[i]! >>> shift) & mask;
    const place = counts[bucket]!;
    counts[bucket] = place + 1;
    newOrder[place] = order[i]!;
    newHigh[place] = high[i]!;
    if (wide) newLow[place] = low[i]!;
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
