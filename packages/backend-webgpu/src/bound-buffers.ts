import type { Operand } from '@flambeau/core/backend';
import type { GpuAllocation } from './memory/allocation.ts';
import type { Queue } from './queue/types.ts';
import { widthOf } from './wgsl/types.ts';

/** Core hands back what `allocate` made. */
export const own = (operand: Operand): GpuAllocation => operand.allocation as GpuAllocation;

/** Which binding serves each operand. */
export interface BoundBuffers {
  /** The buffers in the order of their bindings. */
  readonly buffers: readonly GpuAllocation[];
  /** For each input, its binding. */
  readonly slots: readonly number[];
  /** For each input, where it begins in its buffer, in elements. */
  readonly offsets: readonly number[];
  /** Copies to be released after the launch. */
  readonly copies: readonly GpuAllocation[];
}

const NONE: readonly GpuAllocation[] = [];

/**
 * Bindings for operands: `first` are bound as they stand, one each; an input in a buffer that is bound already shares
 * its binding. A device has few bindings (8 at least): what finds no place is copied side by side into one buffer.
 */
export function boundBuffers(
  queue: Queue,
  first: readonly GpuAllocation[],
  inputs: readonly Operand[],
  /** Whether an input may share the binding of one of `first`; where it must not, the queue copies. */
  sharesFirst: boolean,
): BoundBuffers {
  const { maxStorageBuffers } = queue;
  const slots = new Array<number>(inputs.length);
  const offsets = new Array<number>(inputs.length);
  let count = first.length;
  for (let k = 0; k < inputs.length; k++) {
    const input = inputs[k]!;
    slots[k] = slotOf(k, first, inputs, slots, sharesFirst) ?? count++;
    offsets[k] = input.offset;
  }
  // Of the right length at once: what `push` takes in reserve would be most of a launch's garbage.
  const buffers = new Array<GpuAllocation>(count);
  for (let i = 0; i < first.length; i++) buffers[i] = first[i]!;
  for (let k = 0; k < inputs.length; k++) if (slots[k]! >= first.length) buffers[slots[k]!] = own(inputs[k]!);
  if (count <= maxStorageBuffers) return { buffers, slots, offsets, copies: NONE };
  return gathered(queue, buffers, maxStorageBuffers, inputs, slots, offsets);
}

/** The binding that input `k` shares with one of `first` or with an input before it; undefined where it needs its own. */
function slotOf(
  k: number,
  first: readonly GpuAllocation[],
  inputs: readonly Operand[],
  slots: readonly number[],
  sharesFirst: boolean,
): number | undefined {
  const { block } = own(inputs[k]!);
  if (sharesFirst) for (let i = 0; i < first.length; i++) if (first[i]!.block === block) return i;
  for (let j = 0; j < k; j++) if (own(inputs[j]!).block === block) return slots[j]!;
  return undefined;
}

function gathered(
  queue: Queue,
  buffers: readonly GpuAllocation[],
  most: number,
  inputs: readonly Operand[],
  slots: number[],
  offsets: number[],
): BoundBuffers {
  const kept = buffers.slice(0, most - 1);
  const moved = buffers.slice(most - 1);
  const starts: number[] = [];
  let byteLength = 0;
  for (const { byteLength: own } of moved) {
    starts.push(byteLength);
    byteLength += Math.ceil(own / 16) * 16;
  }
  const copy = queue.workspace(byteLength);
  for (const [i, allocation] of moved.entries())
    queue.copy(allocation, 0, copy, starts[i]!, Math.ceil(allocation.byteLength / 4) * 4);
  for (const [k, input] of inputs.entries()) {
    const place = slots[k]! - kept.length;
    if (place < 0) continue;
    slots[k] = kept.length;
    offsets[k] = offsets[k]! + (starts[place]! * 8) / widthOf(input.dtype);
  }
  return { buffers: [...kept, copy], slots, offsets, copies: [copy] };
}

/** Gives back the copies after the launch. */
export function releaseCopies(queue: Queue, { copies }: BoundBuffers): void {
  for (const copy of copies) queue.release(copy);
}
