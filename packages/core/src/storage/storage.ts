import { byteLengthOf, type DType } from '../dtype.ts';
import { OutOfMemoryError } from '../errors.ts';
import type { Allocation } from './contract.ts';
import type { Cohort } from './dropped.ts';
import type { DeviceEntry } from './registry.ts';

const ALIGNMENT = 16;
const padded = (byteLength: number): number =>
  Math.max(ALIGNMENT, Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT);

/**
 * Memory with owners: tensor handles, saved values of the graph, gradients. The last owner to let go frees it.
 * `version` counts in-place changes, so that `backward` can tell whether a saved value is still the same.
 */
export class Storage {
  readonly entry: DeviceEntry;
  readonly allocation: Allocation;
  /** What its elements take, without padding. */
  readonly byteLength: number;
  version = 0;
  /** The in-place operator that changed it last, for error texts. */
  changedBy = '';
  /** The launch of an update that named it last: one names each storage once. */
  lastUpdate = 0;
  private owners = 0;
  /** By which the device's account finds out that it was dropped; null where JavaScript frees the memory, or once it is freed. */
  private cohort: Cohort | null;

  constructor(entry: DeviceEntry, allocation: Allocation, byteLength: number) {
    this.entry = entry;
    this.allocation = allocation;
    this.byteLength = byteLength;
    this.cohort = entry.memory.watch(this, allocation);
  }

  /** Whether one owner alone holds it. */
  get isSole(): boolean {
    return this.owners === 1;
  }

  retain(): void {
    this.owners += 1;
  }

  release(): void {
    this.owners -= 1;
    if (this.owners > 0 || this.cohort === null) return;
    this.entry.memory.release(this.allocation, this.cohort);
    // It serves others from now on.
    this.cohort = null;
  }
}

/**
 * New storage for `size` elements, content undefined.
 * @throws {OutOfMemoryError} more than the device can give.
 */
export function allocateStorage(entry: DeviceEntry, dtype: DType, size: number): Storage {
  const byteLength = padded(size * byteLengthOf(dtype));
  if (byteLength > entry.limits.maxByteLength) {
    throw new OutOfMemoryError(
      `${entry.device}: ${byteLength} bytes (${size} elements of ${dtype}) are more than the ${entry.limits.maxByteLength} that one allocation can hold`,
      { data: { byteLength, limit: entry.limits.maxByteLength } },
    );
  }
  return new Storage(entry, entry.memory.allocate(byteLength, dtype), size * byteLengthOf(dtype));
}
