import { ArgumentError, describe, ShapeError, showShape, type Tensor } from '@flambeau/core';

/** Which side of a layer keeps its variance; PyTorch's spelling serves too. */
export type FanMode = 'fanIn' | 'fanOut' | 'fan_in' | 'fan_out';

/** A function by its name in `functional`; PyTorch's spelling serves too. */
export type Nonlinearity =
  | 'linear'
  | 'conv1d'
  | 'conv2d'
  | 'conv3d'
  | 'convTranspose1d'
  | 'convTranspose2d'
  | 'convTranspose3d'
  | 'sigmoid'
  | 'tanh'
  | 'relu'
  | 'leakyRelu'
  | 'selu'
  | 'conv_transpose1d'
  | 'conv_transpose2d'
  | 'conv_transpose3d'
  | 'leaky_relu';

/** `conv_transpose1d` and `convTranspose1d` alike. */
const plain = (name: string): string => name.replaceAll('_', '').toLowerCase();

const GAINS: Readonly<Record<string, (param: number) => number>> = {
  linear: () => 1,
  conv1d: () => 1,
  conv2d: () => 1,
  conv3d: () => 1,
  convtranspose1d: () => 1,
  convtranspose2d: () => 1,
  convtranspose3d: () => 1,
  sigmoid: () => 1,
  tanh: () => 5 / 3,
  relu: () => Math.SQRT2,
  leakyrelu: (slope) => Math.sqrt(2 / (1 + slope ** 2)),
  selu: () => 3 / 4,
};

/**
 * The factor by which a nonlinearity asks the weights before it to be larger: `sqrt(2 / (1 + param²))` for
 * `leakyRelu`, whose slope `param` is (0.01 unless given).
 *
 * @throws {ArgumentError} the nonlinearity is unknown, or the slope is no number.
 * @example init.calculateGain('tanh') // 1.6666666666666667
 */
export function calculateGain(nonlinearity: Nonlinearity, param = 0.01): number {
  const gain = GAINS[plain(String(nonlinearity))];
  if (gain === undefined) {
    throw new ArgumentError(
      `calculateGain: unknown nonlinearity ${describe(nonlinearity)}; known: linear, conv1d … convTranspose3d, sigmoid, tanh, relu, leakyRelu, selu`,
      { op: 'calculateGain' },
    );
  }
  if (typeof param !== 'number')
    throw new ArgumentError(`calculateGain: the slope must be a number, got ${describe(param)}`, {
      op: 'calculateGain',
    });
  return gain(param);
}

/**
 * How many inputs and outputs a weight `[out, in, ...window]` connects: `in * window` and `out * window`.
 * @throws {ShapeError} the weight has fewer than two dimensions.
 */
export function fans(op: string, { shape }: Tensor): { readonly fanIn: number; readonly fanOut: number } {
  if (shape.length < 2)
    throw new ShapeError(
      `${op}: a weight has two dimensions or more, [out, in, ...]; got ${showShape(shape)}`,
      { op, data: { shape } },
    );
  const window = shape.slice(2).reduce((size, n) => size * n, 1);
  return { fanIn: shape[1]! * window, fanOut: shape[0]! * window };
}

export function fanFor(op: string, tensor: Tensor, mode: FanMode): number {
  const { fanIn, fanOut } = fans(op, tensor);
  switch (plain(String(mode))) {
    case 'fanin':
      return fanIn;
    case 'fanout':
      return fanOut;
    default:
      throw new ArgumentError(`${op}: the mode is 'fanIn' or 'fanOut', got ${describe(mode)}`, { op });
  }
}
