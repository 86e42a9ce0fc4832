import type { Heap } from '../heap/heap.ts';

/** Words to work in: the heap's, where there is one and it has room, until `free`. */
export class Workspace {
  private readonly heap: Heap | null;
  private readonly address: number;
  private readonly byteLength: number;
  private readonly buffer: ArrayBufferLike;
  private at: number;

  constructor(heap: Heap | null, words: number) {
    this.byteLength = words * 4;
    this.address = heap === null ? 0 : heap.allocateWorkspace(this.byteLength);
    this.heap = this.address === 0 ? null : heap;
    this.buffer = this.heap === null ? new ArrayBuffer(this.byteLength) : this.heap.memory.buffer;
    this.at = this.address;
  }

  uint32(length: number): Uint32Array {
    return new Uint32Array(this.buffer, this.take(length), length);
  }

  int32(length: number): Int32Array {
    return new Int32Array(this.buffer, this.take(length), length);
  }

  free(): void {
    this.heap?.free(this.address, this.byteLength);
  }

  private take(words: number): number {
    const { at } = this;
    this.at += words * 4;
    return at;
  }
}
