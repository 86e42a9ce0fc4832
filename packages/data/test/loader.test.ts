import { existsSync, readFileSync } from 'node:fs';
import { cpu } from '@flambeau/backend-cpu';
import { arange, Generator, manualSeed, registerBackend, type Tensor, tensor } from '@flambeau/core';
import * as fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { BatchSampler, collate, DataLoader, Dataset, IterableDataset, TensorDataset } from '../src/index.ts';

registerBackend(cpu());

class Squares extends Dataset<[x: Tensor, y: number]> {
  readonly length: number;
  constructor(length: number) {
    super();
    this.length = length;
  }
  get(i: number): [Tensor, number] {
    return [tensor([i, i]), i * i];
  }
}

const counted = (n: number): TensorDataset<[Tensor]> => new TensorDataset(arange(n));

async function indices(loader: AsyncIterable<readonly [Tensor, ...unknown[]]>): Promise<number[][]> {
  const batches: number[][] = [];
  for await (const [x] of loader) batches.push(Array.from(x.dataSync(), Number));
  return batches;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('DataLoader', () => {
  it('gives batches in order, the last one shorter', async () => {
    const loader = new DataLoader(counted(5), { batchSize: 2 });
    expect(loader.length).toBe(3);
    expect(await indices(loader)).toEqual([[0, 1], [2, 3], [4]]);
    expect(await indices(loader)).toEqual([[0, 1], [2, 3], [4]]);
  });

  it('leaves out a last batch that is not full', async () => {
    const loader = new DataLoader(counted(5), { batchSize: 2, dropLast: true });
    expect(loader.length).toBe(2);
    expect(await indices(loader)).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  it('has no batches where there are no samples', async () => {
    for (const shuffle of [false, true]) {
      const loader = new DataLoader(new Squares(0), { batchSize: 2, shuffle });
      expect(loader.length).toBe(0);
      expect(await indices(loader)).toEqual([]);
    }
  });

  it('joins samples, with types to match', async () => {
    const loader = new DataLoader(new Squares(3), { batchSize: 3 });
    for await (const batch of loader) {
      expectTypeOf(batch).toEqualTypeOf<[Tensor, Tensor]>();
      const [x, y] = batch;
      expect(x.shape).toEqual([3, 2]);
      expect(y.toArraySync()).toEqual([0, 1, 4]);
    }
  });

  it('takes a list of samples as a data set', async () => {
    const loader = new DataLoader([{ n: 1 }, { n: 2 }, { n: 3 }], { batchSize: 3 });
    for await (const { n } of loader) expect(n.toArraySync()).toEqual([1, 2, 3]);
  });

  it('shuffles by a seeded generator, anew for each epoch', async () => {
    const order = async (seed: number): Promise<number[][]> => {
      const loader = new DataLoader(counted(50), {
        batchSize: 50,
        shuffle: true,
        generator: new Generator(seed),
      });
      return [...(await indices(loader)), ...(await indices(loader))];
    };
    const [first, second] = (await order(1)) as [number[], number[]];
    expect(first.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(second).not.toEqual(first);
    expect(await order(1)).toEqual([first, second]);
    expect(await order(2)).not.toEqual([first, second]);
  });

  it('shuffles by manualSeed where no generator is given', async () => {
    const loader = new DataLoader(counted(20), { batchSize: 20, shuffle: true });
    manualSeed(7);
    const first = await indices(loader);
    manualSeed(7);
    expect(await indices(loader)).toEqual(first);
  });

  it('gives every sample once, whatever the sizes', async () => {
    const cases = fc.record({
      length: fc.integer({ min: 0, max: 40 }),
      batchSize: fc.integer({ min: 1, max: 12 }),
      prefetch: fc.integer({ min: 0, max: 4 }),
      shuffle: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ length, ...options }) => {
        const loader = new DataLoader(counted(length), options);
        const batches = length === 0 ? [] : await indices(loader);
        expect(batches.length).toBe(loader.length);
        expect(batches.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length }, (_, i) => i));
        expect(batches.slice(0, -1).every((batch) => batch.length === options.batchSize)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('takes an order of samples, or of batches', async () => {
    const dataset = counted(6);
    expect(await indices(new DataLoader(dataset, { batchSize: 2, sampler: [5, 3, 1] }))).toEqual([
      [5, 3],
      [1],
    ]);
    const batchSampler = [[0], [1, 2], [3, 4, 5]];
    const loader = new DataLoader(dataset, { batchSampler });
    expect(loader.length).toBe(3);
    expect(await indices(loader)).toEqual(batchSampler);
    const sampled = new DataLoader(dataset, { batchSampler: new BatchSampler([4, 2, 0], 2, true) });
    expect(await indices(sampled)).toEqual([[4, 2]]);
  });

  it('lets collate alone decide what a batch is', async () => {
    const loader = new DataLoader(counted(4), { batchSize: 2, collate: (samples) => samples.length });
    for await (const batch of loader) {
      expectTypeOf(batch).toEqualTypeOf<number>();
      expect(batch).toBe(2);
    }
  });

  it('asks the data set for whole batches where it can give them', async () => {
    class Whole extends Dataset<Tensor, string> {
      length = 5;
      get(): Tensor {
        throw new Error('one by one');
      }
      override getBatch(indices: readonly number[]): string {
        return indices.join('+');
      }
    }
    const loader = new DataLoader(new Whole(), { batchSize: 3 });
    const batches: string[] = [];
    for await (const batch of loader) batches.push(batch);
    expect(batches).toEqual(['0+1+2', '3+4']);
  });

  it('moves batches to a device', async () => {
    const loader = new DataLoader(new Squares(2), { device: 'meta', batchSize: 2 });
    for await (const [x, y] of loader) expect([x.device, y.device]).toEqual(['meta', 'meta']);
  });

  it('refuses a plain for…of', () => {
    const loader: unknown = new DataLoader(counted(2));
    expect(() => [...(loader as Iterable<unknown>)]).toThrow(
      'DataLoader: batches are waited for; write for await (const batch of loader) { … }',
    );
  });

  it.each([
    [{ batchSize: 0 }, 'DataLoader: batchSize must be a positive integer, got 0'],
    [{ batchSize: 1.5 }, 'DataLoader: batchSize must be a positive integer, got 1.5'],
    [{ prefetch: -1 }, 'DataLoader: prefetch must be an integer of 0 or more, got -1'],
    [{ shuffle: 'yes' }, 'DataLoader: shuffle must be true or false, got "yes"'],
    [{ collate: 3 }, 'DataLoader: collate must be a function of the samples, got 3'],
    [{ sampler: 3 }, 'DataLoader: sampler must be an iterable of indices, got 3'],
    [
      { sampler: [0], shuffle: true },
      'DataLoader: sampler decides the order; it does not go together with shuffle',
    ],
    [
      { batchSampler: [[0]], batchSize: 2, dropLast: true },
      'DataLoader: batchSampler decides the order; it does not go together with batchSize, dropLast',
    ],
    [{ batchsize: 2 }, 'DataLoader: unknown option batchsize; did you mean batchSize?'],
  ])('refuses %o', (options, text) => {
    expect(() => new DataLoader(counted(2), options as object)).toThrow(text);
  });

  it('refuses what is no data set', () => {
    const wrong: unknown = 3;
    expect(() => new DataLoader(wrong as number[])).toThrow(
      'DataLoader: a data set has length and get(i), or can be iterated, got 3',
    );
  });
});

describe('streams', () => {
  class Stream extends IterableDataset<number> {
    closed = 0;
    readonly count: number;
    constructor(count: number) {
      super();
      this.count = count;
    }
    override async *[Symbol.asyncIterator](): AsyncGenerator<number, void, undefined> {
      try {
        for (let i = 0; i < this.count; i++) {
          await pause(0);
          yield i;
        }
      } finally {
        this.closed += 1;
      }
    }
  }

  it.each([0, 1, 3])('gives their batches in order, %i ahead', async (prefetch) => {
    const stream = new Stream(5);
    const loader = new DataLoader(stream, { batchSize: 2, prefetch });
    const batches: unknown[] = [];
    for await (const batch of loader) batches.push(batch.toArraySync());
    expect(batches).toEqual([[0, 1], [2, 3], [4]]);
    expect(stream.closed).toBe(1);
  });

  it.each([0, 2])('closes them when the loop is left, %i ahead', async (prefetch) => {
    const stream = new Stream(100);
    for await (const batch of new DataLoader(stream, { batchSize: 2, prefetch })) {
      expect(batch.toArraySync()).toEqual([0, 1]);
      break;
    }
    await expect.poll(() => stream.closed).toBe(1);
  });

  it('drops a last batch that is not full, and takes plain iterables', async () => {
    const loader = new DataLoader(new Set([1, 2, 3]), { batchSize: 2, dropLast: true });
    const batches: unknown[] = [];
    for await (const batch of loader) batches.push(batch.toArraySync());
    expect(batches).toEqual([[1, 2]]);
    expect(() => loader.length).toThrow(
      'DataLoader: the data set says no length, so the batches cannot be counted',
    );
  });

  it('refuses to shuffle them', () => {
    expect(() => new DataLoader(new Stream(1), { shuffle: true })).toThrow(
      'DataLoader: an iterable data set has an order of its own; shuffle cannot change it',
    );
  });
});

describe('prefetching', () => {
  /** Notes how many batches are being loaded at once, and how many were begun. */
  class Slow extends Dataset<number, number> {
    length = 12;
    begun = 0;
    running = 0;
    mostRunning = 0;
    get(i: number): number {
      return i;
    }
    override async getBatch([first]: readonly number[]): Promise<number> {
      this.begun += 1;
      this.running += 1;
      this.mostRunning = Math.max(this.mostRunning, this.running);
      await pause(2);
      this.running -= 1;
      return first!;
    }
  }

  it.each([0, 1, 3])('has at most %i batches under way beside the one wanted', async (prefetch) => {
    const dataset = new Slow();
    let taken = 0;
    for await (const batch of new DataLoader(dataset, { prefetch })) {
      expect(batch).toBe(taken);
      taken += 1;
      await pause(5);
      expect(dataset.begun).toBe(Math.min(taken + prefetch, 12));
    }
    expect(taken).toBe(12);
    expect(dataset.mostRunning).toBe(prefetch + 1);
  });

  it('throws a failure when the turn of its batch comes', async () => {
    class Broken extends Slow {
      override async getBatch(indices: readonly number[]): Promise<number> {
        if (indices[0] === 2) throw new RangeError('sample 2 is unreadable');
        return super.getBatch(indices);
      }
    }
    const taken: number[] = [];
    const loop = async (): Promise<void> => {
      for await (const batch of new DataLoader(new Broken(), { prefetch: 4 })) taken.push(batch);
    };
    await expect(loop()).rejects.toThrow('sample 2 is unreadable');
    expect(taken).toEqual([0, 1]);
  });

  it('leaves no unhandled failure behind when the loop is left', async () => {
    class Broken extends Slow {
      override async getBatch(indices: readonly number[]): Promise<number> {
        await pause(1);
        if (indices[0]! > 0) throw new RangeError('never waited for');
        return 0;
      }
    }
    for await (const batch of new DataLoader(new Broken(), { prefetch: 4 })) {
      expect(batch).toBe(0);
      break;
    }
    await pause(10);
  });
});

describe('signals', () => {
  it('end the loop at once, also while a batch hangs', async () => {
    const controller = new AbortController();
    const hanging = new IterableDatasetOf(async function* () {
      yield 1;
      await new Promise(() => {});
    });
    const loop = async (): Promise<void> => {
      for await (const batch of new DataLoader(hanging, { signal: controller.signal, prefetch: 1 })) {
        expect(batch.toArraySync()).toEqual([1]);
        setTimeout(() => controller.abort(new Error('enough')), 5);
      }
    };
    await expect(loop()).rejects.toThrow('enough');
  });

  it('end a loop before its first batch', async () => {
    const loader = new DataLoader(counted(3), { signal: AbortSignal.abort(new Error('too late')) });
    await expect(indices(loader)).rejects.toThrow('too late');
  });

  it('are let go of afterwards', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners += 1;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners -= 1;
      removeEventListener.apply(signal, args);
    };
    for await (const _ of new DataLoader(counted(3), { signal })) break;
    await indices(new DataLoader(counted(3), { signal }));
    expect(listeners).toBe(0);
  });
});

class IterableDatasetOf<T> extends IterableDataset<T> {
  private readonly make: () => AsyncIterator<T>;
  constructor(make: () => AsyncIterator<T>) {
    super();
    this.make = make;
  }
  override [Symbol.asyncIterator](): AsyncIterator<T> {
    return this.make();
  }
}

describe('waiting points', () => {
  // A tick is late by what this thread did in between. What other threads and programs took of the machine meanwhile
  // is not the loader's doing, so the thread's own processor time is read wherever the host tells it.
  const threadMs = threadClock();

  it('leave a 10 ms timer ticking at least every 30 ms through 200 batches', { retry: 2 }, async () => {
    const workThrough = async (batches: number): Promise<void> => {
      const dataset = new TensorDataset(arange(batches * 8));
      for await (const [x] of new DataLoader(dataset, { batchSize: 8 })) {
        expect(x.shape).toEqual([8]);
        const until = performance.now() + 2;
        while (performance.now() < until);
      }
    };
    await workThrough(20); // what runs for the first time is compiled meanwhile
    const ticks = [threadMs()];
    const timer = setInterval(() => ticks.push(threadMs()), 10);
    try {
      await workThrough(200);
    } finally {
      clearInterval(timer);
    }
    ticks.push(threadMs());
    const gaps = ticks.slice(1).map((tick, i) => tick - ticks[i]!);
    expect(gaps.length).toBeGreaterThan(10);
    expect(Math.max(...gaps)).toBeLessThan(30);
  });
});

/** Milliseconds of processor time that the calling thread has had; of its whole process where that is not told. */
function threadClock(): () => number {
  const ofThread = (process as { threadCpuUsage?: typeof process.cpuUsage }).threadCpuUsage;
  const ofLinux = '/proc/thread-self/schedstat';
  if (ofThread === undefined && existsSync(ofLinux))
    return () => Number(readFileSync(ofLinux, 'utf8').split(' ')[0]) / 1e6;
  return () => {
    const { user, system } = (ofThread ?? process.cpuUsage).call(process);
    return (user + system) / 1000;
  };
}

describe('collate', () => {
  it('follows the structure of the samples', () => {
    const batch = collate([
      { image: tensor([1, 2]), label: 0n, name: 'a', size: [1, true] as const, raw: new Uint8Array([1]) },
      { image: tensor([3, 4]), label: 1n, name: 'b', size: [2, false] as const, raw: new Uint8Array([2]) },
    ]);
    expect(batch.image.toArraySync()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect([batch.label.dtype, batch.label.toArraySync()]).toEqual(['int64', [0, 1]]);
    expect(batch.name).toEqual(['a', 'b']);
    expect(batch.size.map((part) => part.dtype)).toEqual(['float32', 'bool']);
    expect([batch.raw.dtype, batch.raw.shape]).toEqual(['uint8', [2, 1]]);
    expectTypeOf(batch.name).toEqualTypeOf<string[]>();
    expectTypeOf(batch.size).toEqualTypeOf<[Tensor, Tensor]>();
  });

  it.each([
    [
      [
        [tensor([1]), 0],
        [tensor([1, 2]), 0],
      ],
      'collate: samples of a batch differ in shape at sample[0]: sample 0 is [1], sample 1 is [2]; pad them, or give the loader { collate }',
    ],
    [
      [{ x: 1 }, { x: 'one' }],
      'collate: samples of a batch differ in kind at sample.x: sample 0 is 1, sample 1 is "one"',
    ],
    [[[1], [1, 2]], 'collate: samples of a batch differ in length: sample 0 has 1 entries, sample 1 has 2'],
    [[{ a: 1 }, { b: 1 }], 'collate: samples of a batch differ in keys: sample 0 has a, sample 1 has b'],
    [
      [[null]],
      'collate: null at sample[0] makes no batch; return tensors, numbers, text, tuples or records, or give the loader { collate }',
    ],
    [[], 'collate: a batch needs at least one sample'],
  ])('refuses %o', (samples, text) => {
    expect(() => collate(samples as unknown[])).toThrow(text);
  });
});
