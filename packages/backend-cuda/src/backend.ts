import { BACKEND_DTYPES, type Backend, BackendError, DeviceError } from '@flambeau/core/backend';
import { DiskCache } from './cache/disk-cache.ts';
import { CudaDevice } from './device.ts';
import {
  blasCandidates,
  driverCandidates,
  environment,
  type LibraryPaths,
  loadAddon,
  nvrtcCandidates,
} from './host/environment.ts';
import { cudaKernels } from './kernels/index.ts';
import type { DeviceProperties } from './launch.ts';
import type { CudaMemory } from './memory/allocator.ts';
import type { NativeAddon } from './native/addon.ts';
import { Commands } from './native/commands.ts';
import { Compiler, type Target } from './native/compiler.ts';
import { explain } from './native/failures.ts';

export interface CudaOptions {
  /** Which GPU, as `CUDA_VISIBLE_DEVICES` counts them. Default 0. */
  readonly index?: number;
  /** Whether float32 products may round their factors to TF32: several times faster, with 10 bits of mantissa. Default false. */
  readonly allowTf32?: boolean;
  /** Whether products go through cuBLAS. Default: `auto`, where it is found. */
  readonly blas?: 'auto' | 'off';
  /** The folder of compiled kernels; false keeps none. Default: `FLAMBEAU_CUDA_CACHE`, or `flambeau/cuda` among the user's caches. */
  readonly cache?: string | false;
  /**
   * `exact` asks the driver for every tensor by itself: slow, and what tools that watch accesses need. Default:
   * `FLAMBEAU_CUDA_MEMORY`, or `cached`.
   */
  readonly memory?: 'cached' | 'exact';
  /** Files of the addon, the driver, NVRTC and cuBLAS that lie in no usual place. */
  readonly libraries?: LibraryPaths;
}

/** The CUDA backend, and what an application may ask of it besides. */
export interface CudaBackend extends Backend {
  readonly properties: DeviceProperties;
  /** What it holds on the device. */
  readonly memory: CudaMemory;
  /** Gives memory back that is kept for later; says how many bytes. */
  trim(): number;
  /** Milliseconds that the device takes for what `body` enqueues. */
  elapsedMs(body: () => void): number;
  /** Lets go of the device. Its tensors are gone. */
  close(): void;
}

/** The part of the device's memory past which core looks for dropped tensors sooner. */
const ROOM_SHARE = 0.85;

/**
 * The CUDA backend: NVIDIA's GPUs from Node. It opens the driver, NVRTC and, where it is there, cuBLAS when it is
 * called; nothing of CUDA is needed before.
 *
 * - dtypes: all
 *
 * @throws {BackendError} there is no driver, no NVRTC, or no addon for this machine; the text says what to install.
 * @throws {DeviceError} there is no GPU of that index.
 * @example registerBackend(cuda());
 */
export function cuda(options: CudaOptions = {}): CudaBackend {
  const { index = 0, allowTf32 = false } = options;
  const device = index === 0 ? 'cuda' : `cuda:${index}`;
  const { addon, target, name, properties, totalBytes } = open(options, index);
  const commands = new Commands();
  const session = attempt(() => addon.openSession(index, commands.buffer));
  const cuda = new CudaDevice({
    addon,
    session,
    commands,
    compiler: new Compiler(addon, target, cacheOf(options)),
    device,
    properties: { ...properties, blas: properties.blas && session.openBlas() },
    allowTf32,
    exactMemory: (options.memory ?? environment('FLAMBEAU_CUDA_MEMORY')) === 'exact',
  });
  return {
    apiVersion: 1,
    device,
    name,
    limits: {
      dtypes: BACKEND_DTYPES,
      maxByteLength: totalBytes,
      synchronousReads: true,
      roomByteLength: Math.floor(totalBytes * ROOM_SHARE),
    },
    lost: cuda.lost,
    kernels: cudaKernels(cuda),
    properties: cuda.properties,
    get memory() {
      const { reservedByteLength, usedByteLength, peakReservedByteLength } = cuda.memory;
      return { reservedByteLength, usedByteLength, peakReservedByteLength };
    },
    allocate: (byteLength) => cuda.allocate(byteLength),
    free: (allocation) => cuda.release(allocation),
    write: (target, byteOffset, bytes) => cuda.write(target, byteOffset, bytes),
    copy: (source, from, target, to, byteLength) => cuda.copy(source, from, target, to, byteLength),
    read: (source, byteOffset, byteLength) => cuda.read(source, byteOffset, byteLength),
    readSync: (source, byteOffset, byteLength) => cuda.readNow(source, byteOffset, byteLength),
    synchronize: () => cuda.synchronize(),
    trim: () => cuda.memory.trim(),
    elapsedMs: (body) => cuda.elapsedMs(body),
    close: () => cuda.close(),
  };
}

interface Opened {
  readonly addon: NativeAddon;
  readonly target: Target;
  readonly name: string;
  readonly properties: DeviceProperties;
  readonly totalBytes: number;
}

/** Opens the three libraries and looks at the device. */
function open({ libraries = {}, blas = 'auto' }: CudaOptions, index: number): Opened {
  if (!Number.isInteger(index) || index < 0)
    throw new DeviceError(`cuda: index must be a whole number from 0, got ${index}`);
  const addon = loadAddon(libraries);
  const driver = attempt(() => addon.openDriver(driverCandidates(libraries)));
  if (index >= driver.deviceCount)
    throw new DeviceError(
      `cuda: there is no GPU ${index}: the driver sees ${driver.deviceCount}, counted from 0; check CUDA_VISIBLE_DEVICES`,
      { data: { index, deviceCount: driver.deviceCount } },
    );
  const scene = { driverVersion: driver.version };
  const nvrtc = attempt(
    () => addon.openNvrtc(nvrtcCandidates(libraries), Math.floor(driver.version / 1000)),
    scene,
  );
  const info = attempt(() => addon.deviceInfo(index), scene);
  const { sm, multiprocessors, maxSharedBytes, totalBytes } = info;
  return {
    addon,
    target: { sm, nvrtcVersion: nvrtc.version, archs: nvrtc.archs },
    name: info.name,
    properties: {
      sm,
      multiprocessors,
      maxSharedBytes,
      blas: blas !== 'off' && hasBlas(addon, libraries),
    },
    totalBytes,
  };
}

/** cuBLAS is no must: without it, products take kernels of this package. One that was asked for by name has to open. */
function hasBlas(addon: NativeAddon, libraries: LibraryPaths): boolean {
  const candidates = blasCandidates(libraries);
  try {
    addon.openBlas(candidates);
    return true;
  } catch (error) {
    if (candidates.length > 1) return false;
    throw new BackendError(`cuda: cuBLAS does not open from ${candidates[0]}`, { cause: error });
  }
}

function cacheOf({ cache }: CudaOptions): DiskCache | null {
  const folder = cache ?? environment('FLAMBEAU_CUDA_CACHE');
  if (folder === false || folder === '0') return null;
  return new DiskCache(folder);
}

function attempt<R>(body: () => R, scene = {}): R {
  try {
    return body();
  } catch (error) {
    throw explain(error, scene);
  }
}
