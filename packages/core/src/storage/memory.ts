import { provokeCollection } from '#host';
import type { DType } from '../dtype.ts';
import { ArgumentError, OutOfMemoryError } from '../errors.ts';
import type { Generation } from '../host/collector.ts';
import type { Allocation, Backend } from './contract.ts';
import { type Cohort, type Dropped, sweepsAtOnce, watchDropped } from './dropped.ts';

const MIB = 2 ** 20;
/** What a storage weighs besides its bytes: its objects in JavaScript's heap, and the time to look through them. */
const OVERHEAD = 4096;
/** Spilled storages of fewer bytes are not worth an account of their own. */
const SMALL_SPILL = 1024;

export interface MemoryOptions {
  /**
   * How many bytes may be dropped and not yet found, before a full collection is provoked; default 64 MiB. Young
   * collections come after half of it.
   */
  readonly reclaimByteLength?: number;
}

let reclaimByteLength = 64 * MIB;
/**
 * Small enough for dropped memory to be used again while it is warm: results of 256 KiB that go round 32 MiB take 0.4 of
 * the time that they take in 128 MiB, and pages that are touched for the first time cost more still.
 */
const YOUNG_PART = 1 / 2;
/** In browsers collections are provoked harder past so many bytes that should have been found. */
const HARD_BYTE_LENGTH = 192 * MIB;
/** Where the device runs short, so much is worth looking for. */
const SHORT_BYTE_LENGTH = 32 * MIB;
/** The part of the time that looks may take before they wait for more; memory that is found while it is warm is worth more. */
const TIME_SHARE = 0.05;
const WARM_TIME_SHARE = 0.2;
const MOST_PATIENCE = 4;

/** How long one waits between looks of one kind: longer where they take too much of the time. */
class Patience {
  value = 1;
  private lastMs = performance.now();

  /** Accounts for a look, and gives how long it took. */
  note(startMs: number, timeShare: number): number {
    const endMs = performance.now();
    const share = (endMs - startMs) / Math.max(1e-3, endMs - this.lastMs);
    this.value = share > timeShare ? Math.min(MOST_PATIENCE, this.value * 2) : Math.max(1, this.value / 2);
    this.lastMs = endMs;
    return endMs - startMs;
  }
}

/** What lives on a device. */
export interface MemoryUse {
  readonly storages: number;
  readonly byteLength: number;
  readonly peakByteLength: number;
  /** Bytes that found no room on the device and lie in JavaScript's heap instead. */
  readonly spilledByteLength: number;
  /** How often dropped tensors were looked for, and how long it took altogether. */
  readonly reclaims: number;
  readonly reclaimMs: number;
}

/**
 * The account of one device and its policy: what the framework makes is freed at once; what the program dropped is
 * looked for when enough may have gathered.
 */
export class DeviceMemory implements MemoryUse {
  storages = 0;
  byteLength = 0;
  peakByteLength = 0;
  spilledByteLength = 0;
  reclaims = 0;
  reclaimMs = 0;
  private readonly backend: Backend;
  /** What a storage weighs besides its bytes. */
  private readonly overhead: number;
  /**
   * Whether young looks come in between: not where the memory is a device's own, which no cache keeps warm, and whose
   * objects in the host hold memory that only full collections free.
   */
  private readonly looksYoung: boolean;
  private readonly dropped: Dropped;
  private readonly spilled = new FinalizationRegistry<number>((byteLength) => {
    this.spilledByteLength -= byteLength;
  });
  /** What was left by the last full look: presumably alive. */
  private base = 0;
  /** What the last look of any kind left. */
  private left = 0;
  /** The weight past which one looks, among what is young and among everything. */
  private lookAt = 0;
  private lookFullyAt = 0;
  /** Bytes spilled since the last full look, which room would have spared. */
  private spilledSince = 0;
  private patience = { young: new Patience(), all: new Patience() };

  constructor(backend: Backend) {
    this.backend = backend;
    this.overhead = backend.limits.overheadByteLength ?? OVERHEAD;
    this.looksYoung = sweepsAtOnce && backend.limits.synchronousReads;
    this.dropped = watchDropped((allocation) => this.giveBack(allocation));
    this.settle();
  }

  /** @throws {OutOfMemoryError} there is no room, even after what was dropped has been freed. */
  allocate(byteLength: number, dtype: DType): Allocation {
    const { backend } = this;
    if (this.weight + byteLength > this.lookAt) this.look(byteLength);
    try {
      return backend.allocate(byteLength, dtype);
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
      this.reclaim();
      try {
        return backend.allocate(byteLength, dtype);
      } catch (again) {
        if (!(again instanceof OutOfMemoryError)) throw again;
        throw new OutOfMemoryError(
          `${again.message}; ${this.summary()}. Drop what is not needed (dispose(), tidy(…)), use smaller batches, or a smaller dtype`,
          {
            data: { ...again.data, byteLength, living: this.byteLength, storages: this.storages },
            cause: again,
          },
        );
      }
    }
  }

  /** Takes a storage into the account. It must hold what comes back, for `release`; null where JavaScript frees it. */
  watch(storage: object, allocation: Allocation): Cohort | null {
    if (allocation.collected) {
      if (this.backend.limits.roomByteLength !== undefined && allocation.byteLength > SMALL_SPILL)
        this.noteSpill(storage, allocation);
      return null;
    }
    this.storages += 1;
    this.byteLength += allocation.byteLength;
    if (this.byteLength > this.peakByteLength) this.peakByteLength = this.byteLength;
    return this.dropped.watch(allocation);
  }

  private noteSpill(storage: object, { byteLength }: Allocation): void {
    this.spilledByteLength += byteLength;
    this.spilledSince += byteLength;
    this.spilled.register(storage, byteLength);
  }

  release(allocation: Allocation, cohort: Cohort): void {
    this.dropped.forget(cohort, allocation);
    this.giveBack(allocation);
  }

  private giveBack(allocation: Allocation): void {
    this.storages -= 1;
    this.byteLength -= allocation.byteLength;
    this.backend.free(allocation);
  }

  private get weight(): number {
    return this.byteLength + this.storages * this.overhead + this.spilledSince;
  }

  /** Looks for what was dropped lately, and for the rest where that does not make room for `byteLength` more. */
  private look(byteLength: number): void {
    if (!sweepsAtOnce) return;
    if (this.looksYoung) this.sweep('young');
    if (this.weight + byteLength > this.lookFullyAt) this.reclaim();
    else this.lookAgain();
  }

  /** Looks for what was dropped, where the host can be asked, and says when to look again. */
  reclaim(): void {
    if (!sweepsAtOnce) return;
    this.sweep('all');
    this.settle();
  }

  private sweep(generation: Generation): void {
    const startMs = performance.now();
    const { weight } = this;
    this.dropped.sweep(generation);
    const found = weight - this.weight;
    const warm = generation === 'young' && found > (weight - this.left) / 2;
    this.left = this.weight;
    this.note(startMs, generation, warm ? WARM_TIME_SHARE : TIME_SHARE);
  }

  /** At a place where the program waits anyway: lets the host's collector find what was dropped. */
  async reclaimWaiting(turn: () => Promise<void>): Promise<void> {
    if (sweepsAtOnce || this.weight < this.lookAt) return;
    const startMs = performance.now();
    this.dropped.close();
    const hard = this.base + HARD_BYTE_LENGTH;
    for (let stage = 0; stage < 3; stage++) {
      provokeCollection(stage);
      if (!this.backend.limits.synchronousReads) await this.backend.synchronize();
      await turn();
      if (this.weight < hard) break;
    }
    this.note(startMs, 'all', TIME_SHARE);
    this.spilledSince = 0;
    // Soft stages leave much behind that later ones find; only what hard ones leave counts as alive.
    this.base = this.weight < hard ? Math.min(this.base, this.weight) : this.weight;
    this.lookAt = this.within(
      Math.min(
        reclaimByteLength * this.patience.all.value,
        Math.max(reclaimByteLength, this.base + HARD_BYTE_LENGTH - this.weight),
      ),
    );
  }

  private note(startMs: number, generation: Generation, timeShare: number): void {
    this.reclaims += 1;
    this.reclaimMs += this.patience[generation].note(startMs, timeShare);
  }

  private settle(): void {
    this.spilledSince = 0;
    this.base = this.weight;
    this.lookFullyAt = this.within(Math.max(reclaimByteLength * this.patience.all.value, this.base));
    this.lookAgain();
  }

  private lookAgain(): void {
    const young = reclaimByteLength * YOUNG_PART * this.patience.young.value;
    this.lookAt = this.looksYoung ? this.within(young) : this.lookFullyAt;
  }

  /** The weight with so many bytes more, or at which the device runs short. */
  private within(byteLength: number): number {
    const room = this.backend.limits.roomByteLength ?? Number.POSITIVE_INFINITY;
    return Math.min(this.weight + byteLength, Math.max(room, this.weight + SHORT_BYTE_LENGTH));
  }

  /** Sets the thresholds anew after the options changed. */
  reset(): void {
    this.patience = { young: new Patience(), all: new Patience() };
    this.settle();
  }

  /** One line for people. */
  summary(): string {
    const spilled =
      this.spilledByteLength > 0 ? ` and up to ${mebibytes(this.spilledByteLength)} spilled` : '';
    return `${this.backend.device}: ${mebibytes(this.byteLength)} in ${this.storages} tensors${spilled}, at most ${mebibytes(this.peakByteLength)} so far`;
  }
}

const mebibytes = (byteLength: number): string => `${(byteLength / MIB).toFixed(1)} MiB`;

/** @throws {ArgumentError} the threshold is no positive number. */
export function setReclaimByteLength(value: number): void {
  if (!(value > 0))
    throw new ArgumentError(
      `memory.configure: reclaimByteLength must be a positive number of bytes, got ${value}`,
    );
  reclaimByteLength = value;
}
