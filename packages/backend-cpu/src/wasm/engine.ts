import type { Heap } from '../heap/heap.ts';
import type { ThreadPool } from '../threads/pool.ts';
import type { FrameViews } from './programs/frame.ts';
import type { Kernel, Target } from './programs/kernel.ts';

/** The most frames that one call is divided into, and the bytes of one. */
export const MOST_FRAMES = 64;
const FRAME_BYTES = 1024;

/** Below this a call from JavaScript costs more than what SIMD saves. */
const LEAST_ELEMENTS = 64;

/** What kernels that are made at run time share: the heap they work on, and the memory of their frames. */
export class Engine {
  readonly heap: Heap;
  readonly target: Target;
  readonly leastElements: number;
  private frames = 0;
  private views: FrameViews | null = null;
  private generation = -1;

  constructor(pool: ThreadPool, relaxed: boolean, leastElements = LEAST_ELEMENTS) {
    this.heap = pool.heap;
    this.leastElements = leastElements;
    this.target = { memory: pool.heap.memory, shared: pool.heap.shared, relaxed };
  }

  /** Whether there is memory for frames: asked before each call. */
  get ready(): boolean {
    if (this.frames === 0) this.frames = this.heap.allocateWorkspace(MOST_FRAMES * FRAME_BYTES);
    return this.frames !== 0;
  }

  /** The address of a frame. */
  frame(index: number): number {
    return this.frames + index * FRAME_BYTES;
  }

  /** The memory, to write frames through: words counted from address 0. */
  view(): FrameViews {
    if (this.views === null || this.generation !== this.heap.generation) {
      const { buffer } = this.heap.memory;
      const end = this.frames + MOST_FRAMES * FRAME_BYTES;
      this.views = { words: new Int32Array(buffer, 0, end / 4), bytes: new DataView(buffer, 0, end) };
      this.generation = this.heap.generation;
    }
    return this.views;
  }

  /** Runs a kernel on the frames 0 to `count - 1`. */
  run(kernel: Kernel, count: number): void {
    for (let index = 0; index < count; index++) kernel.run(this.frame(index));
  }
}

/** The largest stride's dimension first. */
export const isDescending = (strides: readonly number[]): boolean => {
  for (let dim = 1; dim < strides.length; dim++) if (strides[dim]! > strides[dim - 1]!) return false;
  return true;
};

export const sizeOf = (shape: readonly number[]): number => {
  let size = 1;
  for (const n of shape) size *= n;
  return size;
};
