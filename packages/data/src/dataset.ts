import {
  ArgumentError,
  describe,
  indexSelect,
  isTensor,
  ShapeError,
  select,
  type Tensor,
  tensor,
} from '@flambeau/core';
import { checkIndex } from './checks.ts';
import type { Collated } from './collate.ts';

/**
 * Samples that are counted and can be had in any order. A data set of your own says its length and gives a sample;
 * where it can make a whole batch at once, faster than one sample after the other, it has `getBatch` too.
 *
 * @example
 * class Squares extends Dataset<[x: Tensor, y: Tensor]> {
 *   length = 100;
 *   get(i: number) { return [tensor([i]), tensor([i * i])]; }
 * }
 */
export abstract class Dataset<T, B = Collated<T>> {
  /** How many samples there are. */
  abstract readonly length: number;

  /** One sample. */
  abstract get(index: number): T | Promise<T>;

  /** A whole batch, in place of `collate(indices.map(get))`. */
  getBatch?(indices: readonly number[]): B | Promise<B>;
}

/**
 * Samples that come one after the other: a stream. It has `[Symbol.iterator]` or `[Symbol.asyncIterator]`.
 *
 * @example
 * class Lines extends IterableDataset<string> {
 *   async *[Symbol.asyncIterator]() { for await (const line of file.readLines()) yield line; }
 * }
 */
export abstract class IterableDataset<T> {
  /** How many samples there are, where that is known. */
  readonly length?: number;

  [Symbol.iterator]?(): Iterator<T>;
  [Symbol.asyncIterator]?(): AsyncIterator<T>;
}

/** One tensor for each tensor of a list. */
type Slices<T extends readonly Tensor[]> = { -readonly [K in keyof T]: Tensor };

/**
 * Tensors side by side: sample `i` is the tuple of their slices `i` along the first dimension.
 *
 * @throws {ShapeError} the tensors differ in their first dimension.
 * @example new TensorDataset(randn([100, 10]), randn([100, 1]))
 */
export class TensorDataset<T extends readonly Tensor[] = Tensor[]> extends Dataset<Slices<T>, Slices<T>> {
  readonly tensors: T;
  readonly length: number;

  constructor(...tensors: T) {
    super();
    const [first] = tensors;
    if (first === undefined || !tensors.every(isTensor)) {
      throw new ArgumentError(
        `TensorDataset: give one tensor or more, got ${tensors.map(describe).join(', ') || 'none'}`,
        {
          op: 'TensorDataset',
        },
      );
    }
    if (tensors.some(({ shape }) => shape.length === 0 || shape[0] !== first.shape[0])) {
      throw new ShapeError(
        `TensorDataset: the first dimension counts the samples and must be the same, got ${tensors.map(({ shape }) => `[${shape.join(', ')}]`).join(' and ')}`,
        { op: 'TensorDataset' },
      );
    }
    this.tensors = tensors;
    this.length = first.shape[0]!;
  }

  get(index: number): Slices<T> {
    checkIndex('TensorDataset', index, this.length);
    return this.tensors.map((x) => select(x, 0, index)) as Slices<T>;
  }

  override getBatch(indices: readonly number[]): Slices<T> {
    for (const index of indices) checkIndex('TensorDataset', index, this.length);
    const rows = new Map<string, Tensor>();
    return this.tensors.map((x) => {
      const at = rows.get(x.device) ?? tensor(Int32Array.from(indices), { device: x.device });
      rows.set(x.device, at);
      return indexSelect(x, 0, at);
    }) as Slices<T>;
  }
}

/**
 * Some samples of another data set, in a given order.
 *
 * @throws {ArgumentError} an index is out of range.
 * @example new Subset(dataset, [0, 2, 4])
 */
export class Subset<T, B = Collated<T>> extends Dataset<T, B> {
  readonly dataset: Dataset<T, B>;
  readonly indices: readonly number[];

  constructor(dataset: Dataset<T, B>, indices: readonly number[]) {
    super();
    for (const index of indices) checkIndex('Subset', index, dataset.length);
    this.dataset = dataset;
    this.indices = indices;
    // Only where the data set has it: the loader asks whether it is there.
    if (dataset.getBatch !== undefined)
      this.getBatch = (batch) => dataset.getBatch!(batch.map((i) => this.at(i)));
  }

  get length(): number {
    return this.indices.length;
  }

  private at(index: number): number {
    checkIndex('Subset', index, this.length);
    return this.indices[index]!;
  }

  get(index: number): T | Promise<T> {
    return this.dataset.get(this.at(index));
  }
}

/**
 * Several data sets, one behind the other.
 *
 * @throws {ArgumentError} no data sets are given.
 * @example new ConcatDataset([photos, drawings])
 */
export class ConcatDataset<T> extends Dataset<T> {
  readonly datasets: readonly Dataset<T, unknown>[];
  readonly length: number;

  constructor(datasets: readonly Dataset<T, unknown>[]) {
    super();
    if (datasets.length === 0)
      throw new ArgumentError('ConcatDataset: give one data set or more', { op: 'ConcatDataset' });
    this.datasets = datasets;
    this.length = datasets.reduce((total, { length }) => total + length, 0);
  }

  get(index: number): T | Promise<T> {
    checkIndex('ConcatDataset', index, this.length);
    let left = index;
    for (const dataset of this.datasets) {
      if (left < dataset.length) return dataset.get(left);
      left -= dataset.length;
    }
    throw new ArgumentError(`ConcatDataset: a data set changed its length; there is no sample ${index}`, {
      op: 'ConcatDataset',
    });
  }
}
