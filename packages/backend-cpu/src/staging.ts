import type { Operand } from '@flambeau/core/backend';
import { type CpuAllocation, copyBytes, HeapAllocation, IN_HEAP } from './allocation.ts';
import type { Heap } from './heap/heap.ts';

const allocationOf = (operand: Operand): CpuAllocation =>
  // Core hands back what `allocate` made.
  operand.allocation as CpuAllocation;

/** Whether an operand lies in the heap. */
export const inHeap = (operand: Operand): boolean => allocationOf(operand).kind === IN_HEAP;

/** Whether all operands of a kernel lie in the heap. */
export function allInHeap(output: Operand, inputs: readonly Operand[]): boolean {
  if (!inHeap(output)) return false;
  for (const input of inputs) if (!inHeap(input)) return false;
  return true;
}

/** The address of an operand's first byte, for one that lies in the heap. `elementBytes` is its dtype's size. */
export const addressOf = (operand: Operand, elementBytes: number): number =>
  (operand.allocation as HeapAllocation).address + operand.offset * elementBytes;

/**
 * Runs a kernel that reaches its operands by address, with copies in the heap of those that lie in typed arrays:
 * small tensors beside large ones, and what was spilled. False, with nothing done, where the heap has no room.
 */
export function staged(
  heap: Heap,
  outputs: readonly Operand[],
  inputs: readonly Operand[],
  run: (outputs: readonly Operand[], inputs: readonly Operand[]) => void,
): boolean {
  const copies = new Map<CpuAllocation, HeapAllocation>();
  try {
    for (const operand of [...inputs, ...outputs]) {
      const source = allocationOf(operand);
      if (source instanceof HeapAllocation || copies.has(source)) continue;
      const address = heap.allocateWorkspace(source.byteLength);
      if (address === 0) return false;
      const copy = new HeapAllocation(source.byteLength, heap, address);
      copies.set(source, copy);
      copyBytes(source, 0, copy, 0, source.byteLength);
    }
    const place = (operand: Operand): Operand => {
      const copy = copies.get(allocationOf(operand));
      return copy === undefined ? operand : { ...operand, allocation: copy };
    };
    run(outputs.map(place), inputs.map(place));
    for (const output of outputs) {
      const target = allocationOf(output);
      const copy = copies.get(target);
      if (copy !== undefined) copyBytes(copy, 0, target, 0, target.byteLength);
    }
    return true;
  } finally {
    for (const { address, byteLength } of copies.values()) heap.free(address, byteLength);
  }
}
