import { collector, Listed } from '#host';
import type { Generation } from '../host/collector.ts';
import type { Allocation } from './contract.ts';

/** So many small storages of like size share a cohort: what one of them that lives holds of dropped ones is bounded. */
const MEMBERS = 4;
const SMALL_BYTES = 8192;

/** What V8 has copied so often, it moves to where only full collections look. */
const OLD = 2;

/** Allocations that are watched: `MEMBERS` places for each cohort. */
type Places = (Allocation | undefined)[];

/**
 * Stands for the memory of one storage, or of a few small ones made one after the other. Each of them holds it, so
 * that the collector gives it up when the last of them is gone; the watcher holds the members. One whose members were
 * all freed in the ordinary way serves again.
 */
export class Cohort extends Listed {
  /** Where its members stand: from `first` on. */
  places: Places;
  first: number;
  /** Members that may still join. */
  vacant = 0;
  /** Members that were not freed yet. */
  living = 0;
  /** How many young collections left it. */
  age = 0;

  constructor(places: Places) {
    super();
    this.places = places;
    this.first = places.length;
    for (let i = 0; i < MEMBERS; i++) places.push(undefined);
  }

  /** Takes its members elsewhere. */
  move(places: Places): void {
    const { first } = this;
    this.first = places.length;
    for (let i = first; i < first + MEMBERS; i++) {
      places.push(this.places[i]);
      this.places[i] = undefined;
    }
    this.places = places;
  }
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
    cohort.places[cohort.first + cohort.vacant] = allocation;
    cohort.living += 1;
    return cohort;
  }

  /** The memory was freed in the ordinary way. */
  forget(cohort: Cohort, allocation: Allocation): void {
    cohort.places[cohort.places.indexOf(allocation, cohort.first)] = undefined;
    cohort.living -= 1;
    // A young collection would not find what an old one watches.
    if (cohort.living === 0 && cohort.vacant === 0 && cohort.age < OLD) this.spare.push(cohort);
  }

  /**
   * Collects now and hands over what is gone; nothing where the host cannot be asked. A young collection takes a
   * twentieth of the time of a full one and finds what was made since the last but one.
   */
  abstract sweep(generation: Generation): void;

  /** Lets go of the cohorts that somebody may still join or take. */
  close(): void {
    for (const cohort of this.open) if (cohort !== undefined) cohort.vacant = 0;
    this.open.length = 0;
    this.spare.length = 0;
  }

  /** A new cohort, whose end the host will tell. */
  protected abstract follow(): Cohort;

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
    const cohort = this.spare.pop() ?? this.follow();
    cohort.vacant = members - 1;
    return cohort;
  }
}

/** Cohorts in a weak set, out of which the collector takes them, and what they watch. */
class Watched {
  readonly set = new WeakSet<Cohort>();
  readonly places: Places = [];

  follow(): Cohort {
    const cohort = new Cohort(this.places);
    this.set.add(cohort);
    return cohort;
  }

  take(cohort: Cohort): void {
    cohort.move(this.places);
    this.set.add(cohort);
  }
}

const CROWDED = 4096 * MEMBERS;

/** Weak sets, listed after a collection: works inside loops that never wait. */
class WeakLists extends Dropped {
  private young = new Watched();
  private old = new Watched();
  /** The length of the old list past which those that were freed in the ordinary way leave it. */
  private crowded = CROWDED;
  private readonly gone: (allocation: Allocation) => void;

  constructor(gone: (allocation: Allocation) => void) {
    super();
    this.gone = gone;
  }

  protected override follow(): Cohort {
    return this.young.follow();
  }

  override sweep(generation: Generation): void {
    this.close();
    collector!.collect(generation);
    const [young, old] = [new Watched(), new Watched()];
    if ((generation === 'all' || this.old.places.length > this.crowded) && this.renew(this.old, () => old)) {
      this.old = old;
      this.crowded = Math.max(CROWDED, 2 * old.places.length);
    }
    const by = (cohort: Cohort): Watched => {
      cohort.age = generation === 'all' ? OLD : cohort.age + 1;
      return cohort.age < OLD ? young : this.old;
    };
    if (this.renew(this.young, by)) this.young = young;
  }

  /** Moves what the collection left to where it belongs now, and hands over the rest; false where nobody can say. */
  private renew({ set, places }: Watched, to: (cohort: Cohort) => Watched): boolean {
    const left = collector!.list(set);
    if (left === null) return false;
    for (const cohort of left) to(cohort).take(cohort);
    for (const [i, allocation] of places.entries()) {
      if (allocation === undefined) continue;
      places[i] = undefined;
      this.gone(allocation);
    }
    return true;
  }
}

/** A registry, which the host calls between two turns of its event loop. */
class Registry extends Dropped {
  private readonly registry: FinalizationRegistry<Places>;

  constructor(gone: (allocation: Allocation) => void) {
    super();
    this.registry = new FinalizationRegistry((places) => {
      for (const allocation of places) if (allocation !== undefined) gone(allocation);
    });
  }

  protected override follow(): Cohort {
    const cohort = new Cohort([]);
    this.registry.register(cohort, cohort.places);
    return cohort;
  }

  override sweep(): void {}
}

/** Whether `sweep` finds what was dropped at once; otherwise only waiting helps. */
export const sweepsAtOnce = collector !== null;

export const watchDropped = (gone: (allocation: Allocation) => void): Dropped =>
  sweepsAtOnce ? new WeakLists(gone) : new Registry(gone);
