/** Everything is counted in units of a cache line, so that addresses of 4 GiB fit into 32-bit integers. */
export const UNIT_BYTES = 64;

/** Sizes up to this many units have a class each; above there are eight classes to a doubling. */
const FINE_UNITS = 16;
const STEPS = 8;

interface Region {
  start: number;
  end: number;
}

/** How many units a block of `units` really takes: at most an eighth more. */
export function classSize(units: number): number {
  if (units <= FINE_UNITS) return units;
  const step = 1 << (28 - Math.clz32(units - 1));
  return (units + step - 1) & -step;
}

/** The class of a size that `classSize` gave. Dense from 0. */
export function classIndex(units: number): number {
  if (units <= FINE_UNITS) return units - 1;
  const exponent = 31 - Math.clz32(units - 1);
  return FINE_UNITS + (exponent - 4) * STEPS + (((units - 1) >>> (exponent - 3)) & (STEPS - 1));
}

/**
 * Blocks of a range of addresses, by size class. A block that comes back waits in its class, so that programs that
 * ask for the same sizes again and again take and give in a few nanoseconds; only when the range runs out are
 * neighbours joined. All numbers are units.
 */
export class Blocks {
  private readonly waiting: number[][] = [];
  private readonly sizes: number[] = [];
  private regions: Region[];
  /** Units in blocks that are handed out. */
  used = 0;
  /** Units that wait in classes. */
  idle = 0;

  constructor(start: number, end: number) {
    this.regions = [{ start, end }];
  }

  /** The first unit of a block of `size` units, as `classSize` gave it; -1 where the range has none. */
  take(size: number): number {
    const index = classIndex(size);
    const list = this.waiting[index];
    if (list !== undefined && list.length > 0) {
      this.idle -= size;
      this.used += size;
      return list.pop()!;
    }
    return this.carve(size);
  }

  give(start: number, size: number): void {
    const index = classIndex(size);
    let list = this.waiting[index];
    if (list === undefined) {
      list = [];
      this.waiting[index] = list;
      this.sizes[index] = size;
    }
    list.push(start);
    this.used -= size;
    this.idle += size;
  }

  /** Adds units behind the end of the range. */
  extend(from: number, to: number): void {
    const last = this.regions.at(-1);
    if (last !== undefined && last.end === from) last.end = to;
    else this.regions.push({ start: from, end: to });
  }

  /** Joins what waits with its neighbours. */
  join(): void {
    const free = this.regions.filter(({ start, end }) => end > start);
    for (const [index, list] of this.waiting.entries()) {
      if (list === undefined) continue;
      for (const start of list) free.push({ start, end: start + this.sizes[index]! });
      list.length = 0;
    }
    free.sort((a, b) => a.start - b.start);
    const joined: Region[] = [];
    for (const region of free) {
      const last = joined.at(-1);
      if (last !== undefined && last.end === region.start) last.end = region.end;
      else joined.push(region);
    }
    this.regions = joined;
    this.idle = 0;
  }

  private carve(size: number): number {
    const { regions } = this;
    for (let i = 0; i < regions.length; i++) {
      const region = regions[i]!;
      if (region.end - region.start < size) continue;
      const { start } = region;
      region.start += size;
      // A region that is used up goes, but for the last, which `extend` continues.
      if (region.start === region.end && i < regions.length - 1) regions.splice(i, 1);
      this.used += size;
      return start;
    }
    return -1;
  }
}
