import { checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { ArgumentError, checkOptions, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Shape } from '../shape.ts';
import {
  type ConvOptions,
  type ConvTransposeOptions,
  checkBias,
  checkKernel,
  type Lists,
  lists,
  withBatch,
} from './conv-arguments.ts';
import { convTranspose, TRANSPOSE_OPTIONS } from './conv-transpose.ts';
import { correlate } from './convolution.ts';
import { spanOf } from './windows.ts';

export interface ConvolutionOptions extends ConvTransposeOptions {
  /** Whether this is the transposed convolution. Default false. */
  readonly transposed?: boolean;
}

function convolve(
  op: string,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null | undefined,
  given: Lists,
  after: Shape,
): Tensor {
  const { stride, padding, dilation, groups } = given;
  checkKernel(op, weight);
  const [outChannels, perGroup, ...kernel] = weight.shape as [number, number, ...number[]];
  const [, channels, ...size] = x.shape as [number, number, ...number[]];
  if (channels !== perGroup * groups) {
    throw new ShapeError(
      `${op}: x has ${channels} channels, but weight ${showShape(weight.shape)} with groups ${groups} takes ${perGroup * groups}; x is ${showShape(x.shape)}`,
      { op, data: { shapes: [x.shape, weight.shape] } },
    );
  }
  if (outChannels % groups !== 0)
    throw new ShapeError(
      `${op}: the ${outChannels} output channels of weight ${showShape(weight.shape)} do not divide into ${groups} groups`,
      { op },
    );
  checkBias(op, bias, outChannels);
  const output = size.map(
    (n, i) => Math.floor((n + padding[i]! + after[i]! - spanOf(kernel[i]!, dilation[i]!)) / stride[i]!) + 1,
  );
  if (output.some((n) => n < 1)) {
    const padded = size.map((n, i) => n + padding[i]! + after[i]!);
    throw new ShapeError(
      `${op}: the kernel ${showShape(kernel)} with dilation ${showShape(dilation)} is larger than the padded input ${showShape(padded)}`,
      { op, data: { shapes: [x.shape, weight.shape] } },
    );
  }
  return correlate(x, weight, bias ?? undefined, output, { stride, padding, dilation, groups });
}

const CONV_OPTIONS = ['stride', 'padding', 'dilation', 'groups'];

function conv(
  op: string,
  rank: number,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null | undefined,
  options: ConvOptions = {},
): Tensor {
  checkOptions(op, options, CONV_OPTIONS);
  const { padding = 0, ...rest } = options;
  if (typeof padding === 'string' && padding !== 'same' && padding !== 'valid') {
    throw new ArgumentError(
      `${op}: padding must be sizes, 'same' or 'valid', got ${JSON.stringify(padding)}`,
      { op },
    );
  }
  return withBatch(op, x, weight, bias, rank, (batched) => {
    if (padding !== 'same') {
      const given = lists(op, rank, { ...rest, padding: padding === 'valid' ? 0 : padding });
      return convolve(op, batched, weight, bias, given, given.padding);
    }
    const given = lists(op, rank, rest);
    if (given.stride.some((n) => n !== 1))
      throw new ArgumentError(`${op}: padding 'same' needs stride 1, got ${showShape(given.stride)}`, { op });
    const total = weight.shape.slice(2).map((n, i) => given.dilation[i]! * (n - 1));
    const before = total.map((n) => Math.floor(n / 2));
    return convolve(
      op,
      batched,
      weight,
      bias,
      { ...given, padding: before },
      total.map((n, i) => n - before[i]!),
    );
  });
}

/**
 * Convolution over one dimension (cross-correlation, as in PyTorch): `y[n, o, p] = bias[o] + Σ x[n, c, p·stride - padding + k·dilation] · weight[o, c, k]`.
 *
 * - `x`: `[batch, in, length]` or `[in, length]` · `weight`: `[out, in / groups, kernel]` · `bias`: `[out]`
 * - returns: `[batch, out, length']`
 *
 * @throws {ShapeError} channels, groups or sizes do not fit. @throws {DTypeError} the dtypes differ.
 * @example conv1d(tensor([[[1, 2, 3]]]), ones([1, 1, 2])) // tensor([[[3., 5.]]])
 */
export const conv1d = composite(
  'conv1d',
  (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: ConvOptions): Tensor =>
    conv('conv1d', 1, x, weight, bias, options),
);

/**
 * Convolution over two dimensions.
 *
 * - `x`: `[batch, in, height, width]` or without batch · `weight`: `[out, in / groups, kernel height, kernel width]` · `bias`: `[out]`
 * - returns: `[batch, out, height', width']`
 *
 * @throws {ShapeError} channels, groups or sizes do not fit. @throws {DTypeError} the dtypes differ.
 * @example conv2d(ones([1, 1, 3, 3]), ones([1, 1, 3, 3]), null, { padding: 'same' })
 * // tensor([[[[4., 6., 4.], [6., 9., 6.], [4., 6., 4.]]]])
 */
export const conv2d = composite(
  'conv2d',
  (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: ConvOptions): Tensor =>
    conv('conv2d', 2, x, weight, bias, options),
);

/**
 * Convolution over three dimensions.
 *
 * - `x`: `[batch, in, depth, height, width]` or without batch · `weight`: `[out, in / groups, ...kernel]` · `bias`: `[out]`
 *
 * @throws {ShapeError} channels, groups or sizes do not fit. @throws {DTypeError} the dtypes differ.
 */
export const conv3d = composite(
  'conv3d',
  (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: ConvOptions): Tensor =>
    conv('conv3d', 3, x, weight, bias, options),
);

/**
 * Convolution, or transposed convolution, over as many dimensions as the weight's kernel has: 1 to 3.
 *
 * - `x`: `[batch, in, ...size]` or without batch · `weight`: `[out, in / groups, ...kernel]`, transposed `[in, out / groups, ...kernel]`
 *
 * @throws {ShapeError} channels, groups or sizes do not fit. @throws {DTypeError} the dtypes differ.
 */
export const convolution = composite(
  'convolution',
  (x: Tensor, weight: Tensor, bias?: Tensor | null, options: ConvolutionOptions = {}): Tensor => {
    const op = 'convolution';
    checkOptions(op, options, [...TRANSPOSE_OPTIONS, 'transposed']);
    checkTensor(op, 'weight', weight);
    const rank = weight.shape.length - 2;
    if (rank < 1 || rank > 3)
      throw new ShapeError(
        `${op}: weight must have a kernel of 1 to 3 dimensions after two of channels, got ${showShape(weight.shape)}`,
        { op },
      );
    const { transposed: isTransposed = false, outputPadding = 0, ...rest } = options;
    return isTransposed
      ? convTranspose(op, rank, x, weight, bias, { ...rest, outputPadding })
      : conv(op, rank, x, weight, bias, rest);
  },
);
