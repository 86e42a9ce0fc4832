import { checkIndex, checkInteger, checkTensor } from '../dispatch/checks.ts';
import { composite, type Declared, pointwise } from '../dispatch/declare.ts';
import { ArgumentError, checkOptions } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { checkShape, contiguousStrides } from '../shape.ts';
import { scope, unscoped } from '../storage/scope.ts';
import { ne } from './comparison.ts';
import { filled } from './filling.ts';
import { stack } from './joining.ts';
import { countMask, placesIn } from './mask-places.ts';
import { read, readSync } from './reading.ts';
import { reshape } from './reshape.ts';
import { sliceView } from './slicing.ts';

export interface NonzeroOptions {
  /** A tensor of indices for each dimension, instead of one with a row for each element. */
  readonly asTuple?: boolean;
}

const coordinate = pointwise(
  'coordinate',
  (place, { stride, size, none }) => place.lt(0).select(none, place.floorDiv(stride).mod(size)),
  {
    params: { stride: 1, size: 1, none: -1 },
  },
);

/** The indices along each dimension of places in row-major order; `none` for a negative place. */
export function coordinates(places: Tensor, shape: readonly number[], none = -1): Tensor[] {
  const strides = contiguousStrides(shape);
  return shape.map((size, dim) => coordinate(places, { stride: strides[dim]!, size, none }));
}

const rows = (places: Tensor, shape: readonly number[], none?: number): Tensor =>
  shape.length === 0
    ? filled(places.entry, [places.size, 0], 'int32', 0)
    : stack(coordinates(places, shape, none), 1);

/** As PyTorch has it, a tensor without dimensions counts as a line of one when a tuple is wanted. */
const arranged = (places: Tensor, x: Tensor, asTuple: boolean): Tensor | Tensor[] =>
  asTuple ? coordinates(places, x.shape.length === 0 ? [1] : x.shape) : rows(places, x.shape);

const truthsOf = (x: Tensor): Tensor => reshape(x.dtype === 'bool' ? x : ne(x, 0), [x.size]);

function check(op: string, x: Tensor, options: NonzeroOptions | undefined): boolean {
  checkTensor(op, 'x', x);
  checkOptions(op, options, ['asTuple']);
  return options?.asTuple ?? false;
}

const none = (x: Tensor): Tensor => filled(x.entry, [0], 'int32', 0);

/**
 * The indices of all elements that are not 0, in row-major order. It waits for the device, because the values decide the
 * size.
 *
 * - returns: int32 `[count, rank]`; with `asTuple` a list of `[count]` for each dimension, which can index `x`
 *
 * @example await nonzero(tensor([[0, 1], [2, 0]])) // tensor([[0, 1], [1, 0]])
 */
export function nonzero(x: Tensor, options?: NonzeroOptions & { readonly asTuple?: false }): Promise<Tensor>;
export function nonzero(x: Tensor, options: NonzeroOptions & { readonly asTuple: true }): Promise<Tensor[]>;
export function nonzero(x: Tensor, options: NonzeroOptions): Promise<Tensor | Tensor[]>;
export async function nonzero(x: Tensor, options?: NonzeroOptions): Promise<Tensor | Tensor[]> {
  const asTuple = check('nonzero', x, options);
  if (x.size === 0) return scope(() => arranged(none(x), x, asTuple));
  const { places, total } = unscoped(() =>
    scope(() => {
      const count = countMask(truthsOf(x));
      return { places: placesIn(count, x.size), total: count.total };
    }),
  );
  const count = Number((await read('nonzero', total))[0]);
  const result = scope(() => arranged(sliceView(places, 0, 0, count, 1), x, asTuple));
  places.dispose();
  total.dispose();
  return result;
}

export interface NonzeroSync extends Declared {
  (x: Tensor, options?: NonzeroOptions & { readonly asTuple?: false }): Tensor;
  (x: Tensor, options: NonzeroOptions & { readonly asTuple: true }): Tensor[];
  (x: Tensor, options: NonzeroOptions): Tensor | Tensor[];
}

/**
 * `nonzero` without waiting.
 *
 * @throws {BackendError} the device cannot be read synchronously.
 */
export const nonzeroSync = composite(
  'nonzeroSync',
  (x: Tensor, options?: NonzeroOptions): Tensor | Tensor[] => {
    const asTuple = check('nonzeroSync', x, options);
    if (x.size === 0) return arranged(none(x), x, asTuple);
    const count = countMask(truthsOf(x));
    const length = Number(readSync('nonzeroSync', count.total)[0]);
    return arranged(placesIn(count, length), x, asTuple);
  },
) as unknown as NonzeroSync; // The overloads say which of the two comes back.

/** `nonzero`, under NumPy's name: int32 `[count, rank]`. */
export const argwhere = (x: Tensor): Promise<Tensor> => nonzero(x);

export interface NonzeroStaticOptions {
  /** How many rows the result has. */
  readonly size: number;
  /** What rows hold for which there is no element. Default -1. */
  readonly fillValue?: number;
}

/**
 * The indices of the first `size` elements that are not 0; nothing is read on the host.
 *
 * - returns: int32 `[size, rank]`
 *
 * @throws {ArgumentError} `size` is no integer of 0 or more.
 * @example nonzeroStatic(tensor([0, 3]), { size: 2 }) // tensor([[ 1], [-1]])
 */
export const nonzeroStatic = composite(
  'nonzeroStatic',
  (x: Tensor, options: NonzeroStaticOptions): Tensor => {
    checkTensor('nonzeroStatic', 'x', x);
    checkOptions('nonzeroStatic', options, ['size', 'fillValue']);
    const { size, fillValue = -1 } = options ?? {};
    checkInteger('nonzeroStatic', 'size', size);
    checkInteger('nonzeroStatic', 'fillValue', fillValue);
    if (size < 0)
      throw new ArgumentError(`nonzeroStatic: size must be 0 or more, got ${size}`, { op: 'nonzeroStatic' });
    if (x.size === 0 || size === 0) return filled(x.entry, [size, x.shape.length], 'int32', fillValue);
    return rows(placesIn(countMask(truthsOf(x)), size), x.shape, fillValue);
  },
);

/**
 * Positions in row-major order as indices along each dimension of `shape`, which can index a tensor of that shape.
 *
 * - `indices`: int32 or int64 of any shape
 * - returns: for each dimension a tensor of the shape and dtype of `indices`
 *
 * @throws {ShapeError} `shape` holds a size that is negative or no integer.
 * @example unravelIndex(tensor([5, 2], { dtype: 'int32' }), [2, 3]).map((x) => x.toArraySync()) // [[1, 0], [2, 2]]
 */
export const unravelIndex = composite(
  'unravelIndex',
  (indices: Tensor, shape: readonly number[]): Tensor[] => {
    checkIndex('unravelIndex', 'indices', indices);
    checkShape('unravelIndex', shape);
    return coordinates(indices, shape);
  },
);
