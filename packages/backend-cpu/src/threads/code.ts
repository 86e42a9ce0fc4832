import type { Heap } from '../heap/heap.ts';

export type Kernel = (...args: number[]) => number | undefined;

let count = 0;

/** A compiled module on a heap. Its bytes go into the heap when a thread first needs them: it compiles its own copy. */
export class Code {
  readonly id = count++;
  readonly functions: Readonly<Record<string, Kernel>>;
  readonly byteLength: number;
  private readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly heap: Heap;
  private readonly order: readonly string[];
  private published = 0;

  constructor(
    heap: Heap,
    bytes: Uint8Array<ArrayBuffer>,
    compile = (all: Uint8Array<ArrayBuffer>) => new WebAssembly.Module(all),
  ) {
    const instance = new WebAssembly.Instance(compile(bytes), { env: { memory: heap.memory } });
    this.heap = heap;
    this.bytes = bytes;
    this.byteLength = bytes.length;
    // Modules export kernels and nothing else.
    this.functions = instance.exports as unknown as Record<string, Kernel>;
    this.order = Object.keys(instance.exports);
  }

  /** Where among the module's exports a function stands. */
  indexOf(name: string): number {
    return this.order.indexOf(name);
  }

  /** The address of the bytes for other threads; 0 where the heap is full. */
  publish(): number {
    if (this.published === 0) {
      const address = this.heap.allocateWorkspace(this.byteLength);
      if (address === 0) return 0;
      new Uint8Array(this.heap.memory.buffer, address, this.byteLength).set(this.bytes);
      this.published = address;
    }
    return this.published;
  }
}
