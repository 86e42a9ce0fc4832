import { emptyTensor } from '../dispatch/operands.ts';
import { asDType, type DType, getDefaultDtype } from '../dtype.ts';
import { ArgumentError, checkOptions, DTypeError, describe, ShapeError, showShape } from '../errors.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { cast, clone } from '../ops/copying.ts';
import { asLeaf, CREATION_OPTIONS, type CreationOptions, creation } from '../ops/creation.ts';
import type { TypedArray } from '../ops/reading.ts';
import { checkShape, sizeOf } from '../shape.ts';
import { deviceEntry } from '../storage/registry.ts';
import { scope } from '../storage/scope.ts';

/** Numbers, truths or big integers, nested as deep as the tensor has dimensions. */
export type NestedArray = number | boolean | bigint | readonly NestedArray[];

type ElementArray = TypedArray | Uint16Array | Uint32Array | Uint8ClampedArray;

const isElementArray = (value: unknown): value is ElementArray =>
  ArrayBuffer.isView(value) && !(value instanceof DataView);

const ARRAY_DTYPES: Readonly<Record<string, DType>> = {
  Float32Array: 'float32',
  Float64Array: 'float64',
  Int32Array: 'int32',
  Int16Array: 'int16',
  Int8Array: 'int8',
  Uint8Array: 'uint8',
  Uint8ClampedArray: 'uint8',
  BigInt64Array: 'int64',
};

/**
 * A tensor of given values: numbers make float32, booleans bool, big integers int64, typed arrays their own dtype.
 * The values are copied.
 *
 * @throws {ShapeError} the nested arrays are ragged.
 * @example tensor([[1, 2], [3, 4]]) // tensor([[1., 2.], [3., 4.]])
 */
export function tensor(data: NestedArray | ElementArray | Tensor, options?: CreationOptions): Tensor {
  if (isTensor(data)) return copyOf(data, options);
  if (isElementArray(data)) return fromTypedArray('tensor', data, [data.length], options);
  const shape = shapeOf(data);
  checkShape('tensor', shape);
  const flat: (number | boolean | bigint)[] = [];
  flatten(data, shape, 0, flat);
  return fromValues('tensor', flat, shape, options);
}

/**
 * A tensor of a typed array's elements, in row-major order. The elements are copied.
 *
 * @throws {ShapeError} the array has another number of elements.
 * @example fromArray(new Float32Array([1, 2, 3, 4]), [2, 2]).shape // [2, 2]
 */
export function fromArray(
  data: ElementArray | readonly (number | boolean | bigint)[],
  shape: readonly number[],
  options?: CreationOptions,
): Tensor {
  checkShape('fromArray', shape);
  if (isElementArray(data)) return fromTypedArray('fromArray', data, shape.slice(), options);
  return fromValues('fromArray', data, shape.slice(), options);
}

function copyOf(x: Tensor, options: CreationOptions | undefined): Tensor {
  checkOptions('tensor', options, CREATION_OPTIONS);
  if (options?.device !== undefined && options.device !== x.device) {
    throw new ArgumentError(
      `tensor: the given tensor is on ${x.device}; move it with .to('${options.device}')`,
      { op: 'tensor' },
    );
  }
  const copy = scope(() => {
    const value = clone(x);
    return options?.dtype === undefined ? value : cast(value, asDType('tensor', options.dtype));
  });
  copy.node = null;
  return asLeaf('tensor', copy, options?.requiresGrad);
}

function shapeOf(data: NestedArray): number[] {
  const shape: number[] = [];
  let level: NestedArray | undefined = data;
  while (Array.isArray(level)) {
    shape.push(level.length);
    level = level[0];
  }
  return shape;
}

function flatten(
  data: NestedArray,
  shape: readonly number[],
  depth: number,
  into: (number | boolean | bigint)[],
): void {
  if (depth === shape.length) {
    if (typeof data !== 'number' && typeof data !== 'boolean' && typeof data !== 'bigint') {
      throw Array.isArray(data)
        ? new ShapeError(
            `tensor: the nested arrays are ragged: a list stands where ${showShape(shape)} has single values`,
            { op: 'tensor' },
          )
        : new ArgumentError(
            `tensor: values must be numbers, booleans or big integers, got ${describe(data)}`,
            { op: 'tensor' },
          );
    }
    into.push(data);
    return;
  }
  if (!Array.isArray(data) || data.length !== shape[depth]) {
    const got = Array.isArray(data) ? `${data.length} elements` : describe(data);
    throw new ShapeError(
      `tensor: the nested arrays are ragged: dim ${depth} has ${got} where the first has ${shape[depth]}`,
      { op: 'tensor' },
    );
  }
  for (const item of data) flatten(item, shape, depth + 1, into);
}

/** The dtype of JavaScript values: the highest kind among them. */
function dtypeOfValues(op: string, values: readonly (number | boolean | bigint)[]): DType {
  const kinds = new Set(values.map((value) => typeof value));
  if (kinds.has('number') && kinds.has('bigint')) {
    throw new DTypeError(`${op}: numbers and big integers are mixed; give { dtype } or use one kind`, { op });
  }
  if (kinds.has('bigint')) return 'int64';
  return kinds.has('number') || values.length === 0 ? getDefaultDtype() : 'bool';
}

function fromValues(
  op: string,
  values: readonly (number | boolean | bigint)[],
  shape: readonly number[],
  options: CreationOptions | undefined,
): Tensor {
  if (values.length !== sizeOf(shape))
    throw new ShapeError(`${op}: ${values.length} values do not fill ${showShape(shape)}`, { op });
  const { entry, dtype } = creation(op, options, options?.dtype ?? dtypeOfValues(op, values));
  return upload(op, encode(op, values, dtype), dtype, shape, entry.device, options);
}

/** Values as the dtype's own bytes. Integers wrap, as they do in every cast. */
function encode(op: string, values: readonly (number | boolean | bigint)[], dtype: DType): ArrayBufferView {
  switch (dtype) {
    case 'float32':
    case 'float16':
    case 'bfloat16':
      return Float32Array.from(values, Number);
    case 'float64':
      return Float64Array.from(values, Number);
    case 'int64':
      return BigInt64Array.from(values, (value) =>
        BigInt(typeof value === 'number' ? whole(op, value) : value),
      );
    case 'int32':
      return Int32Array.from(values, (value) => Number(value));
    case 'int16':
      return Int16Array.from(values, Number);
    case 'int8':
      return Int8Array.from(values, Number);
    case 'uint8':
      return Uint8Array.from(values, Number);
    case 'bool':
      return Uint8Array.from(values, (value) => Number(Boolean(value)));
    case 'complex64':
      return Float32Array.from(values.flatMap((value) => [Number(value), 0]));
  }
}

function whole(op: string, value: number): number {
  if (!Number.isFinite(value)) throw new DTypeError(`${op}: ${value} is no int64`, { op });
  return Math.trunc(value);
}

function fromTypedArray(
  op: string,
  data: ElementArray,
  shape: readonly number[],
  options: CreationOptions | undefined,
): Tensor {
  const own = ARRAY_DTYPES[data.constructor.name];
  if (own === undefined) {
    return fromValues(op, Array.from(data as Iterable<number>), shape, options);
  }
  if (data.length !== sizeOf(shape))
    throw new ShapeError(`${op}: ${data.length} elements do not fill ${showShape(shape)}`, { op });
  const { entry, dtype } = creation(op, options, own);
  if (dtype === own) return upload(op, data, own, shape, entry.device, options);
  if (!entry.supports(own)) return fromValues(op, Array.from(data as Iterable<number>), shape, options);
  const converted = scope(() => cast(upload(op, data, own, shape, entry.device, undefined), dtype));
  return asLeaf(op, converted, options?.requiresGrad);
}

/** Writes bytes into a new tensor; halves are given as float32 and converted on the device. */
function upload(
  op: string,
  data: ArrayBufferView,
  dtype: DType,
  shape: readonly number[],
  device: string,
  options: CreationOptions | undefined,
): Tensor {
  const entry = deviceEntry(device);
  const half = dtype === 'float16' || dtype === 'bfloat16';
  const stored = half ? 'float32' : dtype;
  const made = scope(() => {
    const target = emptyTensor(entry, stored, shape);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (bytes.byteLength > 0) entry.backend.write(target.storage.allocation, 0, bytes);
    return half ? cast(target, dtype) : target;
  });
  return asLeaf(op, made, options?.requiresGrad);
}
