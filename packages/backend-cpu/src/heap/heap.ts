import type { HeapAllocation } from '../allocation.ts';
import { Code } from '../threads/code.ts';
import { ModuleBuilder, Type } from '../wasm/assembler/index.ts';
import { Blocks, classSize, UNIT_BYTES } from './blocks.ts';

const PAGE_BYTES = 65536;
const MIB = 2 ** 20;
/** What the memory may grow to; the first that the host grants. */
const MAXIMA = [4096, 2048, 1024, 512].map((size) => (size * MIB) / PAGE_BYTES);
const FIRST_PAGES = (16 * MIB) / PAGE_BYTES;
/** Address 0 and the line around it belong to nobody. */
const FIRST_UNIT = 1;
/** What tensors may take; the rest is for staging and workspace. */
const TENSOR_SHARE = 0.75;
/** Joining free blocks is worth its time when so much of the memory waits in classes. */
const IDLE_SHARE = 0.25;

export interface HeapOptions {
  /** Whether threads may share the memory. Default: where the host has `SharedArrayBuffer`. */
  readonly shared?: boolean;
  /** The most that the memory may grow to, in bytes. Default: 4 GiB, or what the host grants. */
  readonly maxByteLength?: number;
}

/**
 * One WebAssembly memory with size classes: where the backend's tensors live, so that compiled kernels reach all of
 * them by address and threads share them.
 */
export class Heap {
  readonly memory: WebAssembly.Memory;
  readonly shared: boolean;
  readonly maxByteLength: number;
  /** Counts how often the memory's buffer was replaced: typed arrays made of an older one are void. */
  generation = 0;
  /** Objects that stand, or stood, for blocks, by the unit at which they begin. */
  readonly allocations = new Map<number, HeapAllocation>();
  private readonly blocks: Blocks;
  private copier: Code | null = null;
  private pages: number;
  private readonly maxPages: number;
  private readonly tensorUnits: number;

  constructor(memory: WebAssembly.Memory, maxPages: number) {
    this.memory = memory;
    this.maxPages = maxPages;
    this.maxByteLength = maxPages * PAGE_BYTES;
    this.shared = !(memory.buffer instanceof ArrayBuffer);
    this.pages = memory.buffer.byteLength / PAGE_BYTES;
    this.tensorUnits = (this.maxByteLength / UNIT_BYTES) * TENSOR_SHARE;
    this.blocks = new Blocks(FIRST_UNIT, this.pages * (PAGE_BYTES / UNIT_BYTES));
  }

  /** Bytes in blocks that are handed out. */
  get usedByteLength(): number {
    return this.blocks.used * UNIT_BYTES;
  }

  /** What tensors may take altogether. */
  get tensorByteLength(): number {
    return this.tensorUnits * UNIT_BYTES;
  }

  /** The address of `byteLength` bytes for a tensor, a multiple of 64; 0 where there is no room. */
  allocate(byteLength: number): number {
    if (byteLength > this.maxByteLength) return 0;
    const size = sizeFor(byteLength);
    return this.blocks.used + size > this.tensorUnits ? 0 : this.take(size) * UNIT_BYTES;
  }

  /** The same for staging and workspace, which have a share of their own. */
  allocateWorkspace(byteLength: number): number {
    return byteLength > this.maxByteLength ? 0 : this.take(sizeFor(byteLength)) * UNIT_BYTES;
  }

  /** Takes back what an allocation of `byteLength` bytes gave. */
  free(address: number, byteLength: number): void {
    this.blocks.give(address / UNIT_BYTES, sizeFor(byteLength));
  }

  /**
   * Copies bytes from one address to another. Typed arrays on shared memory do so byte by byte between places that lie
   * otherwise towards words.
   */
  copy(from: number, to: number, byteLength: number): void {
    this.copier ??= new Code(this, copyModule(this.shared));
    this.copier.functions.copy!(to, from, byteLength);
  }

  private take(size: number): number {
    const { blocks } = this;
    const found = blocks.take(size);
    if (found >= 0) return found;
    const total = this.pages * (PAGE_BYTES / UNIT_BYTES);
    if (blocks.idle > total * IDLE_SHARE) {
      blocks.join();
      const joined = blocks.take(size);
      if (joined >= 0) return joined;
    }
    if (this.grow(size)) return blocks.take(size);
    blocks.join();
    return Math.max(0, blocks.take(size));
  }

  /** Makes room for `size` units at the end; false where the memory may not grow so far. */
  private grow(size: number): boolean {
    const needed = Math.ceil((size * UNIT_BYTES) / PAGE_BYTES);
    const step = Math.max(needed, FIRST_PAGES, this.pages >> 2);
    const pages = Math.min(step, this.maxPages - this.pages);
    if (pages < needed) return false;
    try {
      this.memory.grow(pages);
    } catch {
      // The host has less than it granted.
      return false;
    }
    const from = this.pages * (PAGE_BYTES / UNIT_BYTES);
    this.pages += pages;
    if (!this.shared) this.generation += 1;
    this.blocks.extend(from, this.pages * (PAGE_BYTES / UNIT_BYTES));
    return true;
  }
}

function copyModule(shared: boolean): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({ shared });
  module.export('copy', [Type.i32, Type.i32, Type.i32], [], (f) => f.get(0).get(1).get(2).copyMemory());
  return module.toBytes();
}

const sizeFor = (byteLength: number): number => classSize(Math.max(1, Math.ceil(byteLength / UNIT_BYTES)));

/** A heap; null where the host has no WebAssembly, or grants no memory for it. */
export function createHeap(options: HeapOptions = {}): Heap | null {
  if (typeof WebAssembly === 'undefined') return null;
  const shared = (options.shared ?? true) && typeof SharedArrayBuffer !== 'undefined';
  const wanted = Math.ceil((options.maxByteLength ?? Infinity) / PAGE_BYTES);
  for (const granted of MAXIMA) {
    const maximum = Math.max(FIRST_PAGES, Math.min(granted, wanted));
    try {
      return new Heap(new WebAssembly.Memory({ initial: FIRST_PAGES, maximum, shared }), maximum);
    } catch {
      // Too much for this host: the next.
    }
  }
  return null;
}
