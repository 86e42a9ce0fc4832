import {
  type FusedKernel,
  isFloating,
  type OptionalKernels,
  type TensorOperand,
} from '@flambeau/core/backend';
import { arrayOf, KIND_OF } from '../allocation.ts';
import type { Heap } from '../heap/heap.ts';
import { perKind } from '../policy.ts';
import { keyFillers } from '../sort/keys.ts';
import { RadixSelector } from '../sort/select.ts';
import { type LineRanks, takeInOrder } from '../sort/sort.ts';
import { Odometer } from '../walk.ts';
import type { WasmSelection } from '../wasm/select.ts';
import { type Attrs, dimLast, type Operands } from './operands.ts';

/** Lines shorter than this are as soon sorted. */
const LEAST_LENGTH = 64;

/** Up to here all elements are as soon ranked as some are selected. */
const MOST_RANKED = 96;

/** Which ranks are asked for, of a line of `count` elements whose keys are filled in. */
type Choice = (attrs: Attrs, count: number, nans: () => number) => readonly [first: number, last: number];

/**
 * Elements by their rank along a dimension, with their places: `topk`, `kthvalue` and medians. Only what lies between
 * the ranks is sorted.
 */
export function selectionKernels(
  bySource: boolean,
  heap: Heap | null,
  loops: WasmSelection | null,
): OptionalKernels {
  const takes = perKind(takeInOrder, bySource);
  const fillerFor = keyFillers(bySource);
  const takesLine = ({ shape, dtype }: TensorOperand, dim: number): boolean => {
    const length = shape[dim] ?? 0;
    return length <= MOST_RANKED && loops !== null && loops.takesLine(dtype, length);
  };
  const kernel = (choose: Choice, medianOf: (attrs: Attrs) => LineRanks['median']): FusedKernel['run'] => {
    return (outputs, inputs, attrs) => {
      const [values, indices, x] = [outputs.values!, outputs.indices!, inputs.x!].map((operand) =>
        dimLast(operand, attrs.dim as number),
      ) as [TensorOperand, TensorOperand, TensorOperand];
      const last = x.shape.length - 1;
      const count = x.shape[last]!;
      const descending = attrs.descending === true;
      if (loops !== null && takesLine(x, last)) {
        const [from, to] = choose(attrs, count, () => 0);
        const median = isFloating(x.dtype) ? medianOf(attrs) : undefined;
        if (loops.order(x.shape, values, indices, x, { first: from, last: to, descending, median })) return;
      }
      const selector = new RadixSelector(count, x, heap, loops);
      const fill = selector.filler(x) ?? fillerFor(x);
      const take = takes(KIND_OF[x.dtype]);
      const [y, places, elements] = [arrayOf(values), arrayOf(indices), arrayOf(x)];
      const [yStep, placeStep, xStep] = [values, indices, x].map(({ strides }) => strides[last]!) as [
        number,
        number,
        number,
      ];
      const nans = (): number => (isFloating(x.dtype) ? selector.countLargest(count) : 0);
      const lines = new Odometer(x.shape, last, [values, indices, x]);
      do {
        const [yAt, placeAt, xAt] = lines.offsets as [number, number, number];
        fill(selector.keys, xAt, xStep, count);
        const positions = selector.select(count, ...choose(attrs, count, nans), descending);
        take(y, yAt, yStep, elements, xAt, xStep, positions, positions.length);
        for (let i = 0; i < positions.length; i++) places[placeAt + i * placeStep] = positions[i]!;
      } while (lines.next());
      selector.free();
    };
  };
  const isShort = ({ x }: Operands, { dim }: Attrs): boolean =>
    !x!.shape.includes(0) && takesLine(x!, dim as number);
  const isLong = ({ x }: Operands, { dim }: Attrs): boolean =>
    !x!.shape.includes(0) && (x!.shape[dim as number] ?? 0) >= LEAST_LENGTH;
  return {
    rankedAlong: {
      when: (inputs, attrs) => {
        const count = attrs.count as number;
        if (count === 0) return false;
        if (isShort(inputs, attrs)) return true;
        return isLong(inputs, attrs) && 2 * count <= inputs.x!.shape[attrs.dim as number]!;
      },
      run: kernel(
        ({ start, count }) => [start as number, (start as number) + (count as number) - 1],
        () => undefined,
      ),
    },
    medianAlong: {
      when: (inputs, attrs) => isShort(inputs, attrs) || isLong(inputs, attrs),
      run: kernel(
        ({ op }, count, nansOf) => {
          const nans = nansOf();
          const numbers = count - nans;
          const rank = op === 'median' && nans > 0 ? numbers : Math.max(numbers - 1, 0) >> 1;
          return [rank, rank];
        },
        ({ op }) => op as LineRanks['median'],
      ),
    },
  };
}
