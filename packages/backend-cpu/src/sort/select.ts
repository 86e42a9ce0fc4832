import type { Operand } from '@flambeau/core/backend';
import type { Heap } from '../heap/heap.ts';
import { type KeyFiller, type Keys, keyBytes } from './keys.ts';
import { RadixSorter } from './radix.ts';
import { Workspace } from './workspace.ts';

/** From so many keys on, more buckets and fewer passes are faster. */
const MANY = 8192;

/** A word by its rank among others: how many are smaller, and how many are the same. */
export interface FoundWord {
  readonly word: number;
  readonly below: number;
  readonly equal: number;
}

/** What finding a word needs to work in. */
export interface SelectionRoom {
  /** Bits by which words are told apart in one pass. */
  readonly digit: number;
  readonly counts: Int32Array;
  readonly candidates: Uint32Array;
}

/** The loops over all keys. */
export interface SelectionLoops {
  /** How many tables of counts `find` fills side by side. */
  readonly tables: number;
  takes(words: Uint32Array): boolean;
  /** What fills keys faster than JavaScript, for the operands that it knows. */
  filler(input: Operand): KeyFiller | null;
  /** The word of a rank among the first `count`, of which the lowest `bits` count. They may be the candidates themselves. */
  find(words: Uint32Array, count: number, bits: number, rank: number, room: SelectionRoom): FoundWord;
  /** Fills in the positions of the words in `least..most`, and says how many they are. */
  within(words: Uint32Array, count: number, least: number, most: number, positions: Int32Array): number;
}

/** A key, how many others are smaller, and how many are the same. */
interface Ranked {
  readonly high: number;
  readonly low: number;
  readonly below: number;
  readonly equal: number;
}

const SMALLEST: Ranked = { high: 0, low: 0, below: 0, equal: 0 };

/**
 * Finds the elements of some ranks without sorting all: digit by digit from the highest, keeping the keys that share
 * it (radix select). Ties have the order of their positions.
 */
export class RadixSelector {
  readonly keys: Keys;
  private readonly wide: boolean;
  private readonly highBytes: number;
  private readonly workspace: Workspace;
  private readonly room: SelectionRoom;
  private readonly positions: Int32Array;
  private readonly loops: SelectionLoops;
  private sorter: RadixSorter | null = null;
  private sorterRoom = 0;

  /** @param faster loops for keys that lie in the heap. */
  constructor(longest: number, input: Operand, heap: Heap | null, faster: SelectionLoops | null) {
    const { high, wide } = keyBytes(input.dtype);
    this.wide = wide;
    this.highBytes = high;
    const digit = longest >= MANY ? 11 : 8;
    const counts = (1 << digit) * (faster ?? plainLoops).tables;
    this.workspace = new Workspace(heap, longest * (wide ? 4 : 3) + counts);
    const { workspace } = this;
    this.room = { digit, counts: workspace.int32(counts), candidates: workspace.uint32(longest) };
    this.keys = { high: workspace.uint32(longest), low: workspace.uint32(wide ? longest : 0) };
    this.positions = workspace.int32(longest);
    this.loops = faster?.takes(this.keys.high) ? faster : plainLoops;
  }

  free(): void {
    this.workspace.free();
  }

  filler(input: Operand): KeyFiller | null {
    return this.loops.filler(input);
  }

  /** The positions of the elements of ranks `first..last` among the first `count` keys, in order. */
  select(count: number, first: number, last: number, descending: boolean): Int32Array {
    const [lowest, highest] = descending ? [count - 1 - last, count - 1 - first] : [first, last];
    // What reaches to the first or the last has no bound there.
    const least = lowest === 0 && highest > 0 ? SMALLEST : this.find(count, lowest);
    const most = this.upperBound(count, lowest, highest, least);
    const { positions } = this;
    const found = this.collect(count, least, most);
    const before = descending ? count - most.below - most.equal : least.below;
    if (least === most) return positions.subarray(first - before, last - before + 1);
    const sorter = this.sorterFor(found);
    const { high, low } = sorter.keys;
    for (let i = 0; i < found; i++) high[i] = this.keys.high[positions[i]!]!;
    if (this.wide) for (let i = 0; i < found; i++) low[i] = this.keys.low[positions[i]!]!;
    sorter.sort(found, this.highBytes, descending);
    return sorter.order.subarray(first - before, last - before + 1).map((i) => positions[i]!);
  }

  /** How many of the first `count` keys are the largest that there is: those of NaN, where elements are floats. */
  countLargest(count: number): number {
    const largest = this.largest(count);
    return this.collect(count, largest, largest);
  }

  /** The largest key that there is, above all of `count`. */
  private largest(count: number): Ranked {
    return { high: 2 ** (this.highBytes * 8) - 1, low: 0xffffffff, below: count, equal: 0 };
  }

  private upperBound(count: number, lowest: number, highest: number, least: Ranked): Ranked {
    if (highest === lowest) return least;
    return highest === count - 1 ? this.largest(count) : this.find(count, highest);
  }

  /** Memory of its own: the heap must not grow, and its views go, while lines are at work. */
  private sorterFor(count: number): RadixSorter {
    if (this.sorter === null || count > this.sorterRoom) {
      this.sorterRoom = count * 2;
      this.sorter = new RadixSorter(this.sorterRoom, this.wide, null);
    }
    return this.sorter;
  }

  private find(count: number, rank: number): Ranked {
    const { keys, loops, room } = this;
    const top = loops.find(keys.high, count, this.highBytes * 8, rank, room);
    if (!this.wide) return { high: top.word, low: 0, below: top.below, equal: top.equal };
    const tied = lowOf(keys, count, top.word, room.candidates);
    const bottom = loops.find(room.candidates, tied, 32, rank - top.below, room);
    return { high: top.word, low: bottom.word, below: top.below + bottom.below, equal: bottom.equal };
  }

  /** Fills in the positions whose keys lie in a range, and says how many they are. */
  private collect(count: number, least: Ranked, most: Ranked): number {
    const { keys, positions } = this;
    const found = this.loops.within(keys.high, count, least.high, most.high, positions);
    if (!this.wide) return found;
    const { high, low } = keys;
    let kept = 0;
    for (let i = 0; i < found; i++) {
      const at = positions[i]!;
      const tooSmall = high[at] === least.high && low[at]! < least.low;
      const tooLarge = high[at] === most.high && low[at]! > most.low;
      if (!tooSmall && !tooLarge) positions[kept++] = at;
    }
    return kept;
  }
}

/** The lower words of the keys with this upper word. */
function lowOf({ high, low }: Keys, count: number, word: number, target: Uint32Array): number {
  let found = 0;
  for (let i = 0; i < count; i++) if (high[i] === word) target[found++] = low[i]!;
  return found;
}

/** The same in JavaScript. */
const plainLoops: SelectionLoops = {
  tables: 1,
  takes: () => true,
  filler: () => null,
  find(words, count, bits, rank, { digit, counts, candidates }) {
    let [source, length, word, below] = [words, count, 0, 0];
    for (let left = bits; left > 0; ) {
      const size = Math.min(digit, left);
      left -= size;
      countDigits(source, length, left, (1 << size) - 1, counts);
      let bucket = 0;
      while (below + counts[bucket]! <= rank) below += counts[bucket++]!;
      word = word * (1 << size) + bucket;
      if (counts[bucket] !== length) {
        length = keep(source, candidates, length, word * 2 ** left, (word + 1) * 2 ** left - 1);
        source = candidates;
      }
    }
    return { word, below, equal: length };
  },
  within(words, count, least, most, positions) {
    let found = 0;
    for (let i = 0; i < count; i++) {
      const word = words[i]!;
      if (word >= least && word <= most) positions[found++] = i;
    }
    return found;
  },
};

function countDigits(
  words: Uint32Array,
  count: number,
  shift: number,
  mask: number,
  counts: Int32Array,
): void {
  counts.fill(0, 0, mask + 1);
  for (let i = 0; i < count; i++) counts[(words[i]! >>> shift) & mask]! += 1;
}

/** Copies the words of a range to the front, and says how many they are. The target may be the source. */
function keep(source: Uint32Array, target: Uint32Array, count: number, least: number, most: number): number {
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const word = source[i]!;
    if (word >= least && word <= most) target[kept++] = word;
  }
  return kept;
}
