import { emptyTensor } from '../dispatch/operands.ts';
import { PointwiseOp } from '../dispatch/pointwise.ts';
import {
  asDType,
  type DType,
  getDefaultDtype,
  isDifferentiable,
  isFloating,
  type Scalar,
  scalarDType,
} from '../dtype.ts';
import { ArgumentError, checkOptions, DTypeError, describe, ShapeError } from '../errors.ts';
import { index } from '../expr/expr.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { checkShape } from '../shape.ts';
import { type Device, type DeviceEntry, deviceEntry } from '../storage/registry.ts';
import { cast } from './copying.ts';
import { filled } from './filling.ts';

/** What every function that makes tensors takes. */
export interface CreationOptions {
  readonly dtype?: DType;
  /** Default: the default device. */
  readonly device?: Device;
  /** Whether the new tensor is a leaf that collects a gradient. */
  readonly requiresGrad?: boolean;
}

export const CREATION_OPTIONS = ['dtype', 'device', 'requiresGrad'] as const;

/** Options read and checked: the device's entry and a dtype that exists. */
export function creation(
  op: string,
  options: CreationOptions | undefined,
  standard: DType,
  known: readonly string[] = CREATION_OPTIONS,
): { entry: DeviceEntry; dtype: DType } {
  checkOptions(op, options, known);
  const dtype = options?.dtype === undefined ? standard : asDType(op, options.dtype);
  return { entry: deviceEntry(options?.device), dtype };
}

/** Makes a new tensor a leaf that collects a gradient, where that was asked for. */
export function asLeaf(op: string, tensor: Tensor, requiresGrad: boolean | undefined): Tensor {
  if (!requiresGrad) return tensor;
  if (!isDifferentiable(tensor.dtype)) {
    throw new DTypeError(
      `${op}: only floating and complex tensors can require gradients, this one is ${tensor.dtype}; give { dtype: '${getDefaultDtype()}' }`,
      { op },
    );
  }
  tensor.leafRequiresGrad = true;
  return tensor;
}

/**
 * A tensor of one value.
 *
 * @throws {ShapeError} a size is negative or no integer.
 * @example full([2], 7) // tensor([7., 7.])
 */
export function full(shape: readonly number[], value: Scalar, options?: CreationOptions): Tensor {
  checkShape('full', shape);
  if (typeof value === 'object')
    throw new ArgumentError(`full: the value must be a number, got ${describe(value)}`, { op: 'full' });
  const standard = typeof value === 'number' ? getDefaultDtype() : scalarDType(value);
  const { entry, dtype } = creation('full', options, standard);
  return asLeaf('full', filled(entry, shape.slice(), dtype, value), options?.requiresGrad);
}

/** A tensor of zeros. @example zeros([2]) // tensor([0., 0.]) */
export function zeros(shape: readonly number[], options?: CreationOptions): Tensor {
  checkShape('zeros', shape);
  const { entry, dtype } = creation('zeros', options, getDefaultDtype());
  return asLeaf('zeros', filled(entry, shape.slice(), dtype, 0), options?.requiresGrad);
}

/** A tensor of ones. @example ones([2]) // tensor([1., 1.]) */
export function ones(shape: readonly number[], options?: CreationOptions): Tensor {
  checkShape('ones', shape);
  const { entry, dtype } = creation('ones', options, getDefaultDtype());
  return asLeaf('ones', filled(entry, shape.slice(), dtype, 1), options?.requiresGrad);
}

/** A tensor whose content is whatever the memory held: for writing over. */
export function empty(shape: readonly number[], options?: CreationOptions): Tensor {
  checkShape('empty', shape);
  const { entry, dtype } = creation('empty', options, getDefaultDtype());
  return asLeaf('empty', emptyTensor(entry, dtype, shape.slice()), options?.requiresGrad);
}

const like = (
  op: string,
  x: Tensor,
  options: CreationOptions | undefined,
): { entry: DeviceEntry; dtype: DType } => {
  if (!isTensor(x)) throw new ArgumentError(`${op}: the model must be a tensor, got ${describe(x)}`, { op });
  return creation(op, { ...options, device: options?.device ?? x.device }, x.dtype);
};

/** A tensor of one value with the shape, dtype and device of another. */
export function fullLike(x: Tensor, value: Scalar, options?: CreationOptions): Tensor {
  const { entry, dtype } = like('fullLike', x, options);
  return asLeaf('fullLike', filled(entry, x.shape, dtype, value), options?.requiresGrad);
}

/** Zeros with the shape, dtype and device of another tensor. */
export function zerosLike(x: Tensor, options?: CreationOptions): Tensor {
  const { entry, dtype } = like('zerosLike', x, options);
  return asLeaf('zerosLike', filled(entry, x.shape, dtype, 0), options?.requiresGrad);
}

/** Ones with the shape, dtype and device of another tensor. */
export function onesLike(x: Tensor, options?: CreationOptions): Tensor {
  const { entry, dtype } = like('onesLike', x, options);
  return asLeaf('onesLike', filled(entry, x.shape, dtype, 1), options?.requiresGrad);
}

/** Uninitialised memory with the shape, dtype and device of another tensor. */
export function emptyLike(x: Tensor, options?: CreationOptions): Tensor {
  const { entry, dtype } = like('emptyLike', x, options);
  return asLeaf('emptyLike', emptyTensor(entry, dtype, x.shape), options?.requiresGrad);
}

const progression = new PointwiseOp('arange', 0, (_, { start, step }) => index(0).mul(step!).add(start!), {
  params: { start: 0, step: 1 },
});

/** `start, start + step, …` as a new tensor, without checks. */
export const progressionOn = (
  entry: DeviceEntry,
  length: number,
  dtype: DType,
  start = 0,
  step = 1,
): Tensor => progression.fill(entry, [length], dtype, { start, step });

/**
 * `start, start + step, …` before `end`. Integers give int32.
 *
 * @throws {ArgumentError} `step` is 0, or leads away from `end`.
 * @example arange(1, 6, 2) // tensor([1, 3, 5], dtype=torch.int32)
 */
export function arange(end: number, options?: CreationOptions): Tensor;
export function arange(start: number, end: number, options?: CreationOptions): Tensor;
export function arange(start: number, end: number, step: number, options?: CreationOptions): Tensor;
export function arange(...args: (number | CreationOptions | undefined)[]): Tensor {
  const options = args.find((arg) => typeof arg === 'object');
  const numbers = args.filter((arg) => typeof arg === 'number' || typeof arg === 'boolean').map(Number);
  const { entry, dtype } = creation(
    'arange',
    options,
    numbers.every(Number.isInteger) ? 'int32' : getDefaultDtype(),
  );
  const given =
    numbers.length === 1
      ? [0, numbers[0]!, 1]
      : [numbers[0] ?? Number.NaN, numbers[1] ?? Number.NaN, numbers[2] ?? 1];
  // Integers count in integers, and int64 also measures the way so, as in PyTorch.
  const whole = isFloating(dtype) ? given : given.map(Math.trunc);
  const [start, end, step] = (dtype === 'int64' ? whole : given) as [number, number, number];
  if (
    !(Number.isFinite(start) && Number.isFinite(end) && Number.isFinite(step)) ||
    step === 0 ||
    (end - start) / step < 0
  ) {
    throw new ArgumentError(`arange: no progression leads from ${start} to ${end} by steps of ${step}`, {
      op: 'arange',
    });
  }
  const length = Math.ceil((end - start) / step);
  return asLeaf('arange', progressionOn(entry, length, dtype, whole[0]!, whole[2]!), options?.requiresGrad);
}

// Counted from the nearer end, so that the last element is `end` exactly.
const evenly = new PointwiseOp(
  'linspace',
  0,
  (_, { start, end, step, last }) =>
    index(0)
      .cast('float32')
      .mul(2)
      .lt(last!)
      .select(start!.add(index(0).mul(step!)), end!.sub(last!.sub(index(0)).mul(step!))),
  { params: { start: 0, end: 1, step: -1, last: -1 } },
);

/**
 * `steps` values from `start` to `end`, both included, evenly spaced.
 *
 * @throws {ShapeError} `steps` is negative or no integer.
 * @example linspace(0, 1, 5) // tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
 */
export function linspace(start: number, end: number, steps: number, options?: CreationOptions): Tensor {
  if (!Number.isInteger(steps) || steps < 0)
    throw new ShapeError(`linspace: steps must be an integer of 0 or more, got ${steps}`, { op: 'linspace' });
  const { entry, dtype } = creation('linspace', options, getDefaultDtype());
  const compute = isFloating(dtype) ? dtype : entry.supports('float64') ? 'float64' : 'float32';
  const [from, to] = isFloating(dtype) ? [start, end] : [Math.trunc(start), Math.trunc(end)];
  const step = steps > 1 ? (to - from) / (steps - 1) : 0;
  const last = steps > 1 ? steps - 1 : 2;
  return asLeaf(
    'linspace',
    cast(evenly.fill(entry, [steps], compute, { start: from, end: to, step, last }), dtype),
    options?.requiresGrad,
  );
}

const identity = new PointwiseOp('eye', 0, () => index(0).eq(index(1)));

/**
 * Ones on the diagonal, zeros elsewhere: `[n, n]`, or `[n, m]`.
 *
 * @throws {ShapeError} a size is negative or no integer.
 */
export function eye(n: number, m?: number | CreationOptions, options?: CreationOptions): Tensor {
  const given = typeof m === 'object' ? m : options;
  const shape = [n, typeof m === 'number' ? m : n];
  checkShape('eye', shape);
  const { entry, dtype } = creation('eye', given, getDefaultDtype());
  return asLeaf('eye', identity.fill(entry, shape, dtype, {}), given?.requiresGrad);
}
