import type { DType, Operand, RequiredKernels } from '@flambeau/core/backend';
import { arrayOf, KIND_OF, type TypedArray } from '../allocation.ts';
import type { Heap } from '../heap/heap.ts';
import { perKind } from '../policy.ts';
import { Odometer } from '../walk.ts';
import { keyBytes, keyFillers } from './keys.ts';
import { RadixSorter } from './radix.ts';

/** Which ranks of each line are wanted: the same of all, or that of a median, which a line's NaN decide. */
export interface LineRanks {
  readonly first: number;
  readonly last: number;
  readonly descending: boolean;
  readonly median?: 'median' | 'nanmedian' | undefined;
}

/** What orders short lines faster than a radix sort does. */
export interface LineSorter {
  takesLine(dtype: DType, count: number): boolean;
  /** Lines along the last dimension of `shape`: values and places. False, with nothing done, where memory is wanting. */
  order(shape: readonly number[], values: Operand, indices: Operand, x: Operand, ranks: LineRanks): boolean;
}

/** The `sort` kernel: stable either way; NaN counts as the largest. */
export function sortKernel(
  bySource: boolean,
  heap: Heap | null,
  short: LineSorter | null,
): RequiredKernels['sort'] {
  const moves = perKind(takeInOrder, bySource);
  const fillerFor = keyFillers(bySource);
  return (shape, values, indices, input, descending) => {
    const last = shape.length - 1;
    const count = shape[last]!;
    if (short?.takesLine(input.dtype, count)) {
      const ranks = { first: 0, last: count - 1, descending };
      if (short.order(shape, values, indices, input, ranks)) return;
    }
    const { high, wide } = keyBytes(input.dtype);
    const sorter = new RadixSorter(count, wide, heap);
    const fill = fillerFor(input);
    const take = moves(KIND_OF[input.dtype]);
    const y = arrayOf(values);
    const positions = arrayOf(indices);
    const x = arrayOf(input);
    const [yStep, iStep, xStep] = [values, indices, input].map((operand) => operand.strides[last]!) as [
      number,
      number,
      number,
    ];
    const rows = new Odometer(shape, last, [values, indices, input]);
    const { offsets } = rows;
    do {
      const [yAt, iAt, xAt] = offsets as [number, number, number];
      fill(sorter.keys, xAt, xStep, count);
      sorter.sort(count, high, descending);
      const { order } = sorter;
      take(y, yAt, yStep, x, xAt, xStep, order, count);
      for (let i = 0; i < count; i++) positions[iAt + i * iStep] = order[i]!;
    } while (rows.next());
    sorter.free();
  };
}

/** Elements by their positions. Self-contained: there is a copy for each class of arrays. */
export function takeInOrder(
  y: TypedArray,
  yStart: number,
  yStep: number,
  x: TypedArray,
  xStart: number,
  xStep: number,
  order: Int32Array,
  count: number,
): void {
  for (let i = 0; i < count; i++) y[yStart + i * yStep] = x[xStart + order[i]! * xStep]!;
}
