import { DiskCache } from '../../src/cache/disk-cache.ts';
import { CudaDevice } from '../../src/device.ts';
import { loadAddon } from '../../src/host/environment.ts';
import { Commands } from '../../src/native/commands.ts';
import { Compiler } from '../../src/native/compiler.ts';
import {
  configureEmulator,
  type EmulatorOptions,
  emulatedLibraries,
  kernelCache,
} from '../emulator/index.ts';

export interface OpenOptions extends EmulatorOptions {
  /** The driver is asked for every allocation, so that bounds are known. */
  readonly exactMemory?: boolean;
  /** The folder of compiled kernels; null for none. Default: the emulator's own. */
  readonly cache?: string | null;
}

/** A device without the backend around it: tests hand it kernels of their own. */
export async function openDevice(options: OpenOptions = {}): Promise<CudaDevice> {
  const { exactMemory = false, cache = kernelCache(options.check) } = options;
  configureEmulator(options);
  const libraries = await emulatedLibraries();
  const addon = loadAddon(libraries);
  addon.openDriver([libraries.driver!]);
  const { version, archs } = addon.openNvrtc([libraries.nvrtc!], 13);
  addon.openBlas([libraries.blas!]);
  const commands = new Commands();
  const session = addon.openSession(0, commands.buffer);
  return new CudaDevice({
    addon,
    session,
    commands,
    compiler: new Compiler(
      addon,
      { sm: 80, nvrtcVersion: version, archs },
      cache === null ? null : new DiskCache(cache),
    ),
    device: 'cuda',
    properties: { sm: 80, multiprocessors: 4, maxSharedBytes: 166912, blas: session.openBlas() },
    allowTf32: false,
    exactMemory,
  });
}
