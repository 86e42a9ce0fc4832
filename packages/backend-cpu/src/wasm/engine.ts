import type { Heap } from '../heap/heap.ts';
import { PARTS_PER_THREAD, type ThreadPool } from '../threads/pool.ts';
import type { FrameViews } from './programs/frame.ts';
import type { Kernel, Target } from './programs/kernel.ts';
import { Walk } from './programs/walk.ts';

/** The most frames that one call is divided into, and the bytes of one. */
const MOST_FRAMES = 64;
/** Work below this is no thread's business: not even asking is worth it. */
export const ALONE_NS = 8000;
const FRAME_BYTES = 1024;

/** Below this a call from JavaScript costs more than what SIMD saves. */
const LEAST_ELEMENTS = 64;

/** What kernels that are made at run time share: the heap they work on, and the memory of their frames. */
export class Engine {
  readonly heap: Heap;
  readonly pool: ThreadPool;
  readonly target: Target;
  readonly leastElements: number;
  private frames = 0;
  private views: FrameViews | null = null;
  private generation = -1;

  constructor(pool: ThreadPool, relaxed: boolean, leastElements = LEAST_ELEMENTS) {
    this.heap = pool.heap;
    this.leastElements = leastElements;
    this.pool = pool;
    this.target = { heap: pool.heap, relaxed };
  }

  /** Whether there is memory for frames: asked before each call. */
  get ready(): boolean {
    if (this.frames === 0) this.frames = this.heap.allocateWorkspace(MOST_FRAMES * FRAME_BYTES);
    return this.frames !== 0;
  }

  /** The bytes of all frames together, for kernels that divide them in another way. */
  get frameBytes(): number {
    return MOST_FRAMES * FRAME_BYTES;
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

  /**
   * Runs a kernel on frame 0, or, where that is worth it, on several of which each has a part of its `total`, in
   * multiples of `grain`. `narrow` makes of a copy of frame 0, at the word given, the frame of a part.
   */
  share(
    kernel: Kernel,
    nanoseconds: number,
    total: number,
    grain: number,
    narrow: (word: number, from: number, count: number) => void,
  ): void {
    const { code } = kernel;
    const width = code === null || total < 2 * grain ? 1 : this.pool.width(nanoseconds);
    if (code === null || width === 1) {
      kernel.run(this.frames);
      return;
    }
    const parts = Math.min(width * PARTS_PER_THREAD, MOST_FRAMES, Math.floor(total / grain));
    const per = Math.ceil(total / parts / grain) * grain;
    const chunks = Math.ceil(total / per);
    const { words } = this.view();
    const first = this.frames / 4;
    // The last first, as all are made of frame 0.
    for (let part = chunks - 1; part >= 0; part--) {
      const word = first + part * (FRAME_BYTES / 4);
      if (part > 0) words.copyWithin(word, first, first + FRAME_BYTES / 4);
      narrow(word, part * per, Math.min(per, total - part * per));
    }
    this.pool.run({ code, name: 'run', args: [this.frames], steps: [FRAME_BYTES], chunks });
  }
}

/** The largest stride's dimension first. */
export const isDescending = (strides: readonly number[]): boolean => {
  for (let dim = 1; dim < strides.length; dim++) if (strides[dim]! > strides[dim - 1]!) return false;
  return true;
};

/** How an operand with this stride walks along a dimension. */
export function walkOf(stride: number): Walk {
  if (stride === 1) return Walk.neighbours;
  return stride === 0 ? Walk.repeated : stride === -1 ? Walk.mirrored : Walk.strided;
}
