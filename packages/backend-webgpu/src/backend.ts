import {
  type Allocation,
  adoptAllocation,
  BACKEND_DTYPES,
  type Backend,
  BackendError,
  byteLengthOf,
  type DType,
  type Kernels,
  type Tensor,
} from '@flambeau/core/backend';
import { patiently } from '#host';
import { acquireDevice, type DeviceOptions } from './device/acquire.ts';
import { USAGE } from './device/flags.ts';
import { kernelsOf } from './kernels.ts';
import type { GpuAllocation } from './memory/allocation.ts';
import type { MemoryAccount } from './memory/pool.ts';
import type { ProfileEntry } from './queue/profiler.ts';
import { CommandQueue } from './queue/queue.ts';

export interface WebGpuOptions extends DeviceOptions {
  /** The device's name among flambeau's; another one, such as `webgpu:1`, makes a second device. Default `webgpu`. */
  readonly name?: string;
  /** The most that the backend's buffers may hold, in bytes. Default: what the device has. */
  readonly memoryLimit?: number;
  /** The most that is kept of buffers that nobody uses. Default 128 MiB. */
  readonly pooledLimit?: number;
}

/** The WebGPU backend, and what an application may ask of it besides. */
export interface WebGpuBackend extends Backend {
  /** The device on which it runs, for rendering code that shares it. */
  readonly gpuDevice: GPUDevice;
  readonly features: ReadonlySet<string>;
  /** Whether the adapter is a software rasteriser. */
  readonly software: boolean;
  /** What its buffers hold. */
  readonly memory: MemoryAccount;
  /**
   * A tensor over a buffer of `gpuDevice` that the page has made: both see each other's writes. The page keeps the buffer
   * alive, and destroys it when the tensor is gone.
   *
   * - returns: `shape` of `dtype`, in row-major order from the first byte
   *
   * @throws {BackendError} the buffer lacks a usage, or its size is no multiple of 16.
   * @throws {ShapeError} it is too small. @throws {DeviceError} the backend is not registered.
   */
  fromGPUBuffer(
    buffer: GPUBuffer,
    layout: { readonly dtype: DType; readonly shape: readonly number[] },
  ): Tensor;
  /**
   * The buffer in which a tensor of this backend lies, for rendering code. What was enqueued is submitted first, so that
   * commands that the page submits next find its values. Keep the tensor until they are done.
   *
   * @throws {BackendError} the tensor lies on another device.
   */
  gpuBuffer(tensor: Tensor): TensorBuffer;
  /** Submits what was enqueued, so that commands that the page submits next come after it. */
  flush(): void;
  /** Destroys buffers that are kept for later. */
  trim(): void;
  /**
   * What each shader takes by the device's own clock while `body` runs, the longest first.
   * @throws {BackendError} the device has no `timestamp-query`.
   */
  profile(body: () => void | Promise<void>): Promise<ProfileEntry[]>;
  /** Lets go of the device; one that the page gave stays alive. Tensors on it are gone. */
  destroy(): void;
}

/** Where a tensor lies. */
export interface TensorBuffer {
  readonly buffer: GPUBuffer;
  /** Of the first element. */
  readonly byteOffset: number;
  /** In elements. */
  readonly strides: readonly number[];
}

/** Shaders have no types of 64 bits. */
const DTYPES = BACKEND_DTYPES.filter((dtype) => byteLengthOf(dtype) <= 4);

const MIB = 2 ** 20;
/** What a buffer takes on the host, in Dawn and the driver: 2 to 7 KiB were measured. */
const BUFFER_OVERHEAD = 8192;

/** Core hands back what `allocate` made. */
const own = (allocation: Allocation): GpuAllocation => allocation as GpuAllocation;

/**
 * The WebGPU backend: in browsers, and in Node through the npm package `webgpu`. It asks the adapter for all of its
 * limits and for `shader-f16`, `subgroups` and `timestamp-query`; `name` and `features` say what it got.
 *
 * - dtypes: float32 float16 bfloat16 int32 int16 int8 uint8 bool
 *
 * @throws {BackendError} there is no WebGPU or no adapter; the text says what to install or which flag to set.
 * @example registerBackend(await webgpu());
 */
export async function webgpu(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  const { device, name, software, owned } = await acquireDevice(options);
  const queue = new CommandQueue(device, {
    software,
    owned,
    memoryLimit: options.memoryLimit ?? Number.POSITIVE_INFINITY,
    pooledLimit: options.pooledLimit ?? 128 * MIB,
  });
  const kernels: Kernels = kernelsOf(queue);
  const waited = <R>(pending: Promise<R>): Promise<R> => (software ? patiently(pending) : pending);
  const backend: WebGpuBackend = {
    apiVersion: 1,
    device: options.name ?? 'webgpu',
    name: `WebGPU on ${name}`,
    limits: {
      dtypes: DTYPES,
      maxByteLength: queue.maxByteLength,
      synchronousReads: false,
      overheadByteLength: BUFFER_OVERHEAD,
    },
    lost: queue.lost,
    kernels,
    gpuDevice: device,
    features: queue.features,
    software,
    get memory() {
      return queue.account;
    },
    allocate: (byteLength) => queue.allocate(byteLength),
    free: (allocation) => queue.free(own(allocation)),
    write: (target, byteOffset, bytes) => queue.write(own(target), byteOffset, bytes),
    copy: (source, sourceOffset, target, targetOffset, byteLength) =>
      queue.copy(own(source), sourceOffset, own(target), targetOffset, byteLength),
    read: (source, byteOffset, byteLength) => waited(queue.read(own(source), byteOffset, byteLength)),
    synchronize: () => waited(queue.synchronize()),
    fromGPUBuffer(buffer, { dtype, shape }) {
      checkShared(buffer);
      return adoptAllocation(backend.device, queue.adopt(buffer), dtype, shape);
    },
    gpuBuffer({ storage, offset, strides, dtype }) {
      if (storage.entry.backend !== backend)
        throw new BackendError(
          `webgpu: gpuBuffer: the tensor lies on ${storage.entry.device}, not on ${backend.device}; move it: x.to('${backend.device}')`,
        );
      queue.flush();
      const { buffer } = own(storage.allocation).block;
      return { buffer, byteOffset: offset * byteLengthOf(dtype), strides };
    },
    flush: () => queue.flush(),
    trim: () => queue.trim(),
    async profile(body) {
      if (queue.profiler.active) throw new BackendError('webgpu: profile: another profile is being taken');
      await queue.synchronize();
      queue.profiler.start();
      try {
        await body();
        await queue.synchronize();
      } finally {
        queue.profiler.active = false;
      }
      return queue.profiler.stop();
    },
    destroy() {
      if (owned) device.destroy();
      else queue.close('it was given back');
    },
  };
  return backend;
}

const SHARED = USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST;

function checkShared({ usage, size }: GPUBuffer): void {
  if ((usage & SHARED) !== SHARED) {
    throw new BackendError(
      'webgpu: fromGPUBuffer: the buffer needs the usages STORAGE | COPY_SRC | COPY_DST; make it with them',
      { data: { usage } },
    );
  }
  if (size % 16 !== 0 || size === 0)
    throw new BackendError(`webgpu: fromGPUBuffer: the buffer's size must be a multiple of 16, got ${size}`);
}
