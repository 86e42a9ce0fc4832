import { BackendError, OutOfMemoryError } from '@flambeau/core/backend';
import type { CudaAllocation } from '../launch.ts';

/** Where memory comes from: the driver. */
export interface MemorySource {
  /** The address, or 0 where there is no room. */
  allocate(byteLength: number): number;
  release(address: number): void;
  memoryInfo(): { readonly free: number; readonly total: number };
}

/** What the backend holds on its device, in bytes. */
export interface CudaMemory {
  /** Taken from the driver. */
  readonly reservedByteLength: number;
  /** In use, each rounded up to its size class. */
  readonly usedByteLength: number;
  readonly peakReservedByteLength: number;
}

const KIB = 1024;
const MIB = 2 ** 20;
/** Several small blocks share one piece of the driver's memory of this size, which is its own granularity. */
const SLAB_BYTES = 2 * MIB;
const MOST_IN_SLAB = MIB;
const SMALLEST = 512;
const ALIGNMENT = 128;

interface Slab {
  readonly address: number;
  living: number;
}

/** A piece of memory that is used again and again. */
interface Block {
  readonly address: number;
  readonly size: number;
  readonly slab: Slab | null;
}

export class DeviceAllocation implements CudaAllocation {
  readonly byteLength: number;
  readonly address: number;
  block: Block | null;

  constructor(byteLength: number, block: Block) {
    this.byteLength = byteLength;
    this.address = block.address;
    this.block = block;
  }
}

/** The size of the class of a request: eight classes to each doubling, so that at most an eighth is wasted. */
export function classSize(byteLength: number): number {
  if (byteLength <= SMALLEST) return SMALLEST;
  const step = Math.max(ALIGNMENT, 2 ** (Math.floor(Math.log2(byteLength - 1)) - 3));
  return Math.ceil(byteLength / step) * step;
}

/**
 * Device memory by size classes. The driver's own calls wait for the device and take hundreds of microseconds, so
 * what is freed stays here for the next request of its class. All of a backend's work is in one stream: a block may
 * be handed out again while the device still reads it for its former owner.
 */
export class Allocator implements CudaMemory {
  reservedByteLength = 0;
  usedByteLength = 0;
  peakReservedByteLength = 0;
  private readonly source: MemorySource;
  private readonly exact: boolean;
  private readonly device: string;
  private readonly free_ = new Map<number, Block[]>();

  /** `exact` takes and returns every allocation by itself, for tools that watch accesses. */
  constructor(source: MemorySource, device: string, exact: boolean) {
    this.source = source;
    this.device = device;
    this.exact = exact;
  }

  /** @throws {OutOfMemoryError} there is no room, even after unused memory was given back. */
  allocate(byteLength: number): DeviceAllocation {
    const size = this.exact ? Math.max(16, Math.ceil(byteLength / 16) * 16) : classSize(byteLength);
    const block = this.free_.get(size)?.pop() ?? this.fresh(size, byteLength);
    if (block.slab !== null) block.slab.living += 1;
    this.usedByteLength += size;
    return new DeviceAllocation(byteLength, block);
  }

  free(allocation: DeviceAllocation): void {
    const { block } = allocation;
    if (block === null) throw new BackendError(`${this.device}: memory is freed twice`);
    allocation.block = null;
    this.usedByteLength -= block.size;
    if (block.slab !== null) block.slab.living -= 1;
    if (this.exact) this.release(block.address, block.size);
    else this.listOf(block.size).push(block);
  }

  /** Gives back what is not in use; says how many bytes. */
  trim(): number {
    const before = this.reservedByteLength;
    for (const [size, blocks] of this.free_) {
      const kept: Block[] = [];
      const slabs = new Set<Slab>();
      for (const block of blocks) {
        if (block.slab === null) this.release(block.address, size);
        else if (block.slab.living === 0) slabs.add(block.slab);
        else kept.push(block);
      }
      for (const slab of slabs) this.release(slab.address, SLAB_BYTES);
      this.free_.set(size, kept);
    }
    return before - this.reservedByteLength;
  }

  private listOf(size: number): Block[] {
    let blocks = this.free_.get(size);
    if (blocks === undefined) this.free_.set(size, (blocks = []));
    return blocks;
  }

  private fresh(size: number, wanted: number): Block {
    if (this.exact || size > MOST_IN_SLAB) return { address: this.take(size, wanted), size, slab: null };
    const slab: Slab = { address: this.take(SLAB_BYTES, wanted), living: 0 };
    const blocks = this.listOf(size);
    // The last one first, so that addresses are handed out in rising order.
    for (let i = Math.floor(SLAB_BYTES / size) - 1; i > 0; i--)
      blocks.push({ address: slab.address + i * size, size, slab });
    return { address: slab.address, size, slab };
  }

  private take(byteLength: number, wanted: number): number {
    let address = this.source.allocate(byteLength);
    if (address === 0 && this.trim() > 0) address = this.source.allocate(byteLength);
    if (address === 0) throw this.outOfMemory(wanted);
    this.reservedByteLength += byteLength;
    this.peakReservedByteLength = Math.max(this.peakReservedByteLength, this.reservedByteLength);
    return address;
  }

  private release(address: number, byteLength: number): void {
    this.source.release(address);
    this.reservedByteLength -= byteLength;
  }

  private outOfMemory(byteLength: number): OutOfMemoryError {
    const { free, total } = this.source.memoryInfo();
    return new OutOfMemoryError(
      `${this.device}: no room for ${show(byteLength)}: ${show(free)} of ${show(total)} are free, ${show(this.usedByteLength)} are in use here`,
      { data: { byteLength, free, total, used: this.usedByteLength } },
    );
  }
}

const show = (byteLength: number): string =>
  byteLength < MIB ? `${(byteLength / KIB).toFixed(1)} KiB` : `${(byteLength / MIB).toFixed(1)} MiB`;
