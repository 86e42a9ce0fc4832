import { checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { ArgumentError, checkOptions, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Shape } from '../shape.ts';
import { add } from './arithmetic.ts';
import { convolutionInputGrad, correlate } from './convolution.ts';
import { checkFactors } from './matmul.ts';
import { reshape, squeeze, unsqueeze } from './reshape.ts';
import { type Size, sizeList, spanOf } from './windows.ts';

export interface ConvOptions {
  /** Distance between windows. Default 1. */
  readonly stride?: Size;
  /** Zeros on both sides; `'same'` keeps the size (the odd one goes to the end), `'valid'` is 0. Default 0. */
  readonly padding?: Size | 'same' | 'valid';
  /** Distance between elements of a window. Default 1. */
  readonly dilation?: Size;
  /** Parts of the channels that do not see one another. Default 1. */
  readonly groups?: number;
}

export interface ConvTransposeOptions {
  /** Distance between windows in the output. Default 1. */
  readonly stride?: Size;
  /** What is cut off on both sides of the output. Default 0. */
  readonly padding?: Size;
  /** What is added at the end of the output, where several sizes are possible. Default 0. */
  readonly outputPadding?: Size;
  /** Parts of the channels that do not see one another. Default 1. */
  readonly groups?: number;
  /** Distance between elements of a window. Default 1. */
  readonly dilation?: Size;
}

export interface ConvolutionOptions extends ConvTransposeOptions {
  /** Whether this is the transposed convolution. Default false. */
  readonly transposed?: boolean;
}

/** Options read into lists. */
interface Lists {
  readonly stride: Shape;
  readonly padding: Shape;
  readonly dilation: Shape;
  readonly groups: number;
}

function lists(op: string, rank: number, options: ConvTransposeOptions): Lists {
  const groups = options.groups ?? 1;
  if (!Number.isInteger(groups) || groups < 1) throw new ArgumentError(`${op}: groups must be an integer of 1 or more, got ${groups}`, { op });
  return {
    stride: sizeList(op, 'stride', options.stride ?? 1, rank, 1),
    padding: sizeList(op, 'padding', options.padding ?? 0, rank, 0),
    dilation: sizeList(op, 'dilation', options.dilation ?? 1, rank, 1),
    groups,
  };
}

const DIMENSIONS = ['length', 'height, width', 'depth, height, width'];

/** Checks everything but sizes, gives the input a batch, and calls `run`. */
function withBatch(op: string, x: Tensor, weight: Tensor, bias: Tensor | null | undefined, rank: number, run: (x: Tensor) => Tensor): Tensor {
  checkFactors(op, ...(bias ? [x, weight, bias] : [x, weight]));
  if (weight.shape.length !== rank + 2) {
    throw new ShapeError(`${op}: weight must have ${rank + 2} dimensions, two of channels and the kernel's ${DIMENSIONS[rank - 1]}; got ${showShape(weight.shape)}`, { op });
  }
  if (x.shape.length === rank + 1) return squeeze(run(unsqueeze(x, 0)), 0);
  if (x.shape.length === rank + 2) return run(x);
  throw new ShapeError(`${op}: x must be [batch, channels, ${DIMENSIONS[rank - 1]}] or [channels, ${DIMENSIONS[rank - 1]}], got ${showShape(x.shape)}`, { op });
}

function checkBias(op: string, bias: Tensor | null | undefined, channels: number): void {
  if (bias && !(bias.shape.length === 1 && bias.shape[0] === channels)) {
    throw new ShapeError(`${op}: bias must be [${channels}], one for each output channel, got ${showShape(bias.shape)}`, { op });
  }
}

function checkKernel(op: string, weight: Tensor): void {
  if (weight.shape.slice(2).some((n) => n < 1)) throw new ShapeError(`${op}: a kernel has at least one element; weight is ${showShape(weight.shape)}`, { op });
}

function convolve(op: string, x: Tensor, weight: Tensor, bias: Tensor | null | undefined, given: Lists, after: Shape): Tensor {
  const { stride, padding, dilation, groups } = given;
  checkKernel(op, weight);
  const [outChannels, perGroup, ...kernel] = weight.shape as [number, number, ...number[]];
  const [, channels, ...size] = x.shape as [number, number, ...number[]];
  if (channels !== perGroup * groups) {
    throw new ShapeError(`${op}: x has ${channels} channels, but weight ${showShape(weight.shape)} with groups ${groups} takes ${perGroup * groups}; x is ${showShape(x.shape)}`, { op, data: { shapes: [x.shape, weight.shape] } });
  }
  if (outChannels % groups !== 0) throw new ShapeError(`${op}: the ${outChannels} output channels of weight ${showShape(weight.shape)} do not divide into ${groups} groups`, { op });
  checkBias(op, bias, outChannels);
  const output = size.map((n, i) => Math.floor((n + padding[i]! + after[i]! - spanOf(kernel[i]!, dilation[i]!)) / stride[i]!) + 1);
  if (output.some((n) => n < 1)) {
    const padded = size.map((n, i) => n + padding[i]! + after[i]!);
    throw new ShapeError(`${op}: the kernel ${showShape(kernel)} with dilation ${showShape(dilation)} is larger than the padded input ${showShape(padded)}`, { op, data: { shapes: [x.shape, weight.shape] } });
  }
  return correlate(x, weight, bias ?? undefined, output, { stride, padding, dilation, groups });
}

const CONV_OPTIONS = ['stride', 'padding', 'dilation', 'groups'];

function conv(op: string, rank: number, x: Tensor, weight: Tensor, bias: Tensor | null | undefined, options: ConvOptions = {}): Tensor {
  checkOptions(op, options, CONV_OPTIONS);
  const { padding = 0, ...rest } = options;
  if (typeof padding === 'string' && padding !== 'same' && padding !== 'valid') {
    throw new ArgumentError(`${op}: padding must be sizes, 'same' or 'valid', got ${JSON.stringify(padding)}`, { op });
  }
  return withBatch(op, x, weight, bias, rank, (batched) => {
    if (padding !== 'same') {
      const given = lists(op, rank, { ...rest, padding: padding === 'valid' ? 0 : padding });
      return convolve(op, batched, weight, bias, given, given.padding);
    }
    const given = lists(op, rank, rest);
    if (given.stride.some((n) => n !== 1)) throw new ArgumentError(`${op}: padding 'same' needs stride 1, got ${showShape(given.stride)}`, { op });
    const total = weight.shape.slice(2).map((n, i) => given.dilation[i]! * (n - 1));
    const before = total.map((n) => Math.floor(n / 2));
    return convolve(op, batched, weight, bias, { ...given, padding: before }, total.map((n, i) => n - before[i]!));
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
export const conv1d = composite('conv1d', (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: ConvOptions): Tensor => conv('conv1d', 1, x, weight, bias, options));

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
export const conv2d = composite('conv2d', (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: ConvOptions): Tensor => conv('conv2d', 2, x, weight, bias, options));

/**
 * Convolution over three dimensions.
 *
 * - `x`: `[batch, in, depth, height, width]` or without batch · `weight`: `[out, in / groups, ...kernel]` · `bias`: `[out]`
 *
 * @throws {ShapeError} channels, groups or sizes do not fit. @throws {DTypeError} the dtypes differ.
 */
export const conv3d = composite('conv3d', (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: ConvOptions): Tensor => conv('conv3d', 3, x, weight, bias, options));

function transposed(op: string, x: Tensor, weight: Tensor, bias: Tensor | null | undefined, given: Lists, extra: Shape): Tensor {
  const { stride, padding, dilation, groups } = given;
  checkKernel(op, weight);
  const [inChannels, perGroup, ...kernel] = weight.shape as [number, number, ...number[]];
  const [, channels, ...size] = x.shape as [number, number, ...number[]];
  if (channels !== inChannels) {
    throw new ShapeError(`${op}: x has ${channels} channels, but weight ${showShape(weight.shape)} takes ${inChannels}; x is ${showShape(x.shape)}`, { op, data: { shapes: [x.shape, weight.shape] } });
  }
  if (channels % groups !== 0) throw new ShapeError(`${op}: the ${channels} channels of x do not divide into ${groups} groups`, { op });
  checkBias(op, bias, perGroup * groups);
  const tooMuch = extra.findIndex((n, i) => n >= stride[i]! && n >= dilation[i]!);
  if (tooMuch >= 0) {
    throw new ArgumentError(`${op}: outputPadding must be smaller than stride or dilation, got ${showShape(extra)} for stride ${showShape(stride)} and dilation ${showShape(dilation)}`, { op });
  }
  const output = size.map((n, i) => (n - 1) * stride[i]! - 2 * padding[i]! + spanOf(kernel[i]!, dilation[i]!) + extra[i]!);
  if (output.some((n) => n < 1)) throw new ShapeError(`${op}: the output would have size ${showShape(output)}; x is ${showShape(x.shape)}, padding ${showShape(padding)}`, { op });
  const y = convolutionInputGrad(x, weight, output, { stride, padding, dilation, groups });
  return bias ? add(y, reshape(bias, [bias.shape[0]!, ...size.map(() => 1)])) : y;
}

const TRANSPOSE_OPTIONS = ['stride', 'padding', 'outputPadding', 'groups', 'dilation'];

function convTranspose(op: string, rank: number, x: Tensor, weight: Tensor, bias: Tensor | null | undefined, options: ConvTransposeOptions = {}): Tensor {
  checkOptions(op, options, TRANSPOSE_OPTIONS);
  const { outputPadding = 0, ...rest } = options;
  const given = lists(op, rank, rest);
  const extra = sizeList(op, 'outputPadding', outputPadding, rank, 0);
  return withBatch(op, x, weight, bias, rank, (batched) => transposed(op, batched, weight, bias, given, extra));
}

/**
 * Transposed convolution over one dimension: the gradient of `conv1d` for its input, as a layer that makes larger
 * outputs. Sizes: `(length - 1) · stride - 2 · padding + dilation · (kernel - 1) + outputPadding + 1`.
 *
 * - `x`: `[batch, in, length]` or `[in, length]` · `weight`: `[in, out / groups, kernel]` · `bias`: `[out]`
 *
 * @throws {ShapeError} channels, groups or sizes do not fit. @throws {DTypeError} the dtypes differ.
 */
export const convTranspose1d = composite('convTranspose1d', (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: ConvTransposeOptions): Tensor =>
  convTranspose('convTranspose1d', 1, x, weight, bias, options),
);

/**
 * Transposed convolution over two dimensions.
 *
 * - `x`: `[batch, in, height, width]` or without batch · `weight`: `[in, out / groups, kernel height, kernel width]` · `bias`: `[out]`
 *
 * @throws {ShapeError} channels, groups or sizes do not fit. @throws {DTypeError} the dtypes differ.
 * @example convTranspose2d(ones([1, 1, 2, 2]), ones([1, 1, 2, 2])) // tensor([[[[1., 2., 1.], [2., 4., 2.], [1., 2., 1.]]]])
 */
export const convTranspose2d = composite('convTranspose2d', (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: ConvTransposeOptions): Tensor =>
  convTranspose('convTranspose2d', 2, x, weight, bias, options),
);

/**
 * Transposed convolution over three dimensions.
 *
 * - `x`: `[batch, in, depth, height, width]` or without batch · `weight`: `[in, out / groups, ...kernel]` · `bias`: `[out]`
 *
 * @throws {ShapeError} channels, groups or sizes do not fit. @throws {DTypeError} the dtypes differ.
 */
export const convTranspose3d = composite('convTranspose3d', (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: ConvTransposeOptions): Tensor =>
  convTranspose('convTranspose3d', 3, x, weight, bias, options),
);

/**
 * Convolution, or transposed convolution, over as many dimensions as the weight's kernel has: 1 to 3.
 *
 * - `x`: `[batch, in, ...size]` or without batch · `weight`: `[out, in / groups, ...kernel]`, transposed `[in, out / groups, ...kernel]`
 *
 * @throws {ShapeError} channels, groups or sizes do not fit. @throws {DTypeError} the dtypes differ.
 */
export const convolution = composite('convolution', (x: Tensor, weight: Tensor, bias?: Tensor | null, options: ConvolutionOptions = {}): Tensor => {
  const op = 'convolution';
  checkOptions(op, options, [...TRANSPOSE_OPTIONS, 'transposed']);
  checkTensor(op, 'weight', weight);
  const rank = weight.shape.length - 2;
  if (rank < 1 || rank > 3) throw new ShapeError(`${op}: weight must have a kernel of 1 to 3 dimensions after two of channels, got ${showShape(weight.shape)}`, { op });
  const { transposed: isTransposed = false, outputPadding = 0, ...rest } = options;
  return isTransposed ? convTranspose(op, rank, x, weight, bias, { ...rest, outputPadding }) : conv(op, rank, x, weight, bias, rest);
});
