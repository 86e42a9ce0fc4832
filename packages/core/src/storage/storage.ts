import { byteLengthOf, type DType } from '../dtype.ts';
import { OutOfMemoryError } from '../errors.ts';
import type { Allocation } from './contract.ts';
import type { DeviceEntry } from './registry.ts';

const ALIGNMENT = 16;
const padded = (byteLength: number): number =>
  Math.max(ALIGNMENT, Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT);

/** What lives on a device, in bytes and in storages, while its backend is not collected by JavaScript. */
export interface MemoryUse {
  storages: number;
  byteLength: number;
}

const use = new Map<DeviceEntry, MemoryUse>();

/** Frees what the program dropped without saying so. Holds the allocation, never the storage. */
const dropped = new FinalizationRegistry<{ entry: DeviceEntry; allocation: Allocation }>(
  ({ entry, allocation }) => release(entry, allocation),
);

function release(entry: DeviceEntry, allocation: Allocation): void {
  const account = use.get(entry)!;
  account.storages -= 1;
  account.byteLength -= allocation.byteLength;
  entry.backend.free(allocation);
}

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
  private owners = 0;

  constructor(entry: DeviceEntry, allocation: Allocation, byteLength: number) {
    this.entry = entry;
    this.allocation = allocation;
    this.byteLength = byteLength;
    if (entry.limits.collected) return;
    const account = use.get(entry) ?? { storages: 0, byteLength: 0 };
    account.storages += 1;
    account.byteLength += allocation.byteLength;
    use.set(entry, account);
    dropped.register(this, { entry, allocation }, this);
  }

  retain(): void {
    this.owners += 1;
  }

  release(): void {
    this.owners -= 1;
    if (this.owners > 0 || this.entry.limits.collected) return;
    dropped.unregister(this);
    release(this.entry, this.allocation);
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
  return new Storage(entry, entry.backend.allocate(byteLength, dtype), size * byteLengthOf(dtype));
}

/** What tensors hold on a device that JavaScript's collector does not manage; zeros for one that it does. */
export function memoryUse(entry: DeviceEntry): Readonly<MemoryUse> {
  return use.get(entry) ?? { storages: 0, byteLength: 0 };
}
