import { checkpoint, collect } from '#host';
import type { Allocation } from './contract.ts';

/**
 * Finds the storages that the program dropped without saying so, and hands over their allocations. The collector
 * tells of them in one of two ways, as the host allows.
 */
export interface Dropped {
  /** Watches a storage; what comes back is its place, for `forget`. */
  watch(storage: object, allocation: Allocation): number;
  /** The storage was freed in the ordinary way. */
  forget(storage: object, place: number): void;
  /** Collects now and hands over what is gone; nothing where the host cannot be asked. */
  sweep(): void;
}

/**
 * So many storages are watched before what weak references hold for the current turn is let go. That takes some 5 µs;
 * what is held longer outlives young collections, and each weak reference then costs five times as much.
 */
const WATCHED_BETWEEN_CHECKPOINTS = 1000;

/** Weak references, looked through after a collection: works inside loops that never wait. */
class WeakTable implements Dropped {
  private readonly references: (WeakRef<object> | undefined)[] = [];
  private readonly allocations: (Allocation | undefined)[] = [];
  private readonly holes: number[] = [];
  private sinceCheckpoint = 0;
  private readonly gone: (allocation: Allocation) => void;

  constructor(gone: (allocation: Allocation) => void) {
    this.gone = gone;
  }

  watch(storage: object, allocation: Allocation): number {
    // A weak reference keeps its target until the current turn ends; loops that never wait have no such end.
    if (++this.sinceCheckpoint > WATCHED_BETWEEN_CHECKPOINTS) {
      checkpoint();
      this.sinceCheckpoint = 0;
    }
    const place = this.holes.length > 0 ? this.holes.pop()! : this.references.length;
    this.references[place] = new WeakRef(storage);
    this.allocations[place] = allocation;
    return place;
  }

  forget(_storage: object, place: number): void {
    this.references[place] = undefined;
    this.allocations[place] = undefined;
    this.holes.push(place);
  }

  sweep(): void {
    checkpoint();
    this.sinceCheckpoint = 0;
    collect!();
    for (let place = 0; place < this.references.length; place++) {
      const reference = this.references[place];
      if (reference === undefined || reference.deref() !== undefined) continue;
      const allocation = this.allocations[place]!;
      this.forget(reference, place);
      this.gone(allocation);
    }
    // To look is to hold: what lives is held until the turn ends.
    checkpoint();
  }
}

/** A registry, which the host calls between two turns of its event loop. */
class Registry implements Dropped {
  private readonly registry: FinalizationRegistry<Allocation>;

  constructor(gone: (allocation: Allocation) => void) {
    this.registry = new FinalizationRegistry(gone);
  }

  watch(storage: object, allocation: Allocation): number {
    this.registry.register(storage, allocation, storage);
    return 0;
  }

  forget(storage: object): void {
    this.registry.unregister(storage);
  }

  sweep(): void {}
}

/** Whether `sweep` finds what was dropped at once; otherwise only waiting helps. */
export const sweepsAtOnce = collect !== null;

export const watchDropped = (gone: (allocation: Allocation) => void): Dropped =>
  sweepsAtOnce ? new WeakTable(gone) : new Registry(gone);
