import { composite } from '../dispatch/declare.ts';
import { ArgumentError, checkOptions, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Shape } from '../shape.ts';
import { add } from './arithmetic.ts';
import {
  type ConvTransposeOptions,
  checkBias,
  checkKernel,
  type Lists,
  lists,
  withBatch,
} from './conv-arguments.ts';
import { convolutionInputGrad } from './convolution.ts';
import { reshape } from './reshape.ts';
import { sizeList, spanOf } from './windows.ts';

function transposed(
  op: string,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null | undefined,
  given: Lists,
  extra: Shape,
): Tensor {
  const { stride, padding, dilation, groups } = given;
  checkKernel(op, weight);
  const [inChannels, perGroup, ...kernel] = weight.shape as [number, number, ...number[]];
  const [, channels, ...size] = x.shape as [number, number, ...number[]];
  if (channels !== inChannels) {
    throw new ShapeError(
      `${op}: x has ${channels} channels, but weight ${showShape(weight.shape)} takes ${inChannels}; x is ${showShape(x.shape)}`,
      { op, data: { shapes: [x.shape, weight.shape] } },
    );
  }
  if (channels % groups !== 0)
    throw new ShapeError(`${op}: the ${channels} channels of x do not divide into ${groups} groups`, { op });
  checkBias(op, bias, perGroup * groups);
  const tooMuch = extra.findIndex((n, i) => n >= stride[i]! && n >= dilation[i]!);
  if (tooMuch >= 0) {
    throw new ArgumentError(
      `${op}: outputPadding must be smaller than stride or dilation, got ${showShape(extra)} for stride ${showShape(stride)} and dilation ${showShape(dilation)}`,
      { op },
    );
  }
  const output = size.map(
    (n, i) => (n - 1) * stride[i]! - 2 * padding[i]! + spanOf(kernel[i]!, dilation[i]!) + extra[i]!,
  );
  if (output.some((n) => n < 1))
    throw new ShapeError(
      `${op}: the output would have size ${showShape(output)}; x is ${showShape(x.shape)}, padding ${showShape(padding)}`,
      { op },
    );
  const y = convolutionInputGrad(x, weight, output, { stride, padding, dilation, groups });
  return bias ? add(y, reshape(bias, [bias.shape[0]!, ...size.map(() => 1)])) : y;
}

export const TRANSPOSE_OPTIONS = ['stride', 'padding', 'outputPadding', 'groups', 'dilation'];

export function convTranspose(
  op: string,
  rank: number,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null | undefined,
  options: ConvTransposeOptions = {},
): Tensor {
  checkOptions(op, options, TRANSPOSE_OPTIONS);
  const { outputPadding = 0, ...rest } = options;
  const given = lists(op, rank, rest);
  const extra = sizeList(op, 'outputPadding', outputPadding, rank, 0);
  return withBatch(op, x, weight, bias, rank, (batched) =>
    transposed(op, batched, weight, bias, given, extra),
  );
}

/**
 * Transposed convolution over one dimension: the gradient of `conv1d` for its input, as a layer that makes larger
 * outputs. Sizes: `(length - 1) · stride - 2 · padding + dilation · (kernel - 1) + outputPadding + 1`.
 *
 * - `x`: `[batch, in, length]` or `[in, length]` · `weight`: `[in, out / groups, kernel]` · `bias`: `[out]`
 *
 * @throws {ShapeError} channels, groups or sizes do not fit. @throws {DTypeError} the dtypes differ.
 */
export const convTranspose1d = composite(
  'convTranspose1d',
  (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: ConvTransposeOptions): Tensor =>
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
export const convTranspose2d = composite(
  'convTranspose2d',
  (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: ConvTransposeOptions): Tensor =>
    convTranspose('convTranspose2d', 2, x, weight, bias, options),
);

/**
 * Transposed convolution over three dimensions.
 *
 * - `x`: `[batch, in, depth, height, width]` or without batch · `weight`: `[in, out / groups, ...kernel]` · `bias`: `[out]`
 *
 * @throws {ShapeError} channels, groups or sizes do not fit. @throws {DTypeError} the dtypes differ.
 */
export const convTranspose3d = composite(
  'convTranspose3d',
  (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: ConvTransposeOptions): Tensor =>
    convTranspose('convTranspose3d', 3, x, weight, bias, options),
);
