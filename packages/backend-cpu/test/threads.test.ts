import { BackendError } from '@flambeau/core/backend';
import { afterEach, describe, expect, it } from 'vitest';
import { createHeap, type Heap } from '../src/heap/heap.ts';
import { getNumThreads, setNumThreads } from '../src/index.ts';
import { Code } from '../src/threads/code.ts';
import { ThreadPool, type Work } from '../src/threads/pool.ts';
import { i32, ModuleBuilder, Type } from '../src/wasm/assembler/index.ts';

const THREADS = 3;
const pools: ThreadPool[] = [];

function heapOf(shared: boolean): Heap {
  const heap = createHeap({ shared });
  if (heap === null) throw new Error('no WebAssembly here');
  return heap;
}

function poolOf(heap = heapOf(true), threads = THREADS): ThreadPool {
  const pool = new ThreadPool(heap, { threads });
  pools.push(pool);
  return pool;
}

afterEach(() => {
  for (const pool of pools.splice(0)) pool.close();
});

const HUGE_NS = 1e9;

/** Starts the workers and waits for them. */
async function started(pool: ThreadPool, workers: number): Promise<void> {
  pool.width(HUGE_NS);
  const until = Date.now() + 20_000;
  while (pool.ready < workers) {
    if (Date.now() > until) throw new Error(`only ${pool.ready} of ${workers} workers started`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/**
 * - `mark(address, count, turns, slot)`: adds 1 to `count` words, `turns` times, and 1 to the word at `slot`
 * - `trapHere(thread)`, `trapElsewhere(thread)`: fails on the calling thread, on any other
 */
function codeOn(heap: Heap): Code {
  const module = new ModuleBuilder({ shared: heap.shared });
  module.export('mark', [Type.i32, Type.i32, Type.i32, Type.i32], [], (f) => {
    const [address, count, turns, slot] = [0, 1, 2, 3] as const;
    const [i, place] = [f.local(Type.i32), f.local(Type.i32)];
    f.loop((turn) => {
      f.i32(0).set(i).get(address).set(place);
      f.loop((again) => {
        f.get(place).get(place).memory(i32.load).i32(1).op(i32.add).memory(i32.store);
        f.increase(place, 4).increase(i, 1).get(i).get(count).op(i32.ltS).brIf(again);
      });
      f.get(turns).i32(1).op(i32.sub).tee(turns).brIf(turn);
    });
    f.get(slot).i32(1).memory(i32.atomicAdd).drop();
  });
  module.export('trapHere', [Type.i32], [], (f) =>
    f
      .get(0)
      .op(i32.eqz)
      .if(() => f.unreachable()),
  );
  module.export('trapElsewhere', [Type.i32], [], (f) => f.get(0).if(() => f.unreachable()));
  return new Code(heap, module.toBytes());
}

interface Marks {
  readonly words: () => number[];
  readonly byThread: () => number[];
  readonly work: Work;
}

/** `total` words to add `turns` to, `per` in a chunk. */
function marks(heap: Heap, total: number, per: number, turns: number): Marks {
  const address = heap.allocate(total * 4);
  const slots = heap.allocate(THREADS * 4);
  new Int32Array(heap.memory.buffer, address, total).fill(0);
  new Int32Array(heap.memory.buffer, slots, THREADS).fill(0);
  return {
    words: () => [...new Int32Array(heap.memory.buffer, address, total)],
    byThread: () => [...new Int32Array(heap.memory.buffer, slots, THREADS)],
    work: {
      code: codeOn(heap),
      name: 'mark',
      args: [address, per, turns, slots],
      steps: [per * 4],
      workspace: { steps: [0, 0, 0, 4], threads: THREADS },
      chunks: Math.ceil(total / per),
      count: { at: 1, per, total },
    },
  };
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

describe('a pool of threads', () => {
  it('does every chunk once, before workers have started', () => {
    const pool = poolOf();
    const { work, words, byThread } = marks(pool.heap, 1003, 100, 1);
    pool.width(HUGE_NS);
    pool.run(work);
    expect(words()).toEqual(new Array(1003).fill(1));
    expect(sum(byThread())).toBe(11);
  });

  it('does every chunk once, and shares them, when they have', async () => {
    const pool = poolOf();
    await started(pool, THREADS - 1);
    const { work, words, byThread } = marks(pool.heap, 10_007, 50, 2000);
    for (let run = 0; run < 5; run++) pool.run(work);
    expect(words()).toEqual(new Array(10_007).fill(10_000));
    expect(sum(byThread())).toBe(5 * Math.ceil(10_007 / 50));
    expect(byThread().every((chunks) => chunks > 0)).toBe(true);
  });

  it('counts every worker as soon as one may come: each has a number, and workspace by it', async () => {
    const pool = poolOf();
    expect(pool.width(HUGE_NS)).toBe(1);
    await started(pool, 1);
    expect(pool.width(HUGE_NS)).toBe(THREADS);
    const { work, byThread } = marks(pool.heap, 10_007, 50, 100);
    pool.run({ ...work, workspace: { steps: work.workspace!.steps, threads: 1 } });
    expect(byThread().slice(1)).toEqual(new Array(THREADS - 1).fill(0));
  });

  it('makes thousands of small calls without losing a chunk', async () => {
    const pool = poolOf();
    await started(pool, THREADS - 1);
    const { work, words } = marks(pool.heap, 64, 8, 1);
    for (let run = 0; run < 20_000; run++) pool.run(work);
    expect(words()).toEqual(new Array(64).fill(20_000));
  });

  it('wakes workers that sleep', async () => {
    const pool = poolOf();
    await started(pool, THREADS - 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(pool.width(1000)).toBe(1);
    const { work, words, byThread } = marks(pool.heap, 4096, 16, 20_000);
    pool.run(work);
    expect(words()).toEqual(new Array(4096).fill(20_000));
    expect(byThread().filter((chunks) => chunks > 0).length).toBeGreaterThan(1);
  });

  it('wakes workers for work that repeats, though each call were too short for it', async () => {
    const pool = poolOf();
    await started(pool, THREADS - 1);
    const short = 20_000;
    const asleep = async (): Promise<void> => {
      while (pool.width(short) > 1) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await asleep();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(pool.width(short)).toBe(1);
    const until = Date.now() + 20_000;
    while (pool.width(short) === 1 && Date.now() < until);
    expect(pool.width(short)).toBe(THREADS);
    await asleep();
  });

  it('sees memory that has grown since its workers began', async () => {
    const pool = poolOf();
    await started(pool, THREADS - 1);
    const before = pool.heap.memory.buffer.byteLength;
    pool.heap.allocate(before * 2);
    expect(pool.heap.memory.buffer.byteLength).toBeGreaterThan(before);
    const { work, words } = marks(pool.heap, 10_007, 50, 500);
    pool.run(work);
    expect(words()).toEqual(new Array(10_007).fill(500));
  });

  it('computes alone where memory is not shared', () => {
    const pool = poolOf(heapOf(false));
    expect(pool.width(HUGE_NS)).toBe(1);
    const { work, words } = marks(pool.heap, 100, 30, 1);
    pool.run(work);
    expect(words()).toEqual(new Array(100).fill(1));
  });

  it('throws what a kernel throws on the calling thread, and goes on', async () => {
    const pool = poolOf();
    await started(pool, THREADS - 1);
    const code = codeOn(pool.heap);
    // Workers that are awake may have done all there is before the caller comes to it.
    expect(() => {
      for (let run = 0; run < 1000; run++)
        pool.run({
          code,
          name: 'trapHere',
          args: [0],
          steps: [],
          workspace: { steps: [1], threads: THREADS },
          chunks: 500,
        });
    }).toThrow(WebAssembly.RuntimeError);
    await started(pool, THREADS - 1);
    const { work, words } = marks(pool.heap, 1000, 10, 1);
    pool.run(work);
    expect(words()).toEqual(new Array(1000).fill(1));
  });

  it('throws when a kernel fails on another thread, and starts anew', async () => {
    const pool = poolOf();
    await started(pool, THREADS - 1);
    const code = codeOn(pool.heap);
    const { work } = marks(pool.heap, 100_000, 50, 200);
    expect(() => {
      for (let run = 0; run < 1000; run++) {
        pool.run(work);
        pool.run({
          code,
          name: 'trapElsewhere',
          args: [0],
          steps: [],
          workspace: { steps: [1], threads: THREADS },
          chunks: 500,
        });
      }
    }).toThrow(/failed on another thread/);
    await started(pool, THREADS - 1);
    const again = marks(pool.heap, 1000, 10, 1);
    pool.run(again.work);
    expect(again.words()).toEqual(new Array(1000).fill(1));
  });

  // The last: it sets what every pool of this process goes by.
  it('has as many threads as setNumThreads says', async () => {
    const before = getNumThreads();
    try {
      const pool = poolOf();
      await started(pool, THREADS - 1);
      setNumThreads(1);
      expect(pool.width(HUGE_NS)).toBe(1);
      setNumThreads(2);
      expect(pool.width(HUGE_NS)).toBeLessThanOrEqual(2);
      await new Promise((resolve) => setTimeout(resolve, 50));
      const { work, byThread, words } = marks(pool.heap, 4096, 16, 20_000);
      pool.run(work);
      expect(words()).toEqual(new Array(4096).fill(20_000));
      expect(byThread()[2]).toBe(0);
      setNumThreads('auto');
      expect(pool.count).toBe(THREADS);
      expect(getNumThreads()).toBe(before);
    } finally {
      setNumThreads('auto');
    }
    expect(() => setNumThreads(0)).toThrow(BackendError);
  });
});
