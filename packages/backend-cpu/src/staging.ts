import type { Operand } from '@flambeau/core/backend';
import { type CpuAllocation, copyBytes, HeapAllocation, IN_HEAP, SMALL_BYTES } from './allocation.ts';
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

/** Where copies of small tensors lie: made once for each heap, as the way into the heap is short for what is small. */
const slots = new WeakMap<Heap, HeapAllocation[]>();

interface Copy {
  readonly source: CpuAllocation;
  readonly copy: HeapAllocation;
}

/** Memory of the heap for a copy; null where it has no room. */
function copyOf(heap: Heap, { byteLength }: CpuAllocation): HeapAllocation | null {
  const slot = byteLength <= SMALL_BYTES ? slots.get(heap)?.pop() : undefined;
  if (slot !== undefined) return slot;
  const size = Math.max(byteLength, SMALL_BYTES);
  const address = heap.allocateWorkspace(size);
  return address === 0 ? null : new HeapAllocation(size, heap, address);
}

function giveBack(heap: Heap, copy: HeapAllocation): void {
  if (copy.byteLength > SMALL_BYTES) {
    heap.free(copy.address, copy.byteLength);
    return;
  }
  const waiting = slots.get(heap);
  if (waiting === undefined) slots.set(heap, [copy]);
  else waiting.push(copy);
}

function find(copies: readonly Copy[], allocation: CpuAllocation): HeapAllocation | null {
  for (const { source, copy } of copies) if (source === allocation) return copy;
  return null;
}

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
  const copies: Copy[] = [];
  const stage = (operand: Operand): boolean => {
    const source = allocationOf(operand);
    if (source.kind === IN_HEAP || find(copies, source) !== null) return true;
    const copy = copyOf(heap, source);
    if (copy === null) return false;
    copies.push({ source, copy });
    copyBytes(source, 0, copy, 0, source.byteLength);
    return true;
  };
  const place = (operand: Operand): Operand => {
    const { dtype, offset, strides } = operand;
    const copy = find(copies, allocationOf(operand));
    return copy === null ? operand : { allocation: copy, dtype, offset, strides };
  };
  try {
    if (!inputs.every(stage) || !outputs.every(stage)) return false;
    run(outputs.map(place), inputs.map(place));
    for (const output of outputs) {
      const target = allocationOf(output);
      const copy = find(copies, target);
      if (copy !== null) copyBytes(copy, 0, target, 0, target.byteLength);
    }
    return true;
  } finally {
    for (const { copy } of copies) giveBack(heap, copy);
  }
}
