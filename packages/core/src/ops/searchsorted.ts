import { checkIndex, checkSameDType, checkTensor } from '../dispatch/checks.ts';
import { composite, pointwise } from '../dispatch/declare.ts';
import type { Scalar } from '../dtype.ts';
import { ArgumentError, checkOptions, describe, ShapeError, showShape } from '../errors.ts';
import { withRecording } from '../graph/mode.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { sameShape } from '../shape.ts';

import { filled } from './filling.ts';
import { gather } from './gather.ts';
import { reshape } from './reshape.ts';

export interface SearchsortedOptions {
  /** PyTorch's choice of int32 indices; they are int32 in any case. */
  readonly outInt32?: boolean;
  /** Behind equal values instead of before them. Default false. */
  readonly right?: boolean;
  /** `left` or `right`, instead of `right: false` or `true`. */
  readonly side?: 'left' | 'right' | null;
  /** Indices that sort the sequence along its last dimension. */
  readonly sorter?: Tensor | null;
}

const middle = pointwise('middle', (low, high) => low.add(high).floorDiv(2));
const inRange = pointwise('inRange', (place, { last }) => place.min(last), { params: { last: 0 } });
/** Whether the place lies behind an element: 1 or 0. NaN counts as the largest value. */
const isBefore = pointwise(
  'isBefore',
  (element, value) => element.ge(value).or(element.isnan()).select(0, 1),
  { output: 'int32' },
);
const isUpTo = pointwise(
  'isUpTo',
  (element, value) => element.gt(value).or(element.isnan().and(value.isnan().not())).select(0, 1),
  { output: 'int32' },
);
const raise = pointwise('raiseLow', (low, mid, goes) => goes.ne(0).select(mid.add(1), low));
const lower = pointwise('lowerHigh', (high, mid, goes) => goes.ne(0).select(high, mid));
const goesOn = pointwise('whileOpen', (low, high, goes) => low.lt(high).and(goes.ne(0)).select(1, 0));

/** A binary search for all values at once: a round for each bit of the sequence's length. */
function search(sequence: Tensor, values: Tensor, right: boolean): Tensor {
  const length = sequence.shape.at(-1)!;
  const dim = values.shape.length - 1;
  let low = filled(values.entry, values.shape, 'int32', 0);
  if (length === 0) return low;
  let high = filled(values.entry, values.shape, 'int32', length);
  for (let reach = length; reach > 0; reach = Math.floor(reach / 2)) {
    const mid = middle(low, high);
    const element = gather(sequence, dim, inRange(mid, { last: length - 1 }));
    const goes = goesOn(low, high, right ? isUpTo(element, values) : isBefore(element, values));
    [low, high] = [raise(low, mid, goes), lower(high, mid, goes)];
  }
  return low;
}

function isRight(op: string, options: Pick<SearchsortedOptions, 'right' | 'side'> | undefined): boolean {
  const side = options?.side ?? null;
  if (side !== null && side !== 'left' && side !== 'right')
    throw new ArgumentError(`${op}: side must be 'left' or 'right', got ${describe(side)}`, { op });
  if (side === 'left' && options?.right)
    throw new ArgumentError(`${op}: side 'left' and right: true contradict each other`, { op });
  return side === 'right' || (options?.right ?? false);
}

const asValues = (op: string, sequence: Tensor, values: Tensor | Scalar): Tensor => {
  if (isTensor(values)) {
    checkSameDType(op, 'the value', values.dtype, sequence.dtype, 'the sequence');
    return values;
  }
  if (typeof values !== 'number' && typeof values !== 'boolean' && typeof values !== 'bigint') {
    throw new ArgumentError(`${op}: the values must be a tensor or a number, got ${describe(values)}`, {
      op,
    });
  }
  return filled(sequence.entry, [], sequence.dtype, values);
};

/**
 * Where each value belongs in a rising sequence: the first place whose element is not below it, or with `right` the
 * first whose element is above it.
 *
 * - `sortedSequence`: `[..., n]`, rising along the last dimension, or `[n]` for all values
 * - `values`: `[..., m]`, or of any shape where the sequence is `[n]`; of the sequence's dtype
 * - returns: int32 of the values' shape, `0..n`
 *
 * @throws {ShapeError} the leading dimensions differ.
 * @example searchsorted(tensor([1, 3, 5]), tensor([3, 4])) // tensor([1, 2])
 */
export const searchsorted = composite(
  'searchsorted',
  (sortedSequence: Tensor, values: Tensor | Scalar, options?: SearchsortedOptions): Tensor => {
    checkTensor('searchsorted', 'sortedSequence', sortedSequence);
    checkOptions('searchsorted', options, ['outInt32', 'right', 'side', 'sorter']);
    const right = isRight('searchsorted', options);
    const wanted = asValues('searchsorted', sortedSequence, values);
    return withRecording(false, () =>
      searched('searchsorted', inOrder(sortedSequence, options?.sorter ?? null), wanted, right),
    );
  },
);

function inOrder(sequence: Tensor, sorter: Tensor | null): Tensor {
  if (sorter === null) return sequence;
  checkIndex('searchsorted', 'sorter', sorter);
  if (!sameShape(sorter.shape, sequence.shape))
    throw new ShapeError(
      `searchsorted: sorter ${showShape(sorter.shape)} must have the shape of the sequence, ${showShape(sequence.shape)}`,
      { op: 'searchsorted' },
    );
  return gather(sequence, sequence.shape.length - 1, sorter);
}

function searched(op: string, sequence: Tensor, values: Tensor, right: boolean): Tensor {
  const { shape } = sequence;
  if (shape.length === 0)
    throw new ShapeError(`${op}: the sequence must have a dimension or more, got []`, { op });
  if (shape.length === 1)
    return reshape(search(sequence, reshape(values, [values.size]), right), values.shape);
  if (values.shape.length !== shape.length || !sameShape(values.shape.slice(0, -1), shape.slice(0, -1))) {
    throw new ShapeError(
      `${op}: values ${showShape(values.shape)} and sequence ${showShape(shape)} must agree in all dimensions but the last`,
      { op },
    );
  }
  return search(sequence, values, right);
}

export type BucketizeOptions = Pick<SearchsortedOptions, 'outInt32' | 'right'>;

/**
 * Which bucket between rising boundaries each value falls into: `boundaries[i-1] < value <= boundaries[i]`, or with `right`
 * `boundaries[i-1] <= value < boundaries[i]`.
 *
 * - `boundaries`: `[n]`, of the dtype of the values
 * - returns: int32 of the values' shape, `0..n`
 *
 * @throws {ShapeError} `boundaries` has not one dimension.
 * @example bucketize(tensor([2, 5]), tensor([1, 3])) // tensor([1, 2])
 */
export const bucketize = composite(
  'bucketize',
  (x: Tensor | Scalar, boundaries: Tensor, options?: BucketizeOptions): Tensor => {
    checkTensor('bucketize', 'boundaries', boundaries);
    checkOptions('bucketize', options, ['outInt32', 'right']);
    if (boundaries.shape.length !== 1)
      throw new ShapeError(
        `bucketize: boundaries must have one dimension, got ${showShape(boundaries.shape)}`,
        { op: 'bucketize' },
      );
    const values = asValues('bucketize', boundaries, x);
    return withRecording(false, () => searched('bucketize', boundaries, values, options?.right ?? false));
  },
);
