import { type Device, describe, isTensor, ShapeError, stack, type Tensor, tensor } from '@flambeau/core';
import { DataError } from './errors.ts';

type Numeric = number | boolean | bigint;

/** What samples of type `T` become in a batch: tensors and numbers one tensor, tuples and records of batches. */
export type Collated<T> = T extends Tensor | Numeric | ArrayBufferView
  ? Tensor
  : T extends string
    ? string[]
    : T extends readonly unknown[]
      ? { -readonly [K in keyof T]: Collated<T[K]> }
      : { -readonly [K in keyof T]: Collated<T[K]> };

/**
 * One batch of several samples, as the loader makes it unless it is told otherwise. Tensors and typed arrays are
 * stacked along a new first dimension; numbers become float32, big integers int64, booleans bool, as `tensor` makes
 * them; text stays a list; tuples and records are taken apart.
 *
 * @throws {ShapeError} the samples differ in shape.
 * @throws {DataError} the samples differ in kind, or are of a kind that makes no batch.
 * @example collate([[tensor([1, 2]), 0n], [tensor([3, 4]), 1n]]) // [tensor([[1., 2.], [3., 4.]]), tensor([0, 1])]
 */
export function collate<T>(samples: readonly T[]): Collated<T> {
  if (samples.length === 0)
    throw new DataError('collate: a batch needs at least one sample', { op: 'collate' });
  // What is built follows the values; the type says the same of their types.
  return collateAt('', samples) as Collated<T>;
}

function collateAt(path: string, samples: readonly unknown[]): unknown {
  const first = samples[0];
  const kind = kindOf(first);
  samples.forEach((sample, i) => {
    if (kindOf(sample) === kind) return;
    throw new DataError(
      `collate: samples of a batch differ in kind${at(path)}: sample 0 is ${describe(first)}, sample ${i} is ${describe(sample)}`,
      { op: 'collate' },
    );
  });
  switch (kind) {
    case 'tensor':
      return stackAll(path, samples as readonly Tensor[]);
    case 'typed array':
      return stackAll(
        path,
        (samples as readonly Float32Array[]).map((sample) => tensor(sample)),
      );
    case 'number':
    case 'bigint':
    case 'boolean':
      return tensor(samples as readonly Numeric[]);
    case 'string':
      return samples.slice();
    case 'list':
      return collateLists(path, samples as readonly (readonly unknown[])[]);
    case 'record':
      return collateRecords(path, samples as readonly Readonly<Record<string, unknown>>[]);
    case 'other':
      throw new DataError(
        `collate: ${describe(first)}${at(path)} makes no batch; return tensors, numbers, text, tuples or records, or give the loader { collate }`,
        { op: 'collate' },
      );
  }
}

type Kind =
  | 'tensor'
  | 'typed array'
  | 'number'
  | 'bigint'
  | 'boolean'
  | 'string'
  | 'list'
  | 'record'
  | 'other';

function kindOf(value: unknown): Kind {
  if (typeof value === 'object') return value === null ? 'other' : kindOfObject(value);
  if (typeof value === 'number') return 'number';
  if (typeof value === 'bigint') return 'bigint';
  if (typeof value === 'boolean') return 'boolean';
  return typeof value === 'string' ? 'string' : 'other';
}

function kindOfObject(value: object): Kind {
  if (isTensor(value)) return 'tensor';
  if (ArrayBuffer.isView(value)) return value instanceof DataView ? 'other' : 'typed array';
  if (Array.isArray(value)) return 'list';
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? 'record' : 'other';
}

const at = (path: string): string => (path === '' ? '' : ` at sample${path}`);

function stackAll(path: string, samples: readonly Tensor[]): Tensor {
  const [first] = samples as readonly [Tensor];
  samples.forEach((sample, i) => {
    if (sample.shape.join() === first.shape.join()) return;
    throw new ShapeError(
      `collate: samples of a batch differ in shape${at(path)}: sample 0 is [${first.shape.join(', ')}], sample ${i} is [${sample.shape.join(', ')}]; pad them, or give the loader { collate }`,
      { op: 'collate', data: { shapes: [first.shape, sample.shape] } },
    );
  });
  return stack(samples);
}

function collateLists(path: string, samples: readonly (readonly unknown[])[]): unknown[] {
  const { length } = samples[0]!;
  samples.forEach((sample, i) => {
    if (sample.length === length) return;
    throw new DataError(
      `collate: samples of a batch differ in length${at(path)}: sample 0 has ${length} entries, sample ${i} has ${sample.length}`,
      { op: 'collate' },
    );
  });
  return Array.from({ length }, (_, k) =>
    collateAt(
      `${path}[${k}]`,
      samples.map((sample) => sample[k]),
    ),
  );
}

function collateRecords(path: string, samples: readonly Readonly<Record<string, unknown>>[]): object {
  const keys = Object.keys(samples[0]!);
  samples.forEach((sample, i) => {
    const absent = keys.find((key) => !Object.hasOwn(sample, key));
    if (absent === undefined && Object.keys(sample).length === keys.length) return;
    throw new DataError(
      `collate: samples of a batch differ in keys${at(path)}: sample 0 has ${keys.join(', ')}, sample ${i} has ${Object.keys(sample).join(', ')}`,
      { op: 'collate' },
    );
  });
  return Object.fromEntries(
    keys.map((key) => [
      key,
      collateAt(
        `${path}.${key}`,
        samples.map((sample) => sample[key]),
      ),
    ]),
  );
}

/** A batch with every tensor in it on a device. */
export function moveTo<B>(batch: B, device: Device): B {
  // The same structure comes back, with tensors in the place of tensors.
  return moved(batch, device) as B;
}

function moved(value: unknown, device: Device): unknown {
  switch (kindOf(value)) {
    case 'tensor':
      return (value as Tensor).to(device);
    case 'list':
      return (value as readonly unknown[]).map((item) => moved(item, device));
    case 'record':
      return Object.fromEntries(
        Object.entries(value as object).map(([key, item]) => [key, moved(item, device)]),
      );
    default:
      return value;
  }
}
