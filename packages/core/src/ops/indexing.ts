import { checkSameDType, checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { explainFault } from '../dispatch/faults.ts';
import { checkInPlace, copyInto } from '../dispatch/in-place.ts';
import type { Scalar } from '../dtype.ts';
import { ArgumentError, checkOptions, describe, ShapeError, showShape } from '../errors.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import type { Shape } from '../shape.ts';
import { add } from './arithmetic.ts';
import { expand } from './broadcast.ts';
import { cast, clone } from './copying.ts';
import { filled } from './filling.ts';
import { applyViews, type Indexed, type IndexItem } from './index-items.ts';
import { join, part, planOf } from './index-plan.ts';
import { countMask, rowOfEach } from './mask-places.ts';
import { alongLine, takeSlices } from './positions.ts';
import { readSync } from './reading.ts';
import { asShape, reshape } from './reshape.ts';
import { addAt, assignAt } from './scatter-at.ts';
import { slice } from './slice.ts';
import { where } from './where.ts';

/**
 * Part of a tensor, as PyTorch's `x[…]`; one item for each dimension, those left out taken whole.
 *
 * - a number takes one slice, counting from the end when negative; `slice(start, stop, step)` a part; `ELLIPSIS` all
 *   dimensions not named; `null` makes a new dimension. With these alone the result shares memory.
 * - arrays and tensors of integers take slices one by one, in a copy; several broadcast together, and where they do not
 *   stand side by side their dimensions come first
 * - a mask takes the elements where it is true, in a copy; how many is read on the host
 *
 * @throws {ShapeError} there are too many items, a number is out of range, or a mask does not fit.
 * @throws {DTypeError} an index tensor is neither of integers nor bool.
 * @throws {BackendError} a mask on a device that cannot be read without waiting; an integer of a tensor out of range.
 * @example index(tensor([[1, 2], [3, 4]]), slice(), 1) // tensor([2., 4.])
 * @example index(tensor([5, 6, 7]), [2, 0]) // tensor([7., 5.])
 */
export const index = composite('index', (x: Tensor, ...items: IndexItem[]): Tensor => {
  checkTensor('index', 'x', x);
  const indexed = applyViews('index', x, items);
  if (indexed.advanced.length === 0) return indexed.view === x ? asShape(x, x.shape) : indexed.view;
  const plan = planOf('index', indexed);
  const take = (): Tensor => takeSlices(join(indexed.view, plan), plan.dim, plan.line);
  return reshape(
    plan.isJoined ? explainFault('index', () => outOfRange(indexed), take) : take(),
    plan.result,
  );
});

const outOfRange = ({ view, advanced }: Indexed): string => {
  const dims = advanced.map(({ dim }) => `dim ${dim} of size ${view.shape[dim]}`);
  return `an index is out of range for ${dims.join(' or ')}`;
};

/** What an assignment writes: a value for the elements that are there, or more to add to them. */
type Write = 'replace' | 'accumulate';

/** `value` repeated to the shape of the indexed part; leading sizes of 1 too many are dropped. */
function fit(op: string, value: Tensor, shape: Shape): Tensor {
  let given = value;
  while (given.shape.length > shape.length && given.shape[0] === 1)
    given = reshape(given, given.shape.slice(1));
  const lead = shape.length - given.shape.length;
  if (lead < 0 || given.shape.some((size, i) => size !== 1 && size !== shape[lead + i])) {
    throw new ShapeError(
      `${op}: a value of shape ${showShape(value.shape)} does not fit the indexed part, ${showShape(shape)}`,
      { op },
    );
  }
  return expand(given, shape);
}

/** A copy of the indexed view with `value` written where the items say. Nothing is read on the host for a mask alone. */
function written(op: string, indexed: Indexed, value: Tensor, write: Write): Tensor {
  const { view, advanced } = indexed;
  const [only] = advanced;
  if (advanced.length === 1 && only!.mask !== null)
    return maskWritten(op, view, only!.mask, only!.dim, value, write);
  const plan = planOf(op, indexed);
  const joined = join(view, plan);
  const shape = joined.shape.with(plan.dim, plan.line.size);
  const source = reshape(fit(op, value, plan.result), shape);
  const change = write === 'accumulate' ? addAt : assignAt;
  const put = (): Tensor => change(joined, plan.dim, alongLine(plan.line, plan.dim, joined.shape), source);
  return part(plan.isJoined ? explainFault(op, () => outOfRange(indexed), put) : put(), plan, view.shape);
}

/**
 * Assignment through a mask: each true place takes its own row of `value`, found by counting the true places before it; a
 * value that is the same for all is taken as it is.
 */
function maskWritten(
  op: string,
  view: Tensor,
  mask: Tensor,
  dim: number,
  value: Tensor,
  write: Write,
): Tensor {
  const { shape } = view;
  const after = shape.slice(dim + mask.shape.length);
  const truths = reshape(mask, [...mask.shape, ...after.map(() => 1)]);
  const rowDim = value.shape.length - 1 - after.length;
  const rows = value.shape[rowDim] ?? 1;
  let source: Tensor;
  if (rowDim < 0) {
    source = value;
  } else if (rows === 1) {
    source = reshape(value, [
      ...value.shape.slice(0, rowDim),
      ...mask.shape.map(() => 1),
      ...value.shape.slice(rowDim + 1),
    ]);
  } else if (mask.size === 0 || rows === 0) {
    if (mask.size > 0) refuseTrue(op, mask);
    source = view;
  } else {
    const wrong = (): string => `the mask takes another number of places than the value has rows, ${rows}`;
    const taken = explainFault(op, wrong, () =>
      takeSlices(value, rowDim, rowOfEach(countMask(reshape(mask, [mask.size])), rows)),
    );
    source = reshape(taken, [
      ...value.shape.slice(0, rowDim),
      ...mask.shape,
      ...value.shape.slice(rowDim + 1),
    ]);
  }
  const whole = fit(op, source, shape);
  return where(truths, write === 'accumulate' ? add(view, whole) : whole, view);
}

/** Where the device can be read at once, refuses a mask that takes elements where the value has none. */
function refuseTrue(op: string, mask: Tensor): void {
  if (mask.entry.backend.readSync === undefined) return;
  const count = Number(readSync(op, countMask(reshape(mask, [mask.size])).total)[0]);
  if (count > 0)
    throw new ShapeError(`${op}: the mask takes ${count} places, and the value has no rows`, { op });
}

function asValue(op: string, x: Tensor, value: unknown): Tensor {
  if (isTensor(value)) return cast(value, x.dtype);
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return filled(x.entry, [], x.dtype, value);
  throw new ArgumentError(`${op}: the value must be a tensor or a number, got ${describe(value)}`, { op });
}

/**
 * Writes into a part of the tensor, in place: PyTorch's `x[items] = value`. The items are those of `index`; the value, a
 * number or a tensor, is converted to the dtype of `x` and repeated where it is smaller than the part. Gradients flow to
 * the value, and to `x` where it was not overwritten. A mask alone reads nothing on the host. Where positions repeat, one of
 * the values stays.
 *
 * @returns the tensor itself
 * @throws {ShapeError} the value does not fit the part; items as for `index`.
 * @throws {BackendError} a mask takes another number of elements than the value has; on some devices only when a value is read.
 * @example tensor([1, 2, 3]).set_([slice(1)], 0) // tensor([1., 0., 0.])
 */
export const set_ = composite(
  'set_',
  (x: Tensor, items: readonly IndexItem[], value: Tensor | Scalar): Tensor => {
    checkTensor('set_', 'x', x);
    if (!Array.isArray(items))
      throw new ArgumentError(
        `set_: the items come as an array, x.set_([0, slice()], value); got ${describe(items)}`,
        { op: 'set_' },
      );
    checkInPlace('set_', x);
    const given = asValue('set_', x, value);
    const indexed = applyViews('set_', x, items);
    const { view, advanced } = indexed;
    const source =
      advanced.length === 0 ? fit('set_', given, view.shape) : written('set_', indexed, given, 'replace');
    copyInto(view, source);
    return x;
  },
);

export interface IndexPutOptions {
  /** Adds to the elements instead of replacing them; where positions repeat, each time. Default false. */
  readonly accumulate?: boolean;
}

/**
 * `x` with `values` written at the places that `indices` name: one tensor of integers or mask for each dimension, null for
 * a dimension taken whole. A mask alone reads nothing on the host.
 *
 * - `values`: of the dtype of `x`, repeated where it is smaller than the indexed part
 *
 * @throws {ShapeError} `values` does not fit, or the indices do not broadcast together.
 * @throws {DTypeError} `values` has another dtype than `x`.
 * @throws {BackendError} an index is out of range; on some devices only when a value is read.
 * @example indexPut(zeros([3]), [tensor([0, 2], { dtype: 'int32' })], tensor([5, 6])) // tensor([5., 0., 6.])
 */
export const indexPut = composite(
  'indexPut',
  (x: Tensor, indices: readonly (Tensor | null)[], values: Tensor, options?: IndexPutOptions): Tensor => {
    checkTensor('indexPut', 'x', x);
    checkOptions('indexPut', options, ['accumulate']);
    if (!Array.isArray(indices))
      throw new ArgumentError(
        `indexPut: the indices come as an array, indexPut(x, [index], values); got ${describe(indices)}`,
        { op: 'indexPut' },
      );
    checkTensor('indexPut', 'values', values);
    checkSameDType('indexPut', 'values', values.dtype, x.dtype);
    const { advanced } = applyViews(
      'indexPut',
      x,
      indices.map((index) => index ?? slice()),
    );
    const write = options?.accumulate ? 'accumulate' : 'replace';
    if (advanced.length === 0) {
      const whole = fit('indexPut', values, x.shape);
      return write === 'accumulate' ? add(x, whole) : clone(whole);
    }
    // Here an index without dimensions broadcasts with the others.
    const together = advanced.map((item) => ({ ...item, isSingle: false }));
    return written('indexPut', { view: x, advanced: together }, values, write);
  },
  { inPlace: true },
);
