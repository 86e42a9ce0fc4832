import { type Device, fromArray, scope, supportsDType, type Tensor } from '@flambeau/core';
import type { DType } from '@flambeau/core/backend';
import { Random } from '../conformance/random.ts';

/**
 * How a sample's tensors lie in memory: row-major; with their dimensions in reverse order; with gaps, which hold NaN
 * or other values that show, between the elements.
 */
export type MemoryLayout = 'contiguous' | 'transposed' | 'strided';

export const LAYOUTS: readonly MemoryLayout[] = ['contiguous', 'transposed', 'strided'];

export interface MakerSettings {
  /** Of floating tensors. Default float32. */
  readonly dtype?: DType;
  readonly device: Device;
  readonly layout?: MemoryLayout;
  /** Whether the tensors that `x` makes collect gradients. Default true. */
  readonly requiresGrad?: boolean;
}

type Values = readonly (number | boolean)[];

/**
 * Makes the tensors of a sample: the same values in every dtype, on every device and in every layout. Floating
 * values are exact in float32, so that float64 computes with the same ones.
 */
export class Maker {
  readonly dtype: DType;
  readonly device: Device;
  private readonly layout: MemoryLayout;
  private readonly requiresGrad: boolean;
  private readonly random: Random;

  constructor(
    seed: string,
    { dtype = 'float32', device, layout = 'contiguous', requiresGrad = true }: MakerSettings,
  ) {
    this.dtype = dtype;
    this.device = device;
    this.layout = layout;
    this.requiresGrad = requiresGrad;
    this.random = Random.of(seed);
  }

  /** A floating tensor for which a gradient is wanted. */
  x(shape: readonly number[], low = -2, high = 2): Tensor {
    return this.floating(shape, this.uniform(shape, low, high), this.requiresGrad);
  }

  /** A floating tensor without a gradient: targets, weights of classes, running statistics. */
  fixed(shape: readonly number[], low = -2, high = 2): Tensor {
    return this.floating(shape, this.uniform(shape, low, high), false);
  }

  /** Like `x`, with no value nearer than `margin` to one of `points`, where the operator has no derivative. */
  apart(shape: readonly number[], points: readonly number[], low = -2, high = 2, margin = 0.05): Tensor {
    const values = this.uniform(shape, low, high).map((value) => {
      let moved = value;
      while (points.some((point) => Math.abs(moved - point) < margin))
        moved = Math.fround(this.random.uniform(low, high));
      return moved;
    });
    return this.floating(shape, values, this.requiresGrad);
  }

  /** Like `x`, with values that differ from each other by 0.1 at least: for what looks for the largest, or sorts. */
  distinct(shape: readonly number[]): Tensor {
    const count = size(shape);
    const steps = this.random.shuffled(Array.from({ length: count }, (_, i) => i));
    return this.floating(
      shape,
      steps.map((step) => Math.fround((step - count / 2) * 0.125)),
      this.requiresGrad,
    );
  }

  /** Floating values given one by one, in row-major order. */
  values(shape: readonly number[], values: readonly number[], requiresGrad = this.requiresGrad): Tensor {
    return this.floating(shape, values.map(Math.fround), requiresGrad);
  }

  /** int32 indices of `0..length-1`. */
  indices(shape: readonly number[], length: number): Tensor {
    return this.integers(shape, 0, length - 1);
  }

  /** int32 indices, each another one. */
  permutation(count: number, length = count): Tensor {
    const all = Array.from({ length }, (_, i) => i);
    return this.integer([count], this.random.shuffled(all).slice(0, count));
  }

  /** Integers of `low..high`, both included. */
  integers(shape: readonly number[], low = -5, high = 5, dtype: DType = 'int32'): Tensor {
    return this.integer(
      shape,
      Array.from({ length: size(shape) }, () => this.random.integer(low, high)),
      dtype,
    );
  }

  /** Integers given one by one. */
  integer(shape: readonly number[], values: readonly number[], dtype: DType = 'int32'): Tensor {
    return this.place(shape, values, dtype, 77);
  }

  bools(shape: readonly number[]): Tensor {
    return this.place(
      shape,
      Array.from({ length: size(shape) }, () => this.random.next() < 0.5),
      'bool',
      true,
    );
  }

  /** Truths given one by one, as 0 and 1. */
  truths(shape: readonly number[], values: readonly number[]): Tensor {
    return this.place(
      shape,
      values.map((value) => value !== 0),
      'bool',
      true,
    );
  }

  private uniform(shape: readonly number[], low: number, high: number): number[] {
    return Array.from({ length: size(shape) }, () => Math.fround(this.random.uniform(low, high)));
  }

  private floating(shape: readonly number[], values: readonly number[], requiresGrad: boolean): Tensor {
    const x = this.place(shape, values, this.dtype, Number.NaN);
    return requiresGrad ? x.requiresGrad_() : x;
  }

  /** Lays values out in memory as the layout says. */
  private place(shape: readonly number[], values: Values, asked: DType, filler: number | boolean): Tensor {
    // A device without int64 is given int32, as everywhere.
    const dtype = asked === 'int64' && !supportsDType(this.device, asked) ? 'int32' : asked;
    const made = (sizes: readonly number[], elements: Values): Tensor =>
      fromArray(elements as readonly number[], sizes, { dtype, device: this.device });
    // In a scope, so that the tensors of which these are views are given free with them.
    return scope(() => {
      switch (this.layout) {
        case 'contiguous':
          return made(shape, values);
        case 'transposed': {
          const turned = shape.map((_, dim) => shape.length - 1 - dim);
          return made(shape.toReversed(), reordered(shape, values)).permute(turned).detach();
        }
        case 'strided':
          return made(
            [...shape, 2],
            values.flatMap((value) => [filler, value]),
          )
            .select(-1, 1)
            .detach();
      }
    });
  }
}

const size = (shape: readonly number[]): number => shape.reduce((n, length) => n * length, 1);

/** Row-major values of a shape in the order of the shape reversed. */
function reordered(shape: readonly number[], values: Values): Values {
  const strides = shape.map((_, dim) => size(shape.slice(dim + 1)));
  const reversed = shape.toReversed();
  return values.map((_, at) => {
    let rest = at;
    let from = 0;
    for (let k = reversed.length - 1; k >= 0; k--) {
      from += (rest % reversed[k]!) * strides[shape.length - 1 - k]!;
      rest = Math.floor(rest / reversed[k]!);
    }
    return values[from]!;
  });
}
