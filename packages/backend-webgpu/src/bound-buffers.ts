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
  const most = queue.limits.maxStorageBuffersPerShaderStage;
  const buffers = first.slice();
  const slots = new Array<number>(inputs.length);
  const offsets = new Array<number>(inputs.length);
  const begin = sharesFirst ? 0 : first.length;
  for (let k = 0; k < inputs.length; k++) {
    const input = inputs[k]!;
    const allocation = own(input);
    let slot = begin;
    while (slot < buffers.length && buffers[slot]!.block !== allocation.block) slot++;
    if (slot === buffers.length) buffers.push(allocation);
    slots[k] = slot;
    offsets[k] = input.offset;
  }
  if (buffers.length <= most) return { buffers, slots, offsets, copies: NONE };
  return gathered(queue, buffers, most, inputs, slots, offsets);
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
