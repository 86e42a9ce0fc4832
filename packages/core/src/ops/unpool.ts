import { checkIndex, checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { ArgumentError, checkOptions, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Shape, sameShape, sizeOf } from '../shape.ts';
import { filled } from './filling.ts';
import { reshape } from './reshape.ts';
import { scatter } from './scatter.ts';
import { type Size, sizeList, spatial } from './windows.ts';

export interface UnpoolOptions {
  /** Distance between windows. Default: the window's size. */
  readonly stride?: Size | null;
  /** Default 0. */
  readonly padding?: Size;
  /** The size of the result, where several are possible: the spatial sizes, or the whole shape. */
  readonly outputSize?: readonly number[] | null;
}

function resultSize(op: string, size: Shape, kernelSize: Size, options: UnpoolOptions): readonly number[] {
  const rank = size.length;
  const kernel = sizeList(op, 'kernelSize', kernelSize, rank, 1);
  const stride =
    options.stride === undefined || options.stride === null
      ? kernel
      : sizeList(op, 'stride', options.stride, rank, 1);
  const padding = sizeList(op, 'padding', options.padding ?? 0, rank, 0);
  const standard = size.map((n, i) => (n - 1) * stride[i]! + kernel[i]! - 2 * padding[i]!);
  if (options.outputSize === undefined || options.outputSize === null) return standard;
  const wanted = options.outputSize.slice(-rank);
  if (
    wanted.length !== rank ||
    options.outputSize.length > rank + 2 ||
    wanted.some((n, i) => !(n > standard[i]! - stride[i]! && n < standard[i]! + stride[i]!))
  ) {
    throw new ArgumentError(
      `${op}: outputSize ${showShape(options.outputSize)} must lie within one stride ${showShape(stride)} of ${showShape(standard)}`,
      { op },
    );
  }
  return wanted;
}

const maxUnpoolOver = (op: string, rank: number) =>
  composite(op, (x: Tensor, indices: Tensor, kernelSize: Size, options: UnpoolOptions = {}): Tensor => {
    checkOptions(op, options, ['stride', 'padding', 'outputSize']);
    checkTensor(op, 'x', x);
    checkIndex(op, 'indices', indices);
    const lead = x.shape.slice(0, -rank);
    if (!sameShape(x.shape, indices.shape) || (lead.length !== 1 && lead.length !== 2)) {
      throw new ShapeError(
        `${op}: x and indices must have one shape, [batch, channels, ...] with ${rank} more dimensions or without batch; got ${showShape(x.shape)} and ${showShape(indices.shape)}`,
        { op },
      );
    }
    const size = resultSize(op, spatial(x, rank), kernelSize, options);
    const flat = [...lead, sizeOf(spatial(x, rank))];
    const blank = filled(x.entry, [...lead, sizeOf(size)], x.dtype, 0);
    return reshape(scatter(blank, -1, reshape(indices, flat), reshape(x, flat)), [...lead, ...size]);
  });

/**
 * Puts pooled values back to where `maxPool1d` took them, zeros elsewhere.
 *
 * - `x`, `indices`: what `maxPool1d(…, { returnIndices: true })` gave
 *
 * @throws {ShapeError} the shapes differ. @throws {ArgumentError} `outputSize` is impossible.
 */
export const maxUnpool1d = maxUnpoolOver('maxUnpool1d', 1);

/** `maxUnpool1d` over two dimensions. @throws {ShapeError} the shapes differ. @throws {ArgumentError} `outputSize` is impossible. */
export const maxUnpool2d = maxUnpoolOver('maxUnpool2d', 2);

/** `maxUnpool1d` over three dimensions. @throws {ShapeError} the shapes differ. @throws {ArgumentError} `outputSize` is impossible. */
export const maxUnpool3d = maxUnpoolOver('maxUnpool3d', 3);
