import type { Allocation } from '@flambeau/core/backend';

/** A buffer of the device, with what the pool and the queue know of it. */
export interface Block {
  readonly buffer: GPUBuffer;
  /** Bytes of the buffer: what was asked for, rounded up to the pool's class. */
  readonly size: number;
  /** Dense from 0 within a backend. */
  readonly id: number;
  /** The last batch of commands that names the buffer. */
  batch: number;
  /** Whether somebody else made the buffer and will destroy it. */
  readonly foreign: boolean;
}

/** Memory on a WebGPU device: a buffer, used from its first byte. */
export interface GpuAllocation extends Allocation {
  readonly block: Block;
}
