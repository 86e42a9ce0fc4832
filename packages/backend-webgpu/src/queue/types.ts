import type { GpuAllocation } from '../memory/allocation.ts';

/** A kernel's shader and how it is bound. Kernels make one for each case and keep it: the queue finds its pipeline by the object. */
export interface Shader {
  /** Names the shader in errors and profiles; shaders of one key have one source. */
  readonly key: string;
  /**
   * The storage buffers in order: the one at `i` is `@group(0) @binding(i)`. Each is bound whole, from its first byte,
   * so that offsets are the shader's to add.
   */
  readonly bindings: readonly ('read' | 'read_write')[];
  /** How many 32-bit words of uniforms it takes. The block is the binding after the buffers; with 0 there is none. */
  readonly words: number;
  readonly workgroupSize: readonly [number, number, number];
  source(): string;
}

/** Where a kernel reports an index out of range: what `Queue.faultSite` gives for a launch. */
export type FaultSite = number;

/** What kernels launch on. All work runs in the order of the calls. */
export interface Queue {
  /** How many buffers a shader binds at most. A number of our own, as asking a device for its limits takes longer than a launch. */
  readonly maxStorageBuffers: number;
  readonly features: ReadonlySet<string>;
  /** The adapter is a software rasteriser: its barriers are slow, and its caches are the CPU's. */
  readonly software: boolean;

  /**
   * Enqueues a launch. Buffers are read and written as they are when it runs; `uniforms` is read at the call.
   *
   * WebGPU refuses one buffer that is bound both to be read and to be written. Where an allocation appears as both, the
   * readers get a copy made before the launch; a kernel that wants to work in place binds the allocation once.
   *
   * @throws {BackendError} the device is lost.
   */
  dispatch(
    shader: Shader,
    buffers: readonly GpuAllocation[],
    uniforms: Uint32Array,
    workgroups: readonly [number, number, number],
  ): void;

  /**
   * Memory for the time of a kernel; content undefined. Give it back with `release` after enqueuing: work that is
   * enqueued later may use it again.
   * @throws {OutOfMemoryError}
   */
  workspace(byteLength: number): GpuAllocation;
  release(allocation: GpuAllocation): void;

  /** Copies bytes from any place to any other; the two must not overlap. */
  copy(
    source: GpuAllocation,
    sourceOffset: number,
    target: GpuAllocation,
    targetOffset: number,
    byteLength: number,
  ): void;

  /** Overwrites bytes of an allocation with those that `bytes` holds at the call, after what was enqueued before. */
  write(target: GpuAllocation, byteOffset: number, bytes: Uint8Array): void;

  /** Four words to which shaders report indices out of range: bind it `read_write` and see `faultSource`. */
  readonly faults: GpuAllocation;
  /**
   * A number by which a launch reports an index outside `0..size-1`; pass it in a uniform. The fault bears the name of the
   * operator that runs, or the kernel's where it is called by itself.
   */
  faultSite(kernel: string, size: number): FaultSite;
}
