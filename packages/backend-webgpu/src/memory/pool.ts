import { OutOfMemoryError } from '@flambeau/core/backend';
import { USAGE } from '../device/flags.ts';
import type { Block } from './allocation.ts';

/** What a backend's buffers hold, in bytes. */
export interface MemoryAccount {
  /** Buffers that tensors and workspaces use. */
  readonly live: number;
  /** Buffers kept to be used again. */
  readonly pooled: number;
  /** The most that both together have been. */
  readonly peak: number;
  /** Buffers that exist. */
  readonly buffers: number;
}

class PoolBlock implements Block {
  readonly buffer: GPUBuffer;
  readonly size: number;
  readonly id: number;
  readonly foreign: boolean;
  batch = -1;

  constructor(buffer: GPUBuffer, size: number, id: number, foreign: boolean) {
    this.buffer = buffer;
    this.size = size;
    this.id = id;
    this.foreign = foreign;
  }
}

const SMALLEST = 256;

/** The size of buffer for so many bytes: four classes to each power of two, so that at most a fifth is wasted. */
export function classOf(byteLength: number): number {
  if (byteLength <= SMALLEST) return SMALLEST;
  const step = 2 ** (Math.floor(Math.log2(byteLength - 1)) - 2);
  return Math.ceil(byteLength / step) * step;
}

export interface PoolOptions {
  /** The most that buffers may hold together. */
  readonly memoryLimit: number;
  /** The most that is kept of what nobody uses. */
  readonly pooledLimit: number;
  /** The largest buffer that can be bound whole. */
  readonly maxByteLength: number;
  /** Told when a buffer turns out not to have been made. */
  readonly onFailure: (fault: OutOfMemoryError) => void;
  /** Destroys a buffer once no command names it any more. */
  readonly discard: (block: Block) => void;
}

/** Device buffers by size class. All work runs in one order, so that a buffer may be used again as soon as it is given back. */
export class BufferPool implements MemoryAccount {
  live = 0;
  pooled = 0;
  peak = 0;
  buffers = 0;
  private readonly device: GPUDevice;
  private readonly options: PoolOptions;
  /** Free buffers by size, the class used last at the end. */
  private readonly free = new Map<number, Block[]>();
  private readonly failed = new WeakSet<Block>();
  private nextId = 0;
  private pendingChecks = new Set<Promise<void>>();

  constructor(device: GPUDevice, options: PoolOptions) {
    this.device = device;
    this.options = options;
  }

  /** @throws {OutOfMemoryError} the limit is reached, also without what is kept. */
  take(byteLength: number): Block {
    const { maxByteLength, memoryLimit } = this.options;
    if (byteLength > maxByteLength) {
      throw new OutOfMemoryError(
        `webgpu: ${byteLength} bytes are more than the ${maxByteLength} that this adapter binds at once`,
        { data: { byteLength, limit: maxByteLength } },
      );
    }
    const size = Math.min(classOf(byteLength), Math.floor(maxByteLength / 16) * 16);
    const list = this.free.get(size);
    if (list !== undefined && list.length > 0) {
      this.pooled -= size;
      this.live += size;
      return list.pop()!;
    }
    if (this.live + this.pooled + size > memoryLimit) this.trim(Math.max(0, memoryLimit - this.live - size));
    if (this.live + size > memoryLimit) {
      throw new OutOfMemoryError(
        `webgpu: ${byteLength} bytes do not fit: ${this.live} of ${memoryLimit} bytes of device memory are in use`,
        { data: { byteLength, live: this.live, limit: memoryLimit } },
      );
    }
    return this.create(size);
  }

  private create(size: number): Block {
    const { device } = this;
    device.pushErrorScope('out-of-memory');
    const buffer = device.createBuffer({ size, usage: USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST });
    const block = new PoolBlock(buffer, size, this.nextId++, false);
    const check = device
      .popErrorScope()
      .then((error) => {
        if (error === null) return;
        this.failed.add(block);
        this.forget(block);
        this.options.onFailure(
          new OutOfMemoryError(
            `webgpu: the device has no ${size} bytes left (${error.message}); ${this.live} bytes are in use. Drop what is not needed (dispose(), tidy(…)) or use smaller batches`,
            { data: { byteLength: size, live: this.live } },
          ),
        );
      })
      // A device that is lost says so elsewhere.
      .catch(() => {})
      .finally(() => this.pendingChecks.delete(check));
    this.pendingChecks.add(check);
    this.buffers += 1;
    this.live += size;
    this.peak = Math.max(this.peak, this.live + this.pooled);
    return block;
  }

  /** Takes a buffer that was never made out of those that are free. */
  private forget(block: Block): void {
    const list = this.free.get(block.size);
    const place = list?.indexOf(block) ?? -1;
    if (list === undefined || place < 0) return;
    list.splice(place, 1);
    this.pooled -= block.size;
    this.drop(block);
  }

  /** A buffer that somebody else made, taken for a while. */
  adopt(buffer: GPUBuffer): Block {
    return new PoolBlock(buffer, buffer.size, this.nextId++, true);
  }

  give(block: Block): void {
    if (block.foreign) return;
    const { size } = block;
    this.live -= size;
    if (this.failed.has(block)) {
      this.drop(block);
      return;
    }
    const list = this.free.get(size);
    if (list === undefined) this.free.set(size, [block]);
    else list.push(block);
    this.pooled += size;
    if (this.pooled > this.options.pooledLimit) {
      // The class that was used last is kept longest.
      const own = this.free.get(size)!;
      this.free.delete(size);
      this.free.set(size, own);
      this.trim(this.options.pooledLimit * 0.75);
    }
  }

  /** Destroys free buffers until at most `target` bytes of them are left. */
  trim(target: number): void {
    for (const [size, list] of this.free) {
      while (this.pooled > target && list.length > 0) {
        this.pooled -= size;
        this.drop(list.pop()!);
      }
      if (list.length === 0) this.free.delete(size);
      if (this.pooled <= target) return;
    }
  }

  private drop(block: Block): void {
    this.buffers -= 1;
    this.options.discard(block);
  }

  /** Resolves when it is known of every buffer whether it was made. */
  async checked(): Promise<void> {
    await Promise.all(this.pendingChecks);
  }
}
