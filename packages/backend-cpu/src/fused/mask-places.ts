import type { FusedKernel } from '@flambeau/core/backend';
import type { Heap } from '../heap/heap.ts';
import { Code } from '../threads/code.ts';
import { maskPlacesModule } from '../wasm/mask-places.ts';
import { address, heapKernel } from './operands.ts';

/** Fewer elements are as soon handled by the operators that this one consists of. */
const LEAST_ELEMENTS = 64;

/** Where a line of truths is true. What they count up to is not read: they are looked through once. */
export function maskPlacesKernel(heap: Heap): FusedKernel {
  let code: Code | null = null;
  const kernel = heapKernel(
    heap,
    'maskPlaces',
    ({ mask }) => mask!.dtype === 'bool' && mask!.strides[0] === 1 && mask!.shape[0]! >= LEAST_ELEMENTS,
    ({ places }, { mask }, { room }) => {
      code ??= new Code(heap, maskPlacesModule(heap.shared));
      code.functions.places!(address(mask!), mask!.shape[0]!, address(places!), room as number);
    },
  );
  return { ...kernel, run: (outputs, { mask }, attrs) => kernel.run(outputs, { mask }, attrs) };
}
