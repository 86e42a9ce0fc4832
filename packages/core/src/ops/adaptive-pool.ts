import { composite } from '../dispatch/declare.ts';
import { PointwiseOp } from '../dispatch/pointwise.ts';
import { isFloating } from '../dtype.ts';
import { ArgumentError, checkOptions, DTypeError, describe } from '../errors.ts';
import { type Expr, index } from '../expr/expr.ts';
import { withRecording } from '../graph/mode.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Shape, sizeOf } from '../shape.ts';
import { sum } from './broadcast.ts';
import { strongest, takeFlat } from './max-pooling.ts';
import { type MaxPoolResult, unbatched, withIndices } from './pool.ts';
import { dropBatch, pooled } from './pooling.ts';
import { positions, takeSlices } from './positions.ts';
import { mean } from './reductions.ts';
import { permute, reshape } from './reshape.ts';
import { spatial } from './windows.ts';

/** One size for all dimensions, or one for each; null keeps the input's. */
export type AdaptiveSize = number | null | readonly (number | null)[];

function outputSizes(op: string, size: Shape, given: AdaptiveSize): readonly number[] {
  const list: readonly (number | null)[] = Array.isArray(given)
    ? given
    : size.map(() => given as number | null);
  const full = list.length === 1 ? size.map(() => list[0]!) : list;
  const wrong =
    full.length !== size.length || full.some((n) => n !== null && !(Number.isInteger(n) && n >= 0));
  if (given === undefined || wrong) {
    throw new ArgumentError(
      `${op}: outputSize must be an integer of 0 or more or null, or ${size.length} of them, got ${describe(given)}`,
      { op },
    );
  }
  return full.map((n, i) => n ?? size[i]!);
}

/** Region `o` of `output` over `size` elements begins at `⌊o · size / output⌋` and ends before `⌈(o + 1) · size / output⌉`. */
const regionStart = (o: number, size: number, output: number): number => Math.floor((o * size) / output);
const regionEnd = (o: number, size: number, output: number): number => Math.ceil(((o + 1) * size) / output);

/** The length of the longest region. */
function longestRegion(size: number, output: number): number {
  let longest = 0;
  for (let o = 0; o < output; o++)
    longest = Math.max(longest, regionEnd(o, size, output) - regionStart(o, size, output));
  return longest;
}

const startOf = (o: Expr, size: Expr, output: Expr): Expr => o.mul(size).floorDiv(output);
const endOf = (o: Expr, size: Expr, output: Expr): Expr =>
  o.add(1).mul(size).add(output).sub(1).floorDiv(output);

/** The elements of each region, `longest` for each; a shorter one repeats its last. */
const regionElements = positions({ size: -1, output: -1, longest: -1 }, (i, { size, output, longest }) => {
  const o = i.floorDiv(longest);
  return startOf(o, size, output)
    .add(i.mod(longest))
    .min(endOf(o, size, output).sub(1));
});

/** The share that an element of a region has in the mean; none for repeated ones. Regions lie along `dim`, their elements along `dim + 1`. */
const shares = [2, 3, 4].map(
  (dim) =>
    new PointwiseOp(
      'adaptiveAvgPoolShare',
      1,
      ([x], { size, output }) => {
        const count = endOf(index(dim), size!, output!).sub(startOf(index(dim), size!, output!));
        return index(dim + 1)
          .lt(count)
          .select(x!.div(count), 0);
      },
      { params: { size: -1, output: -1 } },
    ),
);

/** Means over the regions of one dimension. */
function averageAlong(x: Tensor, dim: number, output: number): Tensor {
  const size = x.shape[dim]!;
  const longest = longestRegion(size, output);
  const elements = takeSlices(x, dim, regionElements(x.entry, output * longest, { size, output, longest }));
  const regions = reshape(elements, x.shape.toSpliced(dim, 1, output, longest));
  return sum(shares[dim - 2]!.call([regions], { size, output }), dim + 1);
}

const adaptiveAvgPoolOver = (op: string, rank: number) =>
  composite(op, (x: Tensor, outputSize: AdaptiveSize): Tensor => {
    const run = (batched: Tensor): Tensor => {
      const size = spatial(batched, rank);
      const output = outputSizes(op, size, outputSize);
      if (!isFloating(x.dtype))
        throw new DTypeError(
          `${op}: needs a floating input, got ${x.dtype}; convert it: to({ dtype: 'float32' })`,
          { op },
        );
      if (sizeOf(output) > 0 && output.every((n, i) => size[i]! % n === 0))
        return averageEvenly(batched, output);
      return output.reduce((y, n, i) => averageAlong(y, i + 2, n), batched);
    };
    return pooled(op, x, rank, run, dropBatch);
  });

/** Means over regions of one size each, without copying. */
function averageEvenly(x: Tensor, output: Shape): Tensor {
  const size = spatial(x, output.length);
  const split = reshape(x, [...x.shape.slice(0, 2), ...output.flatMap((n, i) => [n, size[i]! / n])]);
  return mean(
    split,
    output.map((_, i) => 3 + 2 * i),
  );
}

/**
 * Means over regions that divide the length into `outputSize` parts as evenly as may be.
 *
 * - `x`: `[batch, channels, length]` or `[channels, length]`, floating
 * - returns: `[batch, channels, outputSize]`
 *
 * @throws {ShapeError} the shape does not fit. @throws {ArgumentError} `outputSize` is no size.
 * @example adaptiveAvgPool1d(tensor([[1, 2, 3, 4]]), 2) // tensor([[1.5000, 3.5000]])
 */
export const adaptiveAvgPool1d = adaptiveAvgPoolOver('adaptiveAvgPool1d', 1);

/**
 * Means over regions that divide height and width into `outputSize` parts as evenly as may be; null keeps a size.
 *
 * - `x`: `[batch, channels, height, width]` or without batch, floating
 *
 * @throws {ShapeError} the shape does not fit. @throws {ArgumentError} `outputSize` is no size.
 * @example adaptiveAvgPool2d(tensor([[[1, 2], [3, 4]]]), 1) // tensor([[[2.5000]]])
 */
export const adaptiveAvgPool2d = adaptiveAvgPoolOver('adaptiveAvgPool2d', 2);

/**
 * Means over regions that divide depth, height and width into `outputSize` parts as evenly as may be.
 *
 * - `x`: `[batch, channels, depth, height, width]` or without batch, floating
 *
 * @throws {ShapeError} the shape does not fit. @throws {ArgumentError} `outputSize` is no size.
 */
export const adaptiveAvgPool3d = adaptiveAvgPoolOver('adaptiveAvgPool3d', 3);

export interface AdaptiveMaxPoolOptions {
  /** Whether the positions come too, flat over the spatial dimensions. Default false. */
  readonly returnIndices?: boolean;
}

interface AdaptiveMaxPoolFunction {
  (x: Tensor, outputSize: AdaptiveSize, options: { readonly returnIndices: true }): MaxPoolResult;
  (x: Tensor, outputSize: AdaptiveSize, options?: { readonly returnIndices?: false }): Tensor;
  (x: Tensor, outputSize: AdaptiveSize, options?: AdaptiveMaxPoolOptions): Tensor | MaxPoolResult;
}

/** From the place of an element among those of its region to its flat position. */
const flatPositions = [1, 2, 3].map((rank) => {
  const dims = Array.from({ length: rank }, (_, i) => i);
  const params = Object.fromEntries(
    ['size', 'output', 'longest'].flatMap((name) => dims.map((i) => [`${name}${i}`, -1])),
  );
  const build = ([best]: readonly Expr[], p: Readonly<Record<string, Expr>>): Expr => {
    let rest = best!;
    const at: Expr[] = [];
    for (const i of dims.slice().reverse()) {
      const [size, output, longest] = [p[`size${i}`]!, p[`output${i}`]!, p[`longest${i}`]!];
      const o = index(i + 2);
      at[i] = startOf(o, size, output)
        .add(rest.mod(longest))
        .min(endOf(o, size, output).sub(1));
      rest = rest.floorDiv(longest);
    }
    return at.reduce((total, value, i) => total.mul(p[`size${i}`]!).add(value));
  };
  return new PointwiseOp('adaptiveMaxPoolIndices', 1, build, { params });
});

function adaptiveIndices(x: Tensor, output: Shape): Tensor {
  const rank = output.length;
  const size = spatial(x, rank);
  const longest = size.map((n, i) => longestRegion(n, output[i]!));
  const elements = output.reduce(
    (y, n, i) =>
      takeSlices(
        y,
        i + 2,
        regionElements(x.entry, n * longest[i]!, { size: size[i]!, output: n, longest: longest[i]! }),
      ),
    x,
  );
  const split = reshape(elements, [...x.shape.slice(0, 2), ...output.flatMap((n, i) => [n, longest[i]!])]);
  const order = [0, 1, ...output.map((_, i) => 2 + 2 * i), ...output.map((_, i) => 3 + 2 * i)];
  const regions = reshape(permute(split, order), [...x.shape.slice(0, 2), ...output, sizeOf(longest)]);
  const params = Object.fromEntries(
    output.flatMap((n, i) => [
      [`size${i}`, size[i]!],
      [`output${i}`, n],
      [`longest${i}`, longest[i]!],
    ]),
  );
  return flatPositions[rank - 1]!.call([strongest(regions)], params);
}

const adaptiveMaxPoolOver = (op: string, rank: number) =>
  composite(
    op,
    (x: Tensor, outputSize: AdaptiveSize, options: AdaptiveMaxPoolOptions = {}): Tensor | MaxPoolResult => {
      checkOptions(op, options, ['returnIndices']);
      const run = (batched: Tensor): MaxPoolResult => {
        const output = outputSizes(op, spatial(batched, rank), outputSize);
        const indices = withRecording(false, () => adaptiveIndices(batched, output));
        return { values: takeFlat(batched, indices), indices };
      };
      return withIndices(pooled(op, x, rank, run, unbatched), options.returnIndices);
      // The overloads say which of both comes back for which options.
    },
  ) as AdaptiveMaxPoolFunction & { readonly opName: string };

/**
 * The largest elements of regions that divide the length into `outputSize` parts as evenly as may be.
 *
 * - `x`: `[batch, channels, length]` or `[channels, length]`
 *
 * @throws {ShapeError} the shape does not fit. @throws {ArgumentError} `outputSize` is no size.
 * @example adaptiveMaxPool1d(tensor([[1, 2, 3, 4]]), 2) // tensor([[2., 4.]])
 */
export const adaptiveMaxPool1d = adaptiveMaxPoolOver('adaptiveMaxPool1d', 1);

/**
 * The largest elements of regions that divide height and width into `outputSize` parts; null keeps a size.
 *
 * - `x`: `[batch, channels, height, width]` or without batch
 *
 * @throws {ShapeError} the shape does not fit. @throws {ArgumentError} `outputSize` is no size.
 */
export const adaptiveMaxPool2d = adaptiveMaxPoolOver('adaptiveMaxPool2d', 2);

/**
 * The largest elements of regions that divide depth, height and width into `outputSize` parts; null keeps a size.
 *
 * - `x`: `[batch, channels, depth, height, width]` or without batch
 *
 * @throws {ShapeError} the shape does not fit. @throws {ArgumentError} `outputSize` is no size.
 */
export const adaptiveMaxPool3d = adaptiveMaxPoolOver('adaptiveMaxPool3d', 3);
