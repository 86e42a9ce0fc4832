import { checkpoint, collect } from '#host';
import type { Allocation } from './contract.ts';

/** So many small storages of like size share a cohort: what one of them that lives holds of dropped ones is bounded. */
const MEMBERS = 4;
const SMALL_BYTES = 8192;

/**
 * Stands for the memory of one storage, or of a few small ones made one after the other. Each of them holds it, so
 * that the collector gives it up when the last of them is gone; the watcher holds `members`. One whose members were
 * all freed in the ordinary way serves again.
 */
export class Cohort {
  readonly members: (Allocation | undefined)[] = [];
  /** Members that may still join. */
  vacant = 0;
  /** Members that were not freed yet. */
  living = 0;
}

/**
 * Finds the storages that the program dropped without saying so, and hands over their allocations. The collector
 * tells of them in one of two ways, as the host allows.
 */
export abstract class Dropped {
  private readonly spare: Cohort[] = [];
  /** By size class, those that small storages may still join. */
  private readonly open: (Cohort | undefined)[] = [];

  /** Watches memory until it is forgotten. Whatever stands for it in the program must hold the cohort. */
  watch(allocation: Allocation): Cohort {
    const cohort = allocation.byteLength <= SMALL_BYTES ? this.join(allocation.byteLength) : this.take(1);
    cohort.members[cohort.vacant] = allocation;
    cohort.living += 1;
    return cohort;
  }

  /** The memory was freed in the ordinary way. */
  forget(cohort: Cohort, allocation: Allocation): void {
    cohort.members[cohort.members.indexOf(allocation)] = undefined;
    cohort.living -= 1;
    this.spareIfEmpty(cohort);
  }

  /** Collects now and hands over what is gone; nothing where the host cannot be asked. */
  abstract sweep(): void;

  /** Lets nobody join the open cohorts any more, as whoever may be joined is held. */
  close(): void {
    for (const cohort of this.open) {
      if (cohort === undefined) continue;
      cohort.vacant = 0;
      this.spareIfEmpty(cohort);
    }
    this.open.length = 0;
  }

  private spareIfEmpty(cohort: Cohort): void {
    if (cohort.living === 0 && cohort.vacant === 0) this.spare.push(cohort);
  }

  /** Asks the host to tell when a new cohort is gone. */
  protected abstract follow(cohort: Cohort): void;

  /** A cohort for one more small storage; it is open as long as there is room for others. */
  private join(byteLength: number): Cohort {
    const sizeClass = 31 - Math.clz32(byteLength);
    const cohort = this.open[sizeClass];
    if (cohort === undefined) return (this.open[sizeClass] = this.take(MEMBERS));
    cohort.vacant -= 1;
    if (cohort.vacant === 0) this.open[sizeClass] = undefined;
    return cohort;
  }

  /** A cohort of `members`, one of which joins at once. */
  private take(members: number): Cohort {
    let cohort = this.spare.pop();
    if (cohort === undefined) {
      cohort = new Cohort();
      this.follow(cohort);
    }
    cohort.vacant = members - 1;
    return cohort;
  }
}

/**
 * So many cohorts are watched before what weak references hold for the current turn is let go. That takes some 5 µs;
 * what is held longer outlives young collections, and each weak reference then costs five times as much.
 */
const WATCHED_BETWEEN_CHECKPOINTS = 1000;

/** Weak references, looked through after a collection: works inside loops that never wait. */
class WeakTable extends Dropped {
  private readonly references: (WeakRef<Cohort> | undefined)[] = [];
  private readonly members: Cohort['members'][] = [];
  private readonly holes: number[] = [];
  private sinceCheckpoint = 0;
  private readonly gone: (allocation: Allocation) => void;

  constructor(gone: (allocation: Allocation) => void) {
    super();
    this.gone = gone;
  }

  protected override follow(cohort: Cohort): void {
    // A weak reference keeps its target until the current turn ends; loops that never wait have no such end.
    if (++this.sinceCheckpoint > WATCHED_BETWEEN_CHECKPOINTS) {
      checkpoint();
      this.sinceCheckpoint = 0;
    }
    const place = this.holes.length > 0 ? this.holes.pop()! : this.references.length;
    this.references[place] = new WeakRef(cohort);
    this.members[place] = cohort.members;
  }

  override sweep(): void {
    this.close();
    checkpoint();
    this.sinceCheckpoint = 0;
    collect!();
    for (const [place, reference] of this.references.entries()) {
      if (reference === undefined || reference.deref() !== undefined) continue;
      handOver(this.members[place]!, this.gone);
      this.references[place] = undefined;
      this.members[place] = [];
      this.holes.push(place);
    }
    // To look is to hold: what lives is held until the turn ends.
    checkpoint();
  }
}

/** A registry, which the host calls between two turns of its event loop. */
class Registry extends Dropped {
  private readonly registry: FinalizationRegistry<Cohort['members']>;

  constructor(gone: (allocation: Allocation) => void) {
    super();
    this.registry = new FinalizationRegistry((members) => handOver(members, gone));
  }

  protected override follow(cohort: Cohort): void {
    this.registry.register(cohort, cohort.members);
  }

  override sweep(): void {}
}

function handOver(members: Cohort['members'], gone: (allocation: Allocation) => void): void {
  for (const allocation of members) if (allocation !== undefined) gone(allocation);
}

/** Whether `sweep` finds what was dropped at once; otherwise only waiting helps. */
export const sweepsAtOnce = collect !== null;

export const watchDropped = (gone: (allocation: Allocation) => void): Dropped =>
  sweepsAtOnce ? new WeakTable(gone) : new Registry(gone);
