import { composite } from '../dispatch/declare.ts';
import { isFloating } from '../dtype.ts';
import { ArgumentError, checkOptions, describe } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sizeOf } from '../shape.ts';
import { relu } from './activation.ts';
import { abs, mul, sign } from './arithmetic.ts';
import { avgPool } from './average-pooling.ts';
import { maxPool } from './max-pooling.ts';
import { dropBatch, type PoolOptions, pooled, poolOf } from './pooling.ts';
import { pow } from './power.ts';
import { type Size, sizeList, spatial } from './windows.ts';

export interface MaxPoolOptions extends PoolOptions {
  /** Distance between elements of a window. Default 1. */
  readonly dilation?: Size;
  /** Whether the positions come too, flat over the spatial dimensions. Default false. */
  readonly returnIndices?: boolean;
}

export interface MaxPoolResult {
  readonly values: Tensor;
  /** int32; flat positions over the spatial dimensions. */
  readonly indices: Tensor;
}

/** A max pool gives its values, and with `returnIndices: true` their positions too. */
interface MaxPoolFunction {
  (x: Tensor, kernelSize: Size, options: MaxPoolOptions & { readonly returnIndices: true }): MaxPoolResult;
  (x: Tensor, kernelSize: Size, options?: MaxPoolOptions & { readonly returnIndices?: false }): Tensor;
  (x: Tensor, kernelSize: Size, options?: MaxPoolOptions): Tensor | MaxPoolResult;
}

const MAX_OPTIONS = ['stride', 'padding', 'dilation', 'ceilMode', 'returnIndices'];

/** What a max pool returns, by its options. */
export const withIndices = (result: MaxPoolResult, wanted: boolean | undefined): Tensor | MaxPoolResult =>
  wanted ? result : result.values;

export const unbatched = ({ values, indices }: MaxPoolResult): MaxPoolResult => ({
  values: dropBatch(values),
  indices: dropBatch(indices),
});

const maxPoolOver = (op: string, rank: number) =>
  composite(op, (x: Tensor, kernelSize: Size, options: MaxPoolOptions = {}): Tensor | MaxPoolResult => {
    checkOptions(op, options, MAX_OPTIONS);
    const run = (batched: Tensor): MaxPoolResult =>
      maxPool(batched, poolOf(op, spatial(batched, rank), kernelSize, options));
    return withIndices(pooled(op, x, rank, run, unbatched), options.returnIndices);
    // The overloads say which of both comes back for which options.
  }) as MaxPoolFunction & { readonly opName: string };

/**
 * The largest element of each window along one dimension. Padding never wins; NaN does.
 *
 * - `x`: `[batch, channels, length]` or `[channels, length]`
 * - returns: values, or with `returnIndices: true` `{ values, indices }`, indices int32 along `length`
 *
 * @throws {ShapeError} no window fits. @throws {ArgumentError} padding is more than half a window.
 * @example maxPool1d(tensor([[1, 3, 2, 4]]), 2) // tensor([[3., 4.]])
 */
export const maxPool1d = maxPoolOver('maxPool1d', 1);

/**
 * The largest element of each window over two dimensions. Padding never wins; NaN does.
 *
 * - `x`: `[batch, channels, height, width]` or without batch
 * - returns: values, or with `returnIndices: true` `{ values, indices }`, indices int32, flat over height and width
 *
 * @throws {ShapeError} no window fits. @throws {ArgumentError} padding is more than half a window.
 * @example maxPool2d(tensor([[[1, 2], [3, 4]]]), 2) // tensor([[[4.]]])
 */
export const maxPool2d = maxPoolOver('maxPool2d', 2);

/**
 * The largest element of each window over three dimensions. Padding never wins; NaN does.
 *
 * - `x`: `[batch, channels, depth, height, width]` or without batch
 * - returns: values, or with `returnIndices: true` `{ values, indices }`, indices int32, flat over the three
 *
 * @throws {ShapeError} no window fits. @throws {ArgumentError} padding is more than half a window.
 */
export const maxPool3d = maxPoolOver('maxPool3d', 3);

export interface AvgPoolOptions extends PoolOptions {
  /** Whether padding counts in the mean. Default true. */
  readonly countIncludePad?: boolean;
  /** What every sum is divided by instead of the number of elements. */
  readonly divisorOverride?: number | null;
}

const AVG_OPTIONS = ['stride', 'padding', 'ceilMode', 'countIncludePad', 'divisorOverride'];

const avgPoolOver = (op: string, rank: number) =>
  composite(op, (x: Tensor, kernelSize: Size, options: AvgPoolOptions = {}): Tensor => {
    checkOptions(op, options, AVG_OPTIONS);
    const divisor = options.divisorOverride ?? undefined;
    if (divisor === 0 || (divisor !== undefined && !Number.isInteger(divisor))) {
      throw new ArgumentError(
        `${op}: divisorOverride must be an integer other than 0, got ${describe(divisor)}`,
        { op },
      );
    }
    const include = options.countIncludePad ?? true;
    const run = (batched: Tensor): Tensor =>
      avgPool(batched, {
        ...poolOf(op, spatial(batched, rank), kernelSize, options),
        include,
        divisor: divisor ?? 0,
      });
    return pooled(op, x, rank, run, dropBatch);
  });

/**
 * The mean of each window along one dimension.
 *
 * - `x`: `[batch, channels, length]` or `[channels, length]`
 *
 * @throws {ShapeError} no window fits. @throws {ArgumentError} padding is more than half a window.
 * @example avgPool1d(tensor([[1, 3, 2, 4]]), 2) // tensor([[2., 3.]])
 */
export const avgPool1d = avgPoolOver('avgPool1d', 1);

/**
 * The mean of each window over two dimensions.
 *
 * - `x`: `[batch, channels, height, width]` or without batch
 *
 * @throws {ShapeError} no window fits. @throws {ArgumentError} padding is more than half a window.
 * @example avgPool2d(tensor([[[1, 2], [3, 4]]]), 2) // tensor([[[2.5000]]])
 */
export const avgPool2d = avgPoolOver('avgPool2d', 2);

/**
 * The mean of each window over three dimensions.
 *
 * - `x`: `[batch, channels, depth, height, width]` or without batch
 *
 * @throws {ShapeError} no window fits. @throws {ArgumentError} padding is more than half a window.
 */
export const avgPool3d = avgPoolOver('avgPool3d', 3);

export interface LpPoolOptions {
  /** Distance between windows. Default: the window's size. */
  readonly stride?: Size | null;
  /** Whether a last, incomplete window counts. Default false. */
  readonly ceilMode?: boolean;
}

const lpPoolOver = (op: string, rank: number) =>
  composite(op, (x: Tensor, normType: number, kernelSize: Size, options: LpPoolOptions = {}): Tensor => {
    checkOptions(op, options, ['stride', 'ceilMode']);
    if (typeof normType !== 'number' || normType === 0)
      throw new ArgumentError(`${op}: normType must be a number other than 0, got ${describe(normType)}`, {
        op,
      });
    if (!isFloating(x.dtype))
      throw new ArgumentError(`${op}: needs a floating input, got ${x.dtype}`, { op });
    const count = sizeOf(sizeList(op, 'kernelSize', kernelSize, rank, 1));
    const run = (batched: Tensor): Tensor =>
      avgPool(pow(batched, normType), {
        ...poolOf(op, spatial(batched, rank), kernelSize, options),
        include: true,
        divisor: 0,
      });
    const mean = pooled(op, x, rank, run, dropBatch);
    return pow(mul(mul(sign(mean), relu(abs(mean))), count), 1 / normType);
  });

/** The p-norm of each window along one dimension: `(Σ xᵖ)^(1/p)`. `x`: `[batch, channels, length]` or without batch. @throws {ShapeError} no window fits. */
export const lpPool1d = lpPoolOver('lpPool1d', 1);

/** The p-norm of each window over two dimensions: `(Σ xᵖ)^(1/p)`. `x`: `[batch, channels, height, width]` or without batch. @throws {ShapeError} no window fits. */
export const lpPool2d = lpPoolOver('lpPool2d', 2);

/** The p-norm of each window over three dimensions: `(Σ xᵖ)^(1/p)`. `x`: `[batch, channels, depth, height, width]` or without batch. @throws {ShapeError} no window fits. */
export const lpPool3d = lpPoolOver('lpPool3d', 3);
