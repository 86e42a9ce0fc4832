import { composite, pointwise } from '../dispatch/declare.ts';
import type { Tensor } from '../graph/tensor.ts';
import { cumsum } from './cumulative.ts';
import { filled } from './filling.ts';
import { counting } from './positions.ts';
import { assignAt } from './scatter-at.ts';
import { select, sliceView } from './slicing.ts';

/** Where each true element of a mask goes, the others into one place behind. */
const placeOf = pointwise(
  'maskPlace',
  (running, mask, { dump }) => mask.ne(0).and(running.le(dump)).select(running.sub(1), dump),
  { params: { dump: 0 }, promoted: [true, false] },
);

/** The true elements of a line of truths, counted on the device. */
export interface MaskCount {
  readonly mask: Tensor;
  /** How many of the elements up to each place are true: int32 `[n]`. */
  readonly running: Tensor;
  /** How many are true: int32 `[]`. */
  readonly total: Tensor;
}

/** Counts a line of one or more truths. */
export function countMask(mask: Tensor): MaskCount {
  const running = cumsum(mask, 0, { dtype: 'int32' });
  return { mask, running, total: select(running, 0, mask.size - 1) };
}

const maskPlaces = composite('maskPlaces', {
  infer: (mask: Tensor, running: Tensor, room: number) => ({
    inputs: { mask, running },
    attrs: { room },
    outputs: { places: { shape: [room], dtype: 'int32' as const } },
  }),
  decompose({ mask, running }, { room }) {
    const places = filled(mask.entry, [room + 1], 'int32', -1);
    const to = placeOf(running, mask, { dump: room });
    return sliceView(assignAt(places, 0, to, counting(mask.entry, mask.size, {})), 0, 0, room, 1);
  },
});

/** The positions of the first `room` true elements, in order: int32 `[room]`, -1 behind the last. */
export const placesIn = ({ mask, running }: MaskCount, room: number): Tensor =>
  maskPlaces(mask, running, room);

const rowOf = pointwise(
  'maskRow',
  (running, total, { rows }) => total.eq(rows).select(running.sub(1).max(0), -1),
  { params: { rows: 0 } },
);

/**
 * For each element of a mask, which of `rows` values it takes: the first true one takes the first. Unless as many are
 * true as there are rows the indices are out of range, which the kernel reports.
 */
export const rowOfEach = ({ running, total }: MaskCount, rows: number): Tensor =>
  rowOf(running, total, { rows });
