import { BackendError } from '@flambeau/core/backend';

export { patiently } from './patience.ts';

/** What the npm package `webgpu` exports. */
interface DawnModule {
  create(flags: string[]): GPU;
}

/** Dawn's instance must outlive everything made with it. */
let instance: GPU | undefined;

/**
 * The entry to WebGPU: `navigator.gpu` where the program has put one, else Dawn from the npm package `webgpu`.
 * @throws {BackendError} the package is not installed, or has no binary for this machine.
 */
export async function requestGpu(): Promise<GPU> {
  const gpu = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (gpu !== undefined) return gpu;
  if (instance !== undefined) return instance;
  try {
    // The package is an optional peer, so that its types cannot be relied upon.
    const dawn = (await import('webgpu')) as DawnModule;
    instance = dawn.create([]);
    return instance;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BackendError(
      `webgpu: Node has no WebGPU of its own; npm install webgpu (${reason.split('\n')[0]})`,
      { cause: error },
    );
  }
}

export const NO_ADAPTER =
  'webgpu: no graphics adapter was found; install a Vulkan driver of your graphics card, or a software one (Debian and Ubuntu: apt install libvulkan1 mesa-vulkan-drivers; VK_ICD_FILENAMES may name a driver)';
