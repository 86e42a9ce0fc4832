import type { DType } from '../dtype.ts';
import { ArgumentError, DTypeError, describe, ShapeError, showShape } from '../errors.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import type { Shape } from '../shape.ts';

/** Refuses an argument that is no tensor. @throws {ArgumentError} `gather: index must be a tensor, got [0, 1]` */
export function checkTensor(op: string, name: string, value: unknown): asserts value is Tensor {
  if (isTensor(value)) return;
  const hint = Array.isArray(value) ? '; make a tensor of it: tensor([…])' : '';
  throw new ArgumentError(`${op}: ${name} must be a tensor, got ${describe(value)}${hint}`, { op });
}

/** Refuses an argument that is no list of tensors, and an empty list. @throws {ArgumentError} */
export function checkTensors(op: string, value: unknown): asserts value is readonly Tensor[] {
  if (!Array.isArray(value))
    throw new ArgumentError(`${op}: the tensors come as an array, ${op}([a, b]); got ${describe(value)}`, {
      op,
    });
  if (value.length === 0)
    throw new ArgumentError(`${op}: at least one tensor is needed, got an empty array`, { op });
  for (const [i, tensor] of value.entries()) checkTensor(op, `tensor ${i}`, tensor);
}

/** Refuses what is no tensor of indices. @throws {DTypeError} `gather: index must be int32 or int64, got float32; …` */
export function checkIndex(op: string, name: string, value: unknown): asserts value is Tensor {
  checkTensor(op, name, value);
  if (value.dtype === 'int32' || value.dtype === 'int64') return;
  throw new DTypeError(
    `${op}: ${name} must be int32 or int64, got ${value.dtype}; convert it: to({ dtype: 'int32' })`,
    { op },
  );
}

/** `checkIndex` for operators that do not look at what an empty index is made of. */
export function checkIndices(op: string, index: unknown): asserts index is Tensor {
  checkTensor(op, 'index', index);
  if (index.size > 0) checkIndex(op, 'index', index);
}

/** Refuses a tensor of another dtype than the first one has. @throws {DTypeError} */
export function checkSameDType(op: string, name: string, dtype: DType, than: DType, other = 'x'): void {
  if (dtype === than) return;
  throw new DTypeError(
    `${op}: ${name} is ${dtype}, ${other} is ${than}; they must be one dtype: to({ dtype: '${than}' })`,
    { op },
  );
}

/** Refuses a number that is no integer. @throws {ArgumentError} */
export function checkInteger(op: string, name: string, value: unknown): asserts value is number {
  if (!Number.isInteger(value))
    throw new ArgumentError(`${op}: ${name} must be an integer, got ${describe(value)}`, { op });
}

/** Refuses what is no list of integers. @throws {ArgumentError} */
export function checkIntegers(op: string, name: string, value: unknown): asserts value is readonly number[] {
  if (!Array.isArray(value) || !value.every(Number.isInteger)) {
    throw new ArgumentError(`${op}: ${name} must be an array of integers, got ${describe(value)}`, { op });
  }
}

/**
 * Refuses an index that has other dimensions than the tensor, or reaches beyond it in those that it does not walk.
 * A tensor without dimensions counts as one of a single element.
 *
 * @throws {ShapeError}
 */
export function checkReach(op: string, shape: Shape, index: Shape, dim: number | null, name = 'x'): void {
  if (Math.max(shape.length, 1) !== Math.max(index.length, 1)) {
    throw new ShapeError(
      `${op}: index ${showShape(index)} and ${name} ${showShape(shape)} must have the same number of dimensions`,
      { op },
    );
  }
  if (dim !== null && shape[dim] === 0)
    throw new ShapeError(`${op}: dim ${dim} of ${name} ${showShape(shape)} has no elements to index`, { op });
  index.forEach((size, i) => {
    if (i !== dim && size > (shape[i] ?? 1)) {
      throw new ShapeError(
        `${op}: index ${showShape(index)} is larger than ${name} ${showShape(shape)} in dim ${i}`,
        { op },
      );
    }
  });
}
