import { composite } from '../dispatch/declare.ts';
import { copyInto } from '../dispatch/in-place.ts';
import { emptyTensor } from '../dispatch/operands.ts';
import { PointwiseOp } from '../dispatch/pointwise.ts';
import type { ParameterValues } from '../dispatch/pointwise-operands.ts';
import { type DType, getDefaultDtype, isFloating } from '../dtype.ts';
import { ArgumentError, checkOptions, DTypeError } from '../errors.ts';
import { type Expr, index } from '../expr/expr.ts';
import { withRecording } from '../graph/mode.ts';
import { Tensor } from '../graph/tensor.ts';
import { defaultGenerator, type Generator } from '../random/generator.ts';
import { philox, STREAM, type Stream, unit, unit64, wordOf } from '../random/philox.ts';
import { checkShape, sizeOf } from '../shape.ts';
import type { DeviceEntry } from '../storage/registry.ts';
import { scope } from '../storage/scope.ts';
import { mul } from './arithmetic.ts';
import { asLeaf, CREATION_OPTIONS, type CreationOptions, creation } from './creation.ts';

/** What functions that make random tensors take. */
export interface RandomOptions extends CreationOptions {
  /** Where the numbers come from; default: the generator that `manualSeed` sets. */
  readonly generator?: Generator;
}

const RANDOM_OPTIONS = [...CREATION_OPTIONS, 'generator'] as const;
const i = index(0);

/** A program over the random words of each element, by how many elements share a block of four words. */
function random(
  name: string,
  perBlock: 1 | 2 | 4,
  build: (stream: Stream, params: Readonly<Record<string, Expr>>) => Expr,
  params: ParameterValues = {},
) {
  const op = new PointwiseOp(name, 0, (_, given) => build(given as unknown as Stream, given), {
    params: { ...STREAM, ...params },
  });
  return (
    entry: DeviceEntry,
    shape: readonly number[],
    dtype: DType,
    generator: Generator,
    values: ParameterValues = {},
  ): Tensor => {
    const output = emptyTensor(entry, dtype, shape);
    const size = sizeOf(shape);
    const flat = new Tensor(output.storage, dtype, [size], [1], 0);
    op.fillInto(flat, { ...generator.take(Math.ceil(size / perBlock)), ...values });
    flat.dispose();
    return output;
  };
}

const uniform32 = random(
  'rand',
  4,
  (stream, { low, range }) => unit(wordOf(i, stream)).mul(range!).add(low!),
  { low: 0, range: 1 },
);
const uniform64 = random(
  'rand',
  2,
  (stream, { low, range }) => {
    const [w0, w1, w2, w3] = philox(i.shiftRight(1), stream);
    const odd = i.bitAnd(1).eq(1);
    return unit64(odd.select(w2, w0), odd.select(w3, w1)).mul(range!).add(low!);
  },
  { low: 0, range: 1 },
);

/** Two elements share a pair of words: one takes the cosine, the other the sine. */
const normal32 = random(
  'randn',
  4,
  (stream, { mean, std }) => {
    const [w0, w1, w2, w3] = philox(i.shiftRight(2), stream);
    const second = i.bitAnd(2).eq(2);
    return boxMuller(unit(second.select(w2, w0)), unit(second.select(w3, w1)), 2 ** -25)
      .mul(std!)
      .add(mean!);
  },
  { mean: 0, std: 1 },
);
const normal64 = random(
  'randn',
  2,
  (stream, { mean, std }) => {
    const [w0, w1, w2, w3] = philox(i.shiftRight(1), stream);
    return boxMuller(unit64(w0, w1), unit64(w2, w3), 2 ** -54)
      .mul(std!)
      .add(mean!);
  },
  { mean: 0, std: 1 },
);

/** @see Box and Muller, A Note on the Generation of Random Normal Deviates (1958) */
function boxMuller(u1: Expr, u2: Expr, half: number): Expr {
  const radius = u1.add(half).log().mul(-2).sqrt();
  const angle = u2.mul(2 * Math.PI);
  return radius.mul(i.bitAnd(1).eq(0).select(angle.cos(), angle.sin()));
}

/** Integers of `[low, low + range)` by the upper half of a product, without a division. */
const integers = random(
  'randint',
  4,
  (stream, { low, range }) =>
    wordOf(i, stream).mulHigh(range!.cast('uint32')).cast('int32').add(low!.cast('int32')),
  { low: 0, range: -1 },
);

const bernoulliFill = random(
  'bernoulli',
  4,
  (stream, { p }) => unit(wordOf(i, stream)).lt(p!.cast('float32')),
  { p: -1 },
);

function floating(op: string, dtype: DType): void {
  if (!isFloating(dtype))
    throw new DTypeError(`${op}: random values are floating, not ${dtype}; use randint for integers`, { op });
}

const uniformOn = (
  entry: DeviceEntry,
  shape: readonly number[],
  dtype: DType,
  generator: Generator,
  low: number,
  high: number,
): Tensor =>
  (dtype === 'float64' ? uniform64 : uniform32)(entry, shape, dtype, generator, { low, range: high - low });
const normalOn = (
  entry: DeviceEntry,
  shape: readonly number[],
  dtype: DType,
  generator: Generator,
  mean: number,
  std: number,
): Tensor => (dtype === 'float64' ? normal64 : normal32)(entry, shape, dtype, generator, { mean, std });

/**
 * Uniform random numbers of `[0, 1)`. The bits are the same on every device.
 *
 * @throws {DTypeError} the dtype is not floating.
 * @example rand([2, 3], { generator: new Generator(0) }).shape // [2, 3]
 */
export function rand(shape: readonly number[], options?: RandomOptions): Tensor {
  checkShape('rand', shape);
  const { entry, dtype } = creation('rand', options, getDefaultDtype(), RANDOM_OPTIONS);
  floating('rand', dtype);
  return asLeaf(
    'rand',
    uniformOn(entry, shape.slice(), dtype, options?.generator ?? defaultGenerator, 0, 1),
    options?.requiresGrad,
  );
}

/** Random numbers of the standard normal distribution. @throws {DTypeError} the dtype is not floating. */
export function randn(shape: readonly number[], options?: RandomOptions): Tensor {
  checkShape('randn', shape);
  const { entry, dtype } = creation('randn', options, getDefaultDtype(), RANDOM_OPTIONS);
  floating('randn', dtype);
  return asLeaf(
    'randn',
    normalOn(entry, shape.slice(), dtype, options?.generator ?? defaultGenerator, 0, 1),
    options?.requiresGrad,
  );
}

/**
 * Random integers of `[low, high)`, as int32.
 *
 * @throws {ArgumentError} the range is empty or wider than 2^32.
 * @example randint(0, 10, [3]).dtype // 'int32'
 */
export function randint(
  low: number,
  high: number,
  shape: readonly number[],
  options?: RandomOptions,
): Tensor {
  checkShape('randint', shape);
  if (
    !(
      Number.isInteger(low) &&
      Number.isInteger(high) &&
      low < high &&
      high - low < 2 ** 32 &&
      low >= -(2 ** 31) &&
      high <= 2 ** 31
    )
  ) {
    throw new ArgumentError(
      `randint: [${low}, ${high}) must be a range of 32-bit integers that is not empty`,
      { op: 'randint' },
    );
  }
  const { entry, dtype } = creation('randint', options, 'int32', RANDOM_OPTIONS);
  const values = integers(entry, shape.slice(), dtype, options?.generator ?? defaultGenerator, {
    low,
    range: high - low,
  });
  return asLeaf('randint', values, options?.requiresGrad);
}

/** `rand` with the shape, dtype and device of a tensor. */
export const randLike = (x: Tensor, options?: RandomOptions): Tensor =>
  rand(x.shape, { dtype: x.dtype, device: x.device, ...options });

/** `randn` with the shape, dtype and device of a tensor. */
export const randnLike = (x: Tensor, options?: RandomOptions): Tensor =>
  randn(x.shape, { dtype: x.dtype, device: x.device, ...options });

/** `randint` with the shape, dtype and device of a tensor. */
export const randintLike = (x: Tensor, low: number, high: number, options?: RandomOptions): Tensor =>
  randint(low, high, x.shape, { dtype: x.dtype, device: x.device, ...options });

/** What random in-place operators take. */
export interface DrawOptions {
  readonly generator?: Generator;
}

/** Overwrites a tensor with new random values, whatever its strides. */
function drawInto(x: Tensor, draw: (shape: readonly number[], dtype: DType) => Tensor): Tensor {
  return scope(() =>
    copyInto(
      x,
      withRecording(false, () => draw(x.shape, x.dtype)),
    ),
  );
}

/** Overwrites `x` with uniform random numbers of `[low, high)`. */
export function uniform_(x: Tensor, low = 0, high = 1, options: DrawOptions = {}): Tensor {
  checkOptions('uniform_', options, ['generator']);
  floating('uniform_', x.dtype);
  return drawInto(x, (shape, dtype) =>
    uniformOn(x.entry, shape, dtype, options.generator ?? defaultGenerator, low, high),
  );
}

/** Overwrites `x` with normally distributed random numbers. */
export function normal_(x: Tensor, mean = 0, std = 1, options: DrawOptions = {}): Tensor {
  checkOptions('normal_', options, ['generator']);
  floating('normal_', x.dtype);
  if (!(std >= 0)) throw new ArgumentError(`normal_: std must be 0 or more, got ${std}`, { op: 'normal_' });
  return drawInto(x, (shape, dtype) =>
    normalOn(x.entry, shape, dtype, options.generator ?? defaultGenerator, mean, std),
  );
}

/** Overwrites `x` with 1 with probability `p`, else 0. */
export function bernoulli_(x: Tensor, p = 0.5, options: DrawOptions = {}): Tensor {
  checkOptions('bernoulli_', options, ['generator']);
  probability('bernoulli_', p);
  return drawInto(x, (shape, dtype) =>
    bernoulliFill(x.entry, shape, dtype, options.generator ?? defaultGenerator, { p }),
  );
}

function probability(op: string, p: number): void {
  if (!(p >= 0 && p <= 1)) throw new ArgumentError(`${op}: a probability lies in 0..1, got ${p}`, { op });
}

export interface DropoutOptions {
  /** Probability that an element is dropped. Default 0.5. */
  readonly p?: number;
  /** Outside of training nothing is dropped. Default true. */
  readonly training?: boolean;
  readonly generator?: Generator;
}

/**
 * Zeroes each element with probability `p` and scales the others by `1 / (1 - p)`.
 *
 * - `x`: any shape, floating
 *
 * @throws {ArgumentError} `p` lies outside `0..1`.
 * @see Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting (2014)
 * @example dropout(ones([2]), { p: 0 }) // tensor([1., 1.])
 */
export const dropout = composite(
  'dropout',
  (x: Tensor, options: DropoutOptions = {}): Tensor => {
    checkOptions('dropout', options, ['p', 'training', 'generator']);
    const { p = 0.5, training = true, generator = defaultGenerator } = options;
    probability('dropout', p);
    if (!training || p === 0) return x;
    const kept = bernoulliFill(x.entry, x.shape, x.dtype, generator, { p: 1 - p });
    return mul(mul(x, kept), p === 1 ? 0 : 1 / (1 - p));
  },
  { inPlace: true },
);
