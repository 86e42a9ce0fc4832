import { ArgumentError, checkOptions, describe, fromArray, type Tensor } from '@flambeau/core';
import { checkBoolean, checkIndex } from '../checks.ts';
import { Dataset } from '../dataset.ts';
import { DataError } from '../errors.ts';
import type { IdxArray } from './idx.ts';

export interface MnistOptions {
  /** Gives images as `[784]` instead of `[1, 28, 28]`. Default false. */
  readonly flatten?: boolean;
  /** What is subtracted of values of `0..1`. Default 0.1307, the mean of MNIST. */
  readonly mean?: number;
  /** What the difference is divided by. Default 0.3081, the standard deviation of MNIST. */
  readonly std?: number;
}

type Pair = [images: Tensor, labels: Tensor];

/**
 * Images and labels as MNIST has them. The images stay bytes in memory; a batch at a time becomes
 * `(value / 255 - mean) / std`.
 *
 * - images: `[batch, 1, rows, columns]`, or `[batch, rows * columns]` with `flatten`; float32
 * - labels: `[batch]`, int32
 *
 * @throws {DataError} there are not as many labels as images, or they are not what they should be.
 */
export class MnistDataset extends Dataset<Pair, Pair> {
  readonly length: number;
  readonly rows: number;
  readonly columns: number;
  /** All pixels, image after image: 0 is the background, 255 the pen. */
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
  private readonly flatten: boolean;
  /** What each of the 256 values of a pixel becomes. */
  private readonly levels: Float32Array;

  constructor(images: IdxArray, labels: IdxArray, options: MnistOptions = {}) {
    super();
    checkOptions('MnistDataset', options, ['flatten', 'mean', 'std']);
    const { flatten = false, mean = 0.1307, std = 0.3081 } = options;
    checkBoolean('MnistDataset', 'flatten', flatten);
    if (!(Number.isFinite(mean) && Number.isFinite(std) && std > 0)) {
      throw new ArgumentError(
        `MnistDataset: mean must be a number and std one above 0, got ${describe(mean)} and ${describe(std)}`,
        { op: 'MnistDataset' },
      );
    }
    this.pixels = bytesOf('images', images, 3);
    this.labels = bytesOf('labels', labels, 1);
    const [length, rows, columns] = images.shape as readonly [number, number, number];
    if (labels.shape[0] !== length) {
      throw new DataError(`MnistDataset: there are ${length} images and ${labels.shape[0]} labels`, {
        op: 'MnistDataset',
        data: { images: length, labels: labels.shape[0] },
      });
    }
    this.length = length;
    this.rows = rows;
    this.columns = columns;
    this.flatten = flatten;
    this.levels = Float32Array.from({ length: 256 }, (_, value) => (value / 255 - mean) / std);
  }

  /** The pixels of one image, row after row. */
  image(index: number): Uint8Array {
    checkIndex('MnistDataset', index, this.length);
    const size = this.rows * this.columns;
    return this.pixels.subarray(index * size, (index + 1) * size);
  }

  get(index: number): Pair {
    const [images, labels] = this.getBatch([index]);
    return [images.select(0, 0), labels.select(0, 0)];
  }

  override getBatch(indices: readonly number[]): Pair {
    const { rows, columns, levels } = this;
    const size = rows * columns;
    const images = new Float32Array(indices.length * size);
    const labels = new Int32Array(indices.length);
    indices.forEach((index, i) => {
      const image = this.image(index);
      const start = i * size;
      for (let k = 0; k < size; k++) images[start + k] = levels[image[k]!]!;
      labels[i] = this.labels[index]!;
    });
    const shape = this.flatten ? [indices.length, size] : [indices.length, 1, rows, columns];
    return [fromArray(images, shape), fromArray(labels, [indices.length])];
  }
}

function bytesOf(what: string, { dtype, shape, data }: IdxArray, rank: number): Uint8Array {
  if (dtype === 'uint8' && shape.length === rank && data instanceof Uint8Array) return data;
  throw new DataError(
    `MnistDataset: ${what} must be uint8 of ${rank} dimensions, got ${dtype} [${shape.join(', ')}]; are images and labels exchanged?`,
    { op: 'MnistDataset', data: { dtype, shape } },
  );
}
