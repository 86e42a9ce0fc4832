import { type CudaBackend, type CudaOptions, cuda } from '@flambeau/backend-cuda';
import { buildAddon } from '../../src/cli/build-addon.ts';
import { buildEmulator, kernelFolder, whyNotEmulated } from './build.ts';

export { whyNotEmulated };

/** How the emulator runs kernels. One process has one way, from its first device on. */
export interface EmulatorOptions {
  /** Finds races, missing barriers and accesses out of bounds: slow. Needs `memory: 'exact'` to see bounds. */
  readonly check?: boolean;
  readonly order?: 'forward' | 'reverse' | 'random';
  readonly seed?: number;
  readonly sm?: number;
  readonly memoryMegabytes?: number;
}

const ORDERS = { forward: '0', reverse: '1', random: '2' } as const;

/** What the emulator reads when a device's context comes to be. */
function variables(options: EmulatorOptions): Readonly<Record<string, string>> {
  const { check = false, order = 'forward', seed = 1, sm = 80, memoryMegabytes = 4096 } = options;
  return {
    FLAMBEAU_EMULATOR_CHECK: check ? '1' : '0',
    FLAMBEAU_EMULATOR_ORDER: ORDERS[order],
    FLAMBEAU_EMULATOR_SEED: String(seed),
    FLAMBEAU_EMULATOR_SM: String(sm),
    FLAMBEAU_EMULATOR_MEMORY_MB: String(memoryMegabytes),
  };
}

/** Sets this process's environment for devices that are opened from now on. */
export function configureEmulator(options: EmulatorOptions): void {
  Object.assign(process.env, variables(options));
}

/** The libraries of the emulator, built where they are not. */
export async function emulatedLibraries(): Promise<
  Readonly<Record<'addon' | 'driver' | 'nvrtc' | 'blas', string>>
> {
  const [addon, library] = await Promise.all([buildAddon(), buildEmulator()]);
  return { addon, driver: library, nvrtc: library, blas: library };
}

/** The environment of a process whose `cuda()` opens the emulated driver. */
export async function emulatedEnvironment(
  options: EmulatorOptions = {},
): Promise<Readonly<Record<string, string>>> {
  const { addon, driver, nvrtc, blas } = await emulatedLibraries();
  return {
    FLAMBEAU_CUDA_ADDON: addon,
    FLAMBEAU_CUDA_DRIVER: driver,
    FLAMBEAU_CUDA_NVRTC: nvrtc,
    FLAMBEAU_CUDA_CUBLAS: blas,
    FLAMBEAU_CUDA_CACHE: kernelCache(options.check),
    ...variables(options),
  };
}

/** Compiled kernels of one mode, kept between runs. */
export const kernelCache = (check = false): string => kernelFolder(check);

/**
 * The CUDA backend on the emulated driver.
 *
 * @example npm run golden -- --backend ./packages/backend-cuda/test/emulator/index.ts#emulatedCuda
 */
export async function emulatedCuda(
  options: CudaOptions = {},
  how: EmulatorOptions = {},
): Promise<CudaBackend> {
  configureEmulator(how);
  return cuda({ libraries: await emulatedLibraries(), cache: kernelCache(how.check), ...options });
}
