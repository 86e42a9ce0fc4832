import { cpu } from '@flambeau/backend-cpu';
import { Generator, randint, registerBackend, tensor } from '@flambeau/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BatchSampler,
  ConcatDataset,
  Dataset,
  RandomSampler,
  randomSplit,
  type Sampler,
  SequentialSampler,
  Subset,
  SubsetRandomSampler,
  TensorDataset,
  WeightedRandomSampler,
} from '../src/index.ts';
import { permutation, randomUniform, randomWords } from '../src/random.ts';

registerBackend(cpu());

const sorted = (values: Iterable<number>): number[] => [...values].toSorted((a, b) => a - b);
const range = (length: number): number[] => Array.from({ length }, (_, i) => i);

class Numbers extends Dataset<number> {
  readonly length: number;
  constructor(length: number) {
    super();
    this.length = length;
  }
  get(i: number): number {
    return i * 10;
  }
}

describe('TensorDataset', () => {
  const dataset = new TensorDataset(
    tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]),
    tensor([0n, 1n, 2n]),
  );

  it('gives slices, one by one and by the batch', () => {
    expect(dataset.length).toBe(3);
    expect(dataset.get(1).map((x) => x.toArraySync())).toEqual([[3, 4], 1]);
    expect(dataset.getBatch([2, 0, 2]).map((x) => x.toArraySync())).toEqual([
      [
        [5, 6],
        [1, 2],
        [5, 6],
      ],
      [2, 0, 2],
    ]);
  });

  it('gives batches in memory of their own', () => {
    const [x] = dataset.getBatch([0, 1, 2]);
    x.mul_(0);
    expect(dataset.tensors[0].toArraySync()).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
  });

  it('refuses wrong indices and tensors that do not fit', () => {
    expect(() => dataset.get(3)).toThrow(
      'TensorDataset: index 3 is out of range; there are 3 samples, counted from 0',
    );
    expect(() => dataset.getBatch([0, -1])).toThrow('TensorDataset: index -1 is out of range');
    expect(() => new TensorDataset(tensor([1, 2]), tensor([1]))).toThrow(
      'TensorDataset: the first dimension counts the samples and must be the same, got [2] and [1]',
    );
    expect(() => new TensorDataset(tensor(1))).toThrow('must be the same, got []');
    expect(() => new TensorDataset()).toThrow('TensorDataset: give one tensor or more, got none');
  });
});

describe('Subset, ConcatDataset, randomSplit', () => {
  it('take some samples', async () => {
    const subset = new Subset(new Numbers(5), [4, 0]);
    expect([subset.length, subset.get(0), subset.get(1), subset.getBatch]).toEqual([2, 40, 0, undefined]);
    const whole = new Subset(new TensorDataset(tensor([5, 6, 7])), [2, 1]);
    expect((await whole.getBatch!([1, 0]))[0].toArraySync()).toEqual([6, 7]);
    expect(() => new Subset(new Numbers(5), [5])).toThrow('Subset: index 5 is out of range');
    expect(() => subset.get(2)).toThrow('Subset: index 2 is out of range; there are 2 samples');
  });

  it('put data sets one behind the other', () => {
    const joined = new ConcatDataset([new Numbers(2), new Numbers(0), new Numbers(3)]);
    expect(range(joined.length).map((i) => joined.get(i))).toEqual([0, 10, 0, 10, 20]);
    expect(() => joined.get(5)).toThrow('ConcatDataset: index 5 is out of range; there are 5 samples');
    expect(() => new ConcatDataset([])).toThrow('ConcatDataset: give one data set or more');
  });

  it('split at random without common samples', () => {
    const generator = new Generator(3);
    const parts = randomSplit(new Numbers(10), [7, 3], { generator });
    expect(parts.map((part) => part.length)).toEqual([7, 3]);
    expect(sorted(parts.flatMap((part) => part.indices))).toEqual(range(10));
    const again = randomSplit(new Numbers(10), [7, 3], { generator: new Generator(3) });
    expect(again.map((part) => part.indices)).toEqual(parts.map((part) => part.indices));
  });

  it('split by shares, whatever they are', () => {
    const shares = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(shares, fc.integer({ min: 0, max: 50 }), (weights, length) => {
        const sum = weights.reduce((a, b) => a + b, 0);
        const parts = randomSplit(
          new Numbers(length),
          weights.map((weight) => weight / sum),
        );
        expect(sorted(parts.flatMap((part) => part.indices))).toEqual(range(length));
        parts.forEach((part, i) => {
          expect(Math.abs(part.length - (weights[i]! / sum) * length)).toBeLessThanOrEqual(1);
        });
      }),
      { numRuns: 50 },
    );
  });

  it('refuse lengths that do not add up', () => {
    expect(() => randomSplit(new Numbers(10), [7, 2])).toThrow(
      'randomSplit: lengths must add up to the 10 samples of the data set, or shares to 1; [7, 2] give 9',
    );
    expect(() => randomSplit(new Numbers(10), [-1, 11])).toThrow(
      'randomSplit: lengths must be a list of counts or of shares',
    );
    expect(() => randomSplit(new Numbers(10), [])).toThrow('randomSplit: lengths must be a list');
  });
});

describe('samplers', () => {
  const dataset = { length: 6 };

  it('go through all samples, in order or at random, anew each time', () => {
    const random = new RandomSampler(dataset, { generator: new Generator(1) });
    const subset = new SubsetRandomSampler([9, 8, 7], { generator: new Generator(1) });
    expect([...new SequentialSampler(dataset)]).toEqual(range(6));
    expect([random.length, sorted(random), sorted(random)]).toEqual([6, range(6), range(6)]);
    expect([subset.length, sorted(subset)]).toEqual([3, [7, 8, 9]]);
    const epochs = new Set(Array.from({ length: 20 }, () => [...random].join()));
    expect(epochs.size).toBeGreaterThan(1);
  });

  it('draw more samples than there are, with replacement or in several rounds', () => {
    const again = new RandomSampler(dataset, {
      replacement: true,
      numSamples: 100,
      generator: new Generator(1),
    });
    expect([...again].length).toBe(100);
    expect(new Set(again).size).toBe(6);
    const rounds = [...new RandomSampler(dataset, { numSamples: 15, generator: new Generator(1) })];
    expect(sorted(rounds.slice(0, 6))).toEqual(range(6));
    expect(sorted(rounds.slice(6, 12))).toEqual(range(6));
    expect(rounds.length).toBe(15);
  });

  it('draw by weights', () => {
    const weights = [1, 0, 3];
    const drawn = [...new WeightedRandomSampler(weights, 20_000, { generator: new Generator(2) })];
    const share = drawn.filter((i) => i === 2).length / drawn.length;
    expect(drawn.includes(1)).toBe(false);
    expect(Math.abs(share - 0.75)).toBeLessThan(0.02);
    const once = new WeightedRandomSampler([1, 0, 1, 1], 3, {
      replacement: false,
      generator: new Generator(2),
    });
    expect(sorted(once)).toEqual([0, 2, 3]);
    const firsts = new WeightedRandomSampler(weights, 1, { replacement: false, generator: new Generator(2) });
    const rate = Array.from({ length: 4000 }, () => [...firsts][0]).filter((i) => i === 2).length / 4000;
    expect(Math.abs(rate - 0.75)).toBeLessThan(0.04);
  });

  it('make batches of indices', () => {
    const batches: Sampler<number[]> = new BatchSampler([3, 1, 4, 1, 5], 2, false);
    expect([batches.length, [...batches]]).toEqual([3, [[3, 1], [4, 1], [5]]]);
    const full = new BatchSampler(new SequentialSampler(dataset), 4, true);
    expect([full.length, [...full]]).toEqual([1, [[0, 1, 2, 3]]]);
  });

  it('refuse wrong arguments', () => {
    expect(() => new RandomSampler(dataset, { numSamples: 0 })).toThrow(
      'RandomSampler: numSamples must be a positive integer, got 0',
    );
    expect(() => new WeightedRandomSampler([1, -1], 1)).toThrow(
      'WeightedRandomSampler: weights must be numbers of 0 or more, weight 1 is -1',
    );
    expect(() => new WeightedRandomSampler([0], 1)).toThrow('at least one weight must be above 0');
    expect(() => new WeightedRandomSampler([1, 0], 2, { replacement: false })).toThrow(
      'without replacement, 2 samples cannot be drawn from 1 with a weight above 0',
    );
    expect(() => new BatchSampler([0], 0, false)).toThrow(
      'BatchSampler: batchSize must be a positive integer, got 0',
    );
  });
});

describe('random numbers on the host', () => {
  it('are the bits that a device takes', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.integer({ min: 1, max: 9 }),
        (seed, count) => {
          const offset = { seed, offset: 2n ** 32n - 1n };
          const host = new Generator();
          const device = new Generator();
          host.setState(offset);
          device.setState(offset);
          const words = Array.from(randomWords(host, count), (word) => Math.floor((word / 2 ** 32) * 1000));
          expect(words).toEqual(
            Array.from(randint(0, 1000, [count], { generator: device }).dataSync(), Number),
          );
          expect(host.getState()).toEqual(device.getState());
        },
      ),
      { numRuns: 30 },
    );
  });

  it('make every order as likely as the others', () => {
    const generator = new Generator(5);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = permutation(3, generator).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('lie in [0, 1)', () => {
    const values = randomUniform(1000, new Generator(0));
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(Math.abs(values.reduce((a, b) => a + b) / 1000 - 0.5)).toBeLessThan(0.05);
  });
});
