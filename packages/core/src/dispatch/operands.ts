import { byteLengthOf, DTYPES, type DType } from '../dtype.ts';
import { DeviceError, DTypeError } from '../errors.ts';
import { checkAlive, Tensor } from '../graph/tensor.ts';
import { contiguousStrides, sizeOf } from '../shape.ts';
import type { Operand } from '../storage/contract.ts';
import type { DeviceEntry } from '../storage/registry.ts';
import { allocateStorage } from '../storage/storage.ts';

/** A new contiguous tensor; its content is undefined. */
export function emptyTensor(
  entry: DeviceEntry,
  dtype: DType,
  shape: readonly number[],
  strides = contiguousStrides(shape),
): Tensor {
  if (!entry.supports(dtype)) throw unsupported(entry, dtype);
  return new Tensor(allocateStorage(entry, dtype, sizeOf(shape)), dtype, shape, strides, 0);
}

function unsupported(entry: DeviceEntry, dtype: DType): DTypeError {
  const { category } = DTYPES[dtype];
  const instead = entry.limits.dtypes.filter((known) => DTYPES[known].category === category).at(-1);
  const hint =
    instead === undefined ? 'it has no dtype of this kind' : `use ${instead}: to({ dtype: '${instead}' })`;
  return new DTypeError(`${entry.device} has no ${dtype}; ${hint}`, {
    data: { device: entry.device, dtype },
  });
}

/** The device that all operands share. @throws {DeviceError} they do not share one. */
export function commonEntry(op: string, tensors: readonly Tensor[]): DeviceEntry {
  const first = tensors[0]!;
  const { entry } = first.storage;
  for (const tensor of tensors) {
    checkAlive(op, tensor);
    if (tensor.storage.entry !== entry) throw severalDevices(op, first, tensor);
  }
  return entry;
}

export function severalDevices(op: string, a: Tensor, b: Tensor): DeviceError {
  return new DeviceError(
    `${op}: operands are on ${a.device} and ${b.device}; nothing moves between devices in silence: move one with .to('${a.device}')`,
    { op, data: { devices: [a.device, b.device], shapes: [a.shape, b.shape] } },
  );
}

/** A tensor as kernels see it, walked with other strides. */
export const operandWith = (tensor: Tensor, strides: readonly number[]): Operand => ({
  allocation: tensor.storage.allocation,
  dtype: tensor.dtype,
  offset: tensor.offset,
  strides,
});

const FLAT: readonly number[] = [1];

/** A tensor in row-major order as kernels see it, walked from its first element to its last. */
export const flatOperand = (tensor: Tensor): Operand => (tensor.flat ??= operandWith(tensor, FLAT));

/** Whether every element is the same memory: one element, or strides of 0 throughout. */
export function isUniform(tensor: Tensor): boolean {
  const { shape, strides } = tensor;
  for (let i = 0; i < shape.length; i++) if (shape[i] !== 1 && strides[i] !== 0) return false;
  return true;
}

/** Whether two indices of one tensor can be the same memory, by a test that is exact for strides that core makes. */
export function overlapsItself(tensor: {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}): boolean {
  const dims = tensor.shape
    .map((size, i) => ({ size, stride: tensor.strides[i]! }))
    .filter(({ size }) => size > 1)
    .sort((a, b) => a.stride - b.stride);
  let reach = 0;
  for (const { size, stride } of dims) {
    if (stride <= reach) return true;
    reach += stride * (size - 1);
  }
  return false;
}

/** How two tensors share memory: `exact` when they are the same elements in the same places. */
export function aliasing(a: Tensor, b: Tensor): 'none' | 'exact' | 'partial' {
  if (a.storage !== b.storage) return 'none';
  if (a === b) return 'exact';
  const [aStart, aEnd] = byteRange(a);
  const [bStart, bEnd] = byteRange(b);
  if (aEnd <= bStart || bEnd <= aStart) return 'none';
  const same =
    a.dtype === b.dtype &&
    a.offset === b.offset &&
    a.shape.length === b.shape.length &&
    a.shape.every((size, i) => size === b.shape[i] && (size === 1 || a.strides[i] === b.strides[i]));
  return same ? 'exact' : 'partial';
}

function byteRange(tensor: Tensor): [number, number] {
  const width = byteLengthOf(tensor.dtype);
  let last = tensor.offset;
  for (let i = 0; i < tensor.shape.length; i++) last += (tensor.shape[i]! - 1) * tensor.strides[i]!;
  return [tensor.offset * width, (last + 1) * width];
}

/** Moves a dimension's stride to the end, where "along" kernels expect it. */
export function dimLast<T>(values: readonly T[], dim: number): T[] {
  const moved = values.slice();
  const [value] = moved.splice(dim, 1);
  if (value !== undefined) moved.push(value);
  return moved;
}
