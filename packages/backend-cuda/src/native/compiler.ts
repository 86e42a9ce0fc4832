import { BackendError } from '@flambeau/core/backend';
import { cacheKey, type DiskCache } from '../cache/disk-cache.ts';
import type { KernelSource } from '../launch.ts';
import type { NativeAddon } from './addon.ts';
import { doesNotCompile } from './failures.ts';

/** For what a device's kernels are compiled. */
export interface Target {
  readonly sm: number;
  readonly nvrtcVersion: string;
  /** The architectures that NVRTC knows. */
  readonly archs: readonly number[];
}

/**
 * Machine code for the device itself; PTX of the nearest older architecture for one that NVRTC does not know yet.
 * @throws {BackendError} NVRTC compiles for newer devices alone.
 */
export function architecture({ sm, archs, nvrtcVersion }: Target): { name: string; cubin: boolean } {
  if (archs.includes(sm)) return { name: `sm_${sm}`, cubin: true };
  const older = archs.filter((arch) => arch < sm);
  if (older.length === 0)
    throw new BackendError(
      `cuda: NVRTC ${nvrtcVersion} compiles for sm_${Math.min(...archs)} and newer, this device is sm_${sm}; install an older NVRTC and name its file in FLAMBEAU_CUDA_NVRTC`,
      { data: { reason: 'device-old', sm, archs } },
    );
  return { name: `compute_${Math.max(...older)}`, cubin: false };
}

/** From a kernel's source to a function of the device, by way of the disk. */
export class Compiler {
  private readonly addon: NativeAddon;
  private readonly cache: DiskCache | null;
  private readonly options: readonly string[];
  private readonly cubin: boolean;
  private readonly version: string;

  constructor(addon: NativeAddon, target: Target, cache: DiskCache | null) {
    const { name, cubin } = architecture(target);
    this.addon = addon;
    this.cache = cache;
    this.cubin = cubin;
    this.version = target.nvrtcVersion;
    this.options = [`--gpu-architecture=${name}`, '--std=c++17'];
  }

  /**
   * The kernel as `load` makes it of the image.
   * @throws {BackendError} the source does not compile; the error carries source and log.
   */
  compile<K>(kernel: KernelSource, load: (image: Uint8Array) => K): K {
    const source = kernel.source();
    const { cache } = this;
    if (cache === null) return load(this.build(kernel.entry, source));
    const key = this.keyOf(source);
    const kept = cache.get(key);
    if (kept !== undefined) {
      try {
        return load(kept);
      } catch {
        cache.drop(key); // whole, and yet the driver refuses it: another driver may have written it
      }
    }
    const image = this.build(kernel.entry, source);
    const loaded = load(image);
    cache.put(key, image);
    return loaded;
  }

  /** The name under which the disk keeps a source's image. */
  keyOf(source: string): string {
    return cacheKey([source, this.version, ...this.options]);
  }

  /**
   * The image of a source, past the disk.
   * @throws {BackendError} it does not compile; the error carries source and log.
   */
  build(entry: string, source: string): Uint8Array {
    const { image, log } = this.addon.compile(source, `${entry}.cu`, this.options, this.cubin);
    if (image === undefined) throw doesNotCompile(entry, source, log);
    return image;
  }
}
