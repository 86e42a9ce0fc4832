import { ArgumentError, checkOptions, describe, type Generator } from '@flambeau/core';
import { checkBoolean, checkInteger } from './checks.ts';
import { permutation, randomIntegers, randomUniform } from './random.ts';

/** What has a length: all that a sampler needs to know of a data set. */
export interface Counted {
  readonly length: number;
}

/** The order in which samples are taken: indices for each epoch anew, or lists of them for whole batches. */
export interface Sampler<I = number> extends Iterable<I> {
  readonly length: number;
}

export interface GeneratorOptions {
  /** Where the random numbers come from; default: the generator that `manualSeed` sets. */
  readonly generator?: Generator;
}

/** Every sample, in order. @example new SequentialSampler(dataset) */
export class SequentialSampler implements Sampler {
  private readonly dataset: Counted;

  constructor(dataset: Counted) {
    this.dataset = dataset;
  }

  get length(): number {
    return this.dataset.length;
  }

  *[Symbol.iterator](): IterableIterator<number> {
    for (let i = 0; i < this.dataset.length; i++) yield i;
  }
}

export interface RandomSamplerOptions extends GeneratorOptions {
  /** Whether a sample can come again before all others came. Default false. */
  readonly replacement?: boolean;
  /** How many to draw. Default: as many as there are. */
  readonly numSamples?: number;
}

/**
 * Samples in random order, anew for each epoch.
 *
 * @throws {ArgumentError} `numSamples` is no positive integer.
 * @example new RandomSampler(dataset, { generator: new Generator(0) })
 */
export class RandomSampler implements Sampler {
  private readonly dataset: Counted;
  private readonly replacement: boolean;
  private readonly numSamples: number | undefined;
  private readonly generator: Generator | undefined;

  constructor(dataset: Counted, options: RandomSamplerOptions = {}) {
    checkOptions('RandomSampler', options, ['replacement', 'numSamples', 'generator']);
    const { replacement = false, numSamples } = options;
    checkBoolean('RandomSampler', 'replacement', replacement);
    if (numSamples !== undefined) checkInteger('RandomSampler', 'numSamples', numSamples, 1);
    this.dataset = dataset;
    this.replacement = replacement;
    this.numSamples = numSamples;
    this.generator = options.generator;
  }

  get length(): number {
    return this.numSamples ?? this.dataset.length;
  }

  *[Symbol.iterator](): IterableIterator<number> {
    const { length } = this.dataset;
    if (length === 0) return;
    if (this.replacement) {
      yield* randomIntegers(this.length, length, this.generator);
      return;
    }
    for (let left = this.length; left > 0; left -= length) {
      yield* permutation(length, this.generator).subarray(0, left);
    }
  }
}

/** Some samples in random order, anew for each epoch. @example new SubsetRandomSampler([0, 2, 4]) */
export class SubsetRandomSampler implements Sampler {
  private readonly indices: readonly number[];
  private readonly generator: Generator | undefined;

  constructor(indices: readonly number[], options: GeneratorOptions = {}) {
    checkOptions('SubsetRandomSampler', options, ['generator']);
    this.indices = indices;
    this.generator = options.generator;
  }

  get length(): number {
    return this.indices.length;
  }

  *[Symbol.iterator](): IterableIterator<number> {
    for (const i of permutation(this.length, this.generator)) yield this.indices[i]!;
  }
}

export interface WeightedRandomSamplerOptions extends GeneratorOptions {
  /** Whether a sample can be drawn again. Default true. */
  readonly replacement?: boolean;
}

/**
 * Samples drawn with given weights, which need not add up to 1.
 *
 * @throws {ArgumentError} a weight is negative or not finite, all are 0, or more samples are to be drawn without
 * replacement than have a weight.
 * @example new WeightedRandomSampler([0.1, 0.9], 100)
 */
export class WeightedRandomSampler implements Sampler {
  readonly length: number;
  private readonly weights: Float64Array;
  private readonly replacement: boolean;
  private readonly generator: Generator | undefined;

  constructor(weights: Iterable<number>, numSamples: number, options: WeightedRandomSamplerOptions = {}) {
    const op = 'WeightedRandomSampler';
    checkOptions(op, options, ['replacement', 'generator']);
    checkInteger(op, 'numSamples', numSamples, 1);
    const { replacement = true } = options;
    checkBoolean(op, 'replacement', replacement);
    this.weights = Float64Array.from(weights);
    const wrong = this.weights.findIndex((weight) => !(weight >= 0 && Number.isFinite(weight)));
    if (wrong >= 0) {
      throw new ArgumentError(
        `${op}: weights must be numbers of 0 or more, weight ${wrong} is ${this.weights[wrong]}`,
        { op },
      );
    }
    const drawable = this.weights.filter((weight) => weight > 0).length;
    if (drawable === 0) throw new ArgumentError(`${op}: at least one weight must be above 0`, { op });
    if (!replacement && numSamples > drawable) {
      throw new ArgumentError(
        `${op}: without replacement, ${numSamples} samples cannot be drawn from ${drawable} with a weight above 0`,
        { op },
      );
    }
    this.length = numSamples;
    this.replacement = replacement;
    this.generator = options.generator;
  }

  [Symbol.iterator](): Iterator<number> {
    return (this.replacement ? this.drawAgain() : this.drawOnce())[Symbol.iterator]();
  }

  /** Each draw finds its place in the running sum of the weights. */
  private drawAgain(): number[] {
    let total = 0;
    const sums = this.weights.map((weight) => (total += weight));
    const last = this.weights.findLastIndex((weight) => weight > 0);
    return Array.from(randomUniform(this.length, this.generator), (u) =>
      Math.min(firstAbove(sums, u * total), last),
    );
  }

  /** An exponential race: the smallest of `-log(u) / weight` come first, as in drawing one after the other. */
  private drawOnce(): number[] {
    const times = randomUniform(this.weights.length, this.generator).map(
      (u, i) => -Math.log1p(-u) / this.weights[i]!,
    );
    const order = Array.from(times, (_, i) => i).filter((i) => this.weights[i]! > 0);
    return order.sort((a, b) => times[a]! - times[b]!).slice(0, this.length);
  }
}

/** The first place whose value lies above `x`, in rising values. */
function firstAbove(values: Float64Array, x: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! > x) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * The indices of another sampler in lists of `batchSize`.
 *
 * @throws {ArgumentError} `batchSize` is no positive integer.
 * @example new BatchSampler(new SequentialSampler(dataset), 32, true)
 */
export class BatchSampler implements Sampler<number[]> {
  private readonly sampler: Iterable<number> & Partial<Counted>;
  private readonly batchSize: number;
  private readonly dropLast: boolean;

  constructor(sampler: Iterable<number> & Partial<Counted>, batchSize: number, dropLast: boolean) {
    checkInteger('BatchSampler', 'batchSize', batchSize, 1);
    checkBoolean('BatchSampler', 'dropLast', dropLast);
    this.sampler = sampler;
    this.batchSize = batchSize;
    this.dropLast = dropLast;
  }

  get length(): number {
    const { length } = this.sampler;
    if (length === undefined) {
      throw new ArgumentError(
        `BatchSampler: ${describe(this.sampler)} says no length, so the batches cannot be counted`,
        {
          op: 'BatchSampler',
        },
      );
    }
    return (this.dropLast ? Math.floor : Math.ceil)(length / this.batchSize);
  }

  *[Symbol.iterator](): IterableIterator<number[]> {
    let batch: number[] = [];
    for (const index of this.sampler) {
      batch.push(index);
      if (batch.length === this.batchSize) {
        yield batch;
        batch = [];
      }
    }
    if (batch.length > 0 && !this.dropLast) yield batch;
  }
}
