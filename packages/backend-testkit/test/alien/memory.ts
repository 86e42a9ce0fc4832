import { type Allocation, BackendError, type DType, OutOfMemoryError } from '@flambeau/core/backend';
import { type Elements, elementsOf } from './elements.ts';

/** What lives on the device at this moment. */
export interface MemoryUse {
  readonly allocations: number;
  readonly byteLength: number;
}

/** What a handle stands for; only the device sees it. */
class Block {
  readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly views = new Map<DType, Elements>();

  constructor(byteLength: number) {
    this.bytes = new Uint8Array(byteLength);
    poison(this.bytes);
  }

  elements(dtype: DType): Elements {
    let view = this.views.get(dtype);
    if (view === undefined) {
      view = elementsOf(this.bytes, dtype);
      this.views.set(dtype, view);
    }
    return view;
  }
}

/** Every floating dtype reads these bytes as NaN, every signed integer as -1. */
const poison = (bytes: Uint8Array): void => void bytes.fill(0xff);

const ALIGNMENT = 16;

/**
 * The device's memory. A handle is an object without content, good for nothing but being handed back. Which handles
 * the host may still use is known at once; the bytes behind them change only when the queue comes to it.
 */
export class Memory {
  private readonly blocks = new WeakMap<Allocation, Block>();
  /** Handles that the host has not freed yet. */
  private readonly owned = new Set<Allocation>();
  private readonly freed = new WeakSet<Allocation>();
  private readonly capacity: number;
  private byteLength = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get use(): MemoryUse {
    return { allocations: this.owned.size, byteLength: this.byteLength };
  }

  allocate(byteLength: number): Allocation {
    if (!Number.isInteger(byteLength) || byteLength <= 0 || byteLength % ALIGNMENT !== 0) {
      throw new BackendError(`alien: allocate: ${byteLength} bytes are no positive multiple of ${ALIGNMENT}`);
    }
    if (this.byteLength + byteLength > this.capacity) {
      throw new OutOfMemoryError(
        `alien: ${byteLength} bytes do not fit: ${this.byteLength} of ${this.capacity} are in use by ${this.owned.size} allocations`,
      );
    }
    const handle: Allocation = Object.freeze({ byteLength });
    this.blocks.set(handle, new Block(byteLength));
    this.owned.add(handle);
    this.byteLength += byteLength;
    return handle;
  }

  /** Takes a handle away from the host. The bytes go when the device calls what comes back. */
  free(handle: Allocation): () => void {
    this.check('free', handle);
    const block = this.block(handle);
    this.owned.delete(handle);
    this.freed.add(handle);
    this.byteLength -= handle.byteLength;
    return () => {
      poison(block.bytes);
      this.blocks.delete(handle);
    };
  }

  /** Refuses handles that are not this device's, or that were freed. */
  check(op: string, handle: Allocation): void {
    if (this.owned.has(handle)) return;
    const why = this.freed.has(handle)
      ? 'an allocation after it was freed'
      : "an allocation that is not this device's";
    throw new BackendError(`alien: ${op}: ${why} was used`, { op });
  }

  /** Refuses bytes that lie outside of an allocation. */
  checkRange(op: string, handle: Allocation, byteOffset: number, byteLength: number): void {
    this.check(op, handle);
    const whole = Number.isInteger(byteOffset) && Number.isInteger(byteLength);
    if (!whole || byteOffset < 0 || byteLength < 0 || byteOffset + byteLength > handle.byteLength) {
      throw new BackendError(
        `alien: ${op}: ${byteLength} bytes from ${byteOffset} lie outside of an allocation of ${handle.byteLength}`,
        { op },
      );
    }
  }

  /** The bytes of a handle, for work on the queue. */
  bytes(handle: Allocation): Uint8Array {
    return this.block(handle).bytes;
  }

  elements(handle: Allocation, dtype: DType): Elements {
    return this.block(handle).elements(dtype);
  }

  private block(handle: Allocation): Block {
    const block = this.blocks.get(handle);
    if (block === undefined) throw new BackendError('alien: the memory of an allocation is gone');
    return block;
  }
}
