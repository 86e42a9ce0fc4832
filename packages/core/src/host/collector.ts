import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What a collection looks through: what was made lately, or everything. */
export type Generation = 'young' | 'all';

/** The host's collector, where it can be asked. */
export interface Collector {
  /** Collects now. A young collection takes a fiftieth of the time of a full one. */
  collect(generation: Generation): void;
  /** What the last collection left in a weak set; null where it cannot be said. */
  list<T extends Listed>(set: WeakSet<T>): readonly T[] | null;
}

let listed: Listed[] | null = null;
const MARK = '•';

/** What stands in weak sets that are listed. */
export class Listed {
  [inspect.custom](): string {
    listed?.push(this);
    return MARK;
  }
}

let gc: ((options?: { type: 'minor' }) => void) | null = null;

/** V8 gives its function to contexts that are made while the flag is set. */
function collect(generation: Generation): void {
  if (gc === null) {
    setFlagsFromString('--expose-gc');
    gc = runInNewContext('gc') as typeof gc;
    setFlagsFromString('--no-expose-gc');
  }
  if (generation === 'young') gc!({ type: 'minor' });
  else gc!();
}

/**
 * `util.inspect` shows hidden entries, and asks each for its text. Weak references would not do: V8 holds what they
 * name through young collections, but takes what has gone out of weak sets.
 */
function list<T extends Listed>(set: WeakSet<T>): readonly T[] | null {
  listed = [];
  try {
    const text = inspect(set, {
      showHidden: true,
      customInspect: true,
      maxArrayLength: null,
      depth: 0,
      colors: false,
    });
    // One that was interrupted, as for want of stack, shows less.
    const whole = text.startsWith('WeakSet') && text.split(MARK).length - 1 === listed.length;
    return whole ? (listed as T[]) : null;
  } finally {
    listed = null;
  }
}

/** Other hosts that run Node's modules have collectors of their own, and another `inspect`. */
const isNode = !('bun' in process.versions) && !('deno' in process.versions);

/** Null where the host has no way to ask. */
export const collector: Collector | null = isNode ? { collect, list } : null;
