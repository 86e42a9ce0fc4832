import { cloneAlias } from '../autograd/detach.ts';
import {
  type BackwardOptions,
  registerHook as hook,
  retainGrad as retain,
  backward as runBackward,
} from '../autograd/engine.ts';
import { transfer, transferAsync } from '../autograd/transfer.ts';
import { asDType, DTYPES, type DType, getDefaultDtype, isDifferentiable } from '../dtype.ts';
import {
  ArgumentError,
  AutogradError,
  checkOptions,
  DTypeError,
  describe,
  ShapeError,
  showShape,
} from '../errors.ts';
import { nodeOf } from '../graph/node.ts';
import { checkAlive, isTensor, type Tensor, type TensorHook } from '../graph/tensor.ts';
import { cast } from '../ops/copying.ts';
import { read, readSync, type TypedArray } from '../ops/reading.ts';
import type { Device } from '../storage/registry.ts';
import { waitingPoint } from './turn.ts';
import './adopt.ts';

/** Methods of `Tensor` that are no operators: gradients, reading, moving. Each takes the tensor first. */

/**
 * Makes a leaf collect a gradient, or stop doing so.
 *
 * @throws {AutogradError} the tensor is no leaf. @throws {DTypeError} it is neither floating nor complex.
 */
export function requiresGrad_(x: Tensor, requiresGrad = true): Tensor {
  if (nodeOf(x) !== null) {
    if (requiresGrad) return x;
    throw new AutogradError(
      'requiresGrad_: only a leaf can stop requiring gradients; use detach() for a tensor outside of the graph',
      { op: 'requiresGrad_' },
    );
  }
  if (requiresGrad && !isDifferentiable(x.dtype)) {
    throw new DTypeError(
      `requiresGrad_: only floating and complex tensors can require gradients, this one is ${x.dtype}; convert it: to({ dtype: '${getDefaultDtype()}' })`,
      { op: 'requiresGrad_' },
    );
  }
  x.leafRequiresGrad = requiresGrad;
  return x;
}

/** The same elements outside of the graph; shares memory. */
export function detach(x: Tensor): Tensor {
  checkAlive('detach', x);
  return cloneAlias(x);
}

/** Takes the tensor itself out of the graph. @throws {AutogradError} it is a view. */
export function detach_(x: Tensor): Tensor {
  if (x.viewLink !== null && nodeOf(x) !== null) {
    throw new AutogradError('detach_: a view cannot be taken out of the graph alone; use detach()', {
      op: 'detach_',
    });
  }
  x.node = null;
  x.leafRequiresGrad = false;
  return x;
}

/**
 * Adds the gradient of this tensor to the `grad` of every leaf that it was computed from.
 *
 * @throws {AutogradError} it has several elements and no `gradient` is given, nothing needs a gradient, or the graph was used before.
 */
export function backward(x: Tensor, gradient?: Tensor | null, options?: BackwardOptions): void {
  checkAlive('backward', x);
  checkOptions('backward', options, ['retainGraph', 'createGraph']);
  runBackward(x, gradient, options);
}

/** Lets a function see, and by its result replace, the gradient of this tensor. Call what it returns to take it off. */
export const registerHook = (x: Tensor, fn: TensorHook): (() => void) => hook(x, fn);

/** Keeps the gradient of a tensor that is no leaf in its `grad`. */
export function retainGrad(x: Tensor): Tensor {
  retain(x);
  return x;
}

/** Whether the elements lie in row-major order without gaps. */
export const isContiguous = (x: Tensor): boolean => x.rowMajor;

/** Where a tensor should go. */
export interface ToOptions {
  readonly dtype?: DType;
  readonly device?: Device;
}

/**
 * The tensor on another device or in another dtype; itself where it is so already. Gradients come back.
 *
 * @throws {DeviceError} the device has no backend. @throws {BackendError} the tensor's device reads asynchronously only.
 * @example x.to('webgpu'); x.to({ dtype: 'float64' })
 */
export function to(x: Tensor, target: Device | ToOptions): Tensor {
  checkAlive('to', x);
  if (typeof target === 'string') {
    if (Object.hasOwn(DTYPES, target))
      throw new ArgumentError(
        `to: '${target as string}' is a dtype; write to({ dtype: '${target as string}' })`,
        { op: 'to' },
      );
    return transfer(x, target);
  }
  checkOptions('to', target, ['dtype', 'device']);
  const converted = target.dtype === undefined ? x : cast(x, asDType('to', target.dtype));
  return target.device === undefined ? converted : transfer(converted, target.device);
}

/** The tensor on the CPU. */
export const cpu = (x: Tensor): Promise<Tensor> => transferAsync(x, 'cpu');

/** `cpu`, where the tensor's device reads synchronously. */
export const cpuSync = (x: Tensor): Tensor => transfer(x, 'cpu');

/** The elements in row-major order as they are now: bool as bytes, halves as Float32Array, int64 as BigInt64Array. */
export async function data(x: Tensor): Promise<TypedArray> {
  // Together, so that a fault which comes while the event loop turns has somebody who waits for it.
  const [values] = await Promise.all([read('data', x), waitingPoint()]);
  return values;
}

/** `data`, where the device reads synchronously. @throws {BackendError} it does not. */
export const dataSync = (x: Tensor): TypedArray => readSync('dataSync', x);

/** The value of a tensor of one element: a number, or a boolean. */
export async function item(x: Tensor): Promise<number | boolean> {
  one('item', x);
  return element('item', x, await data(x));
}

/** `item`, where the device reads synchronously. */
export function itemSync(x: Tensor): number | boolean {
  one('itemSync', x);
  return element('itemSync', x, readSync('itemSync', x));
}

/** The value of an integer tensor of one element, exactly. */
export async function itemBigInt(x: Tensor): Promise<bigint> {
  one('itemBigInt', x);
  return BigInt((await data(x))[0]!);
}

/** `itemBigInt`, where the device reads synchronously. */
export function itemBigIntSync(x: Tensor): bigint {
  one('itemBigIntSync', x);
  return BigInt(readSync('itemBigIntSync', x)[0]!);
}

function one(op: string, x: Tensor): void {
  if (x.size !== 1)
    throw new ShapeError(
      `${op}: a tensor of shape ${showShape(x.shape)} has ${x.size} values, not one; use toArray() or data()`,
      { op },
    );
}

function element(op: string, x: Tensor, values: TypedArray, i = 0): number | boolean {
  const value = values[i]!;
  if (x.dtype === 'bool') return value !== 0;
  if (typeof value === 'number') return value;
  if (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER) {
    throw new DTypeError(`${op}: ${value} cannot be told exactly as a number; use itemBigInt()`, { op });
  }
  return Number(value);
}

/** Values nested as deep as the tensor has dimensions. */
export type NestedValues = number | boolean | NestedValues[];

function nest(x: Tensor, values: TypedArray): NestedValues {
  let at = 0;
  const level = (depth: number): NestedValues =>
    depth === x.shape.length
      ? element('toArray', x, values, at++)
      : Array.from({ length: x.shape[depth]! }, () => level(depth + 1));
  return level(0);
}

/** The values as nested arrays of numbers or booleans. */
export const toArray = async (x: Tensor): Promise<NestedValues> => nest(x, await data(x));

/** `toArray`, where the device reads synchronously. */
export const toArraySync = (x: Tensor): NestedValues => nest(x, readSync('toArraySync', x));

/**
 * Checks the shape against a pattern and returns the tensor: numbers must match, a name stands for one size and for
 * the same one wherever it occurs, `*` for any size, a leading `...` for any number of dimensions.
 *
 * @throws {ShapeError} the shape does not match.
 * @example x.expectShape('batch time 64')
 */
export function expectShape(x: Tensor, pattern: string): Tensor {
  const parts = pattern
    .trim()
    .split(/\s+/)
    .filter((part) => part !== '');
  const open = parts[0] === '...';
  const named = open ? parts.slice(1) : parts;
  const shape = open ? x.shape.slice(Math.max(0, x.shape.length - named.length)) : x.shape;
  const refuse = (why: string): never => {
    throw new ShapeError(`expectShape: ${showShape(x.shape)} does not match '${pattern}': ${why}`, {
      op: 'expectShape',
      data: { shape: x.shape, pattern },
    });
  };
  if (shape.length !== named.length) refuse(`it has ${x.shape.length} dimensions`);
  const sizes = new Map<string, number>();
  named.forEach((part, i) => {
    const size = shape[i]!;
    if (part === '*') return;
    const wanted = /^\d+$/.test(part) ? Number(part) : (sizes.get(part) ?? size);
    if (wanted !== size)
      refuse(`dim ${i} (${part}) is ${size}${/^\d+$/.test(part) ? '' : `, and ${part} was ${wanted}`}`);
    sizes.set(part, size);
  });
  return x;
}

/** Whether shapes and all values are the same. */
export function equalSync(x: Tensor, y: Tensor): boolean {
  if (!isTensor(y))
    throw new ArgumentError(`equalSync: the other operand must be a tensor, got ${describe(y)}`, {
      op: 'equalSync',
    });
  if (showShape(x.shape) !== showShape(y.shape)) return false;
  const [a, b] = [readSync('equalSync', x), readSync('equalSync', y)];
  return a.every((value: number | bigint, i: number) => value === b[i]);
}
