import { ArgumentError, describe, waitingPoint } from '@flambeau/core';
import { type Collated, collate, moveTo } from './collate.ts';
import type { Dataset, IterableDataset } from './dataset.ts';
import {
  batchSamplerOf,
  checkLoaderOptions,
  checkStreamOptions,
  type DataLoaderOptions,
} from './loader-options.ts';
import { ahead, type BatchSource } from './prefetch.ts';
import type { Counted } from './sampler.ts';

/** A list of samples serves as a data set too. */
type Indexed<T, B> = Dataset<T, B> | readonly T[];
/** With a `collate` of one's own, it alone decides what a batch is. */
type WithCollate<T, B> = DataLoaderOptions<T, B> & Required<Pick<DataLoaderOptions<T, B>, 'collate'>>;
type Stream<T> = IterableDataset<T> | AsyncIterable<T> | Iterable<T>;

/**
 * Batches of a data set, for `for await`. Each loop is an epoch of its own. Between batches timers and input have
 * their turn when 8 ms have passed since the last.
 *
 * @throws {ArgumentError} an option is unknown, out of range, or at odds with another.
 * @example
 * const loader = new DataLoader(dataset, { batchSize: 64, shuffle: true });
 * for await (const [x, y] of loader) { … }
 */
export class DataLoader<T, B = Collated<T>> implements AsyncIterable<B> {
  readonly dataset: Indexed<T, unknown> | Stream<T>;
  private readonly options: DataLoaderOptions<T, B>;
  /** Absent for a stream, which has no order to choose. */
  private readonly batches: (Iterable<readonly number[]> & Partial<Counted>) | undefined;

  static {
    // Not in the type, so that the compiler refuses a plain `for…of` already.
    Object.defineProperty(DataLoader.prototype, Symbol.iterator, {
      value: () => {
        throw new ArgumentError(
          'DataLoader: batches are waited for; write for await (const batch of loader) { … }',
          {
            op: 'DataLoader',
          },
        );
      },
    });
  }

  constructor(dataset: Indexed<T, unknown> | Stream<T>, options: WithCollate<T, B>);
  constructor(dataset: Indexed<T, B>, options?: DataLoaderOptions<T, B>);
  constructor(dataset: Stream<T>, options?: DataLoaderOptions<T, B>);
  constructor(dataset: Indexed<T, unknown> | Stream<T>, options: DataLoaderOptions<T, B> = {}) {
    checkLoaderOptions(options);
    this.dataset = dataset;
    this.options = options;
    if (isIndexed(dataset)) this.batches = batchSamplerOf(dataset, options);
    else if (isStream(dataset)) checkStreamOptions(options);
    else {
      throw new ArgumentError(
        `DataLoader: a data set has length and get(i), or can be iterated, got ${describe(dataset)}`,
        { op: 'DataLoader' },
      );
    }
  }

  /**
   * How many batches an epoch has.
   * @throws {ArgumentError} the data set is a stream that does not say its length.
   */
  get length(): number {
    const { length } = (this.batches ?? this.dataset) as Partial<Counted>;
    if (typeof length !== 'number') {
      throw new ArgumentError('DataLoader: the data set says no length, so the batches cannot be counted', {
        op: 'DataLoader',
      });
    }
    if (this.batches !== undefined) return length;
    const { batchSize = 1, dropLast = false } = this.options;
    return (dropLast ? Math.floor : Math.ceil)(length / batchSize);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<B, void, undefined> {
    const { prefetch = 0, signal, device } = this.options;
    for await (const batch of ahead(this.open(), prefetch, signal)) {
      await waitingPoint();
      signal?.throwIfAborted();
      yield device === undefined ? batch : moveTo(batch, device);
    }
  }

  private open(): BatchSource<B> {
    const { dataset, batches } = this;
    if (batches === undefined) return new StreamSource(dataset as Stream<T>, this.options);
    const indices = batches[Symbol.iterator]();
    return {
      next: async () => {
        const { done, value } = indices.next();
        return done ? END : { done: false, value: await this.load(dataset as Indexed<T, B>, value) };
      },
      close: async () => {
        indices.return?.();
      },
    };
  }

  private async load(dataset: Indexed<T, B>, indices: readonly number[]): Promise<B> {
    const get = 'get' in dataset ? (i: number) => dataset.get(i) : (i: number) => dataset[i]!;
    if (this.options.collate !== undefined) return this.options.collate(await Promise.all(indices.map(get)));
    if ('getBatch' in dataset && dataset.getBatch !== undefined) return dataset.getBatch(indices);
    return joined(await Promise.all(indices.map(get)));
  }
}

const END = { done: true, value: undefined } as const;

/** The default batch. `B` is `Collated<T>` wherever no `collate` and no `getBatch` says otherwise. */
const joined = <T, B>(samples: readonly T[]): B => collate(samples) as unknown as B;

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const isIndexed = <T>(dataset: unknown): dataset is Indexed<T, unknown> =>
  isObject(dataset) && (Array.isArray(dataset) || ('get' in dataset && 'length' in dataset));

const isStream = <T>(dataset: unknown): dataset is Stream<T> =>
  isObject(dataset) && (Symbol.asyncIterator in dataset || Symbol.iterator in dataset);

/** Batches of a stream's samples, in the order in which they come. */
class StreamSource<T, B> implements BatchSource<B> {
  private readonly samples: Iterator<T> | AsyncIterator<T>;
  private readonly options: DataLoaderOptions<T, B>;
  /** Batches that were begun earlier: each waits for the one before it. */
  private last: Promise<unknown> = Promise.resolve();
  private ended = false;

  constructor(stream: Stream<T>, options: DataLoaderOptions<T, B>) {
    this.samples = iteratorOf(stream);
    this.options = options;
  }

  next(): Promise<IteratorResult<B, undefined>> {
    const batch = this.last.then(() => this.collect());
    // Whoever asked for the batch hears of its failure; the next one only waits.
    this.last = batch.catch(() => {});
    return batch;
  }

  private async collect(): Promise<IteratorResult<B, undefined>> {
    const { batchSize = 1, dropLast = false } = this.options;
    const batch: T[] = [];
    while (batch.length < batchSize && !this.ended) {
      const { done, value } = await this.samples.next();
      if (done) this.ended = true;
      else batch.push(value);
    }
    if (batch.length === 0 || (dropLast && batch.length < batchSize)) return END;
    const value =
      this.options.collate === undefined ? joined<T, B>(batch) : await this.options.collate(batch);
    return { done: false, value };
  }

  async close(): Promise<void> {
    this.ended = true;
    await this.samples.return?.();
  }
}

function iteratorOf<T>(stream: Stream<T>): Iterator<T> | AsyncIterator<T> {
  const { [Symbol.asyncIterator]: async, [Symbol.iterator]: sync } = stream as Partial<
    AsyncIterable<T> & Iterable<T>
  >;
  if (async !== undefined) return async.call(stream as AsyncIterable<T>);
  if (sync !== undefined) return sync.call(stream as Iterable<T>);
  throw new ArgumentError('DataLoader: the data set can be iterated no longer', { op: 'DataLoader' });
}
