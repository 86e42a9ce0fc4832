import { BackendError } from '@flambeau/core/backend';

/**
 * The page's own entry to WebGPU.
 * @throws {BackendError} the browser has none.
 */
export async function requestGpu(): Promise<GPU> {
  const gpu = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (gpu !== undefined) return gpu;
  throw new BackendError(
    'webgpu: this browser has no WebGPU; use Chrome or Edge 113, Safari 26, Firefox 141 or newer over https or localhost (Chrome on Linux: start it with --enable-unsafe-webgpu)',
  );
}

export const NO_ADAPTER =
  'webgpu: the browser found no graphics adapter; open chrome://gpu to see why. On Linux, or without a graphics card, start Chrome with --enable-unsafe-webgpu --use-webgpu-adapter=swiftshader';

/** Browsers compute in a process of their own and tell the page when they are done. */
export const patiently = <R>(pending: Promise<R>): Promise<R> => pending;
