import {
  ArgumentError,
  checkOptions,
  describe,
  eye,
  fromArray,
  type Generator,
  isTensor,
  noGrad,
  ShapeError,
  scope,
  showShape,
  type Tensor,
} from '@flambeau/core';

export interface DrawOptions {
  /** Where the random numbers come from. Default: the generator that `manualSeed` sets. */
  readonly generator?: Generator;
}

/**
 * Runs an initialisation: unrecorded, its temporaries given free, the tensor back. On the meta device there is nothing to
 * fill, and no random number is drawn.
 */
export function initialise(op: string, tensor: Tensor, body: () => void): Tensor {
  if (!isTensor(tensor)) throw new ArgumentError(`${op}: it fills a tensor, got ${describe(tensor)}`, { op });
  if (tensor.device !== 'meta') noGrad(() => scope(body));
  return tensor;
}

/** The options of a draw, without the keys that are of the initialisation itself. */
export const draw = ({ generator }: DrawOptions): DrawOptions =>
  generator === undefined ? {} : { generator };

export interface UniformOptions extends DrawOptions {
  /** Lower bound. Default 0. */
  readonly a?: number;
  /** Upper bound. Default 1. */
  readonly b?: number;
}

/**
 * Overwrites a tensor with uniform random numbers of `[a, b)`.
 *
 * @throws {DTypeError} it is not floating.
 * @example init.uniform_(empty([3]), -1, 1)
 */
export function uniform_(tensor: Tensor, a?: number, b?: number, options?: DrawOptions): Tensor;
export function uniform_(tensor: Tensor, options: UniformOptions): Tensor;
export function uniform_(
  tensor: Tensor,
  a: number | UniformOptions = 0,
  b = 1,
  options: DrawOptions = {},
): Tensor {
  if (typeof a === 'object') {
    checkOptions('uniform_', a, ['a', 'b', 'generator']);
    return uniform_(tensor, a.a ?? 0, a.b ?? 1, draw(a));
  }
  return initialise('uniform_', tensor, () => tensor.uniform_(a, b, options));
}

export interface NormalOptions extends DrawOptions {
  /** Default 0. */
  readonly mean?: number;
  /** Default 1. */
  readonly std?: number;
}

/**
 * Overwrites a tensor with normally distributed random numbers.
 *
 * @throws {DTypeError} it is not floating. @throws {ArgumentError} `std` is negative.
 * @example init.normal_(empty([3]), { std: 0.02 })
 */
export function normal_(tensor: Tensor, mean?: number, std?: number, options?: DrawOptions): Tensor;
export function normal_(tensor: Tensor, options: NormalOptions): Tensor;
export function normal_(
  tensor: Tensor,
  mean: number | NormalOptions = 0,
  std = 1,
  options: DrawOptions = {},
): Tensor {
  if (typeof mean === 'object') {
    checkOptions('normal_', mean, ['mean', 'std', 'generator']);
    return normal_(tensor, mean.mean ?? 0, mean.std ?? 1, draw(mean));
  }
  return initialise('normal_', tensor, () => tensor.normal_(mean, std, options));
}

/** Overwrites a tensor with one value. @example init.constant_(empty([2]), 3) // tensor([3., 3.]) */
export const constant_ = (tensor: Tensor, value: number): Tensor =>
  initialise('constant_', tensor, () => tensor.fill_(value));

/** Overwrites a tensor with ones. */
export const ones_ = (tensor: Tensor): Tensor => initialise('ones_', tensor, () => tensor.fill_(1));

/** Overwrites a tensor with zeros. */
export const zeros_ = (tensor: Tensor): Tensor => initialise('zeros_', tensor, () => tensor.fill_(0));

/**
 * Overwrites a matrix with ones on its diagonal and zeros elsewhere: a linear layer that passes on as many inputs as it
 * can.
 *
 * @throws {ShapeError} it has not two dimensions.
 */
export function eye_(tensor: Tensor): Tensor {
  return initialise('eye_', tensor, () => {
    const { shape, dtype, device } = tensor;
    if (shape.length !== 2)
      throw new ShapeError(`eye_: it fills a matrix, got ${showShape(shape)}`, {
        op: 'eye_',
        data: { shape },
      });
    tensor.copy_(eye(shape[0]!, shape[1]!, { dtype, device }));
  });
}

/**
 * Overwrites the weight of a convolution, `[out, in, ...window]`, so that it passes on as many channels as it can, each
 * group by itself.
 *
 * @throws {ShapeError} it has not 3 to 5 dimensions, or `groups` does not divide its first size.
 */
export function dirac_(tensor: Tensor, options: { readonly groups?: number } = {}): Tensor {
  return initialise('dirac_', tensor, () => {
    checkOptions('dirac_', options, ['groups']);
    const { groups = 1 } = options;
    const { shape, dtype, device } = tensor;
    if (shape.length < 3 || shape.length > 5)
      throw new ShapeError(
        `dirac_: it fills a weight [out, in, ...window] of 3 to 5 dimensions, got ${showShape(shape)}`,
        { op: 'dirac_', data: { shape } },
      );
    const [out, channels, ...window] = shape as [number, number, ...number[]];
    if (!Number.isInteger(groups) || groups < 1 || out % groups !== 0)
      throw new ShapeError(`dirac_: ${groups} groups do not divide the first size of ${showShape(shape)}`, {
        op: 'dirac_',
      });
    const area = window.reduce((a, b) => a * b, 1);
    const centre = window.reduce((at, n) => at * n + Math.floor(n / 2), 0);
    const values = new Float32Array(out * channels * area);
    const perGroup = out / groups;
    for (let o = 0; o < out; o++) {
      const channel = o % perGroup;
      if (channel < channels) values[(o * channels + channel) * area + centre] = 1;
    }
    tensor.copy_(fromArray(values, shape, { dtype, device }));
  });
}
