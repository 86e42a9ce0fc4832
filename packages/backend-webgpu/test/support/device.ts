import { type WebGpuBackend, type WebGpuOptions, webgpu } from '@flambeau/backend-webgpu';
import { describe } from 'vitest';
import { DRIVERS, type DriverName, driverFile } from './drivers.ts';

/**
 * The backend on a software driver. The driver is chosen for the whole process before its first device is made: a test
 * file, which runs in a process of its own, has one.
 */
export async function webgpuOn(name: DriverName, options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  const file = driverFile(name);
  if (file === undefined) throw new Error(`${name} is not installed: ${DRIVERS[name].install}`);
  process.env.VK_ICD_FILENAMES = file;
  const backend = await webgpu(options);
  if (!DRIVERS[name].pattern.test(backend.name))
    throw new Error(`asked for ${name}, and got ${backend.name}; its file is ${file}`);
  return backend;
}

/** The backend on a software driver, with the kernels that it takes on a GPU. */
export async function webgpuAsOnGpu(name: DriverName, options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  const { gpuDevice: device } = await webgpuOn(name);
  Object.defineProperty(device, 'adapterInfo', { value: { description: 'a GPU' } });
  return webgpu({ ...options, device });
}

/** Tests that need a driver. Where it is missing they are skipped, and the head of the run says so; `FLAMBEAU_TEST_ALL=1` forbids that. */
export function describeOn(name: DriverName, title: string, body: () => void): void {
  describe.skipIf(driverFile(name) === undefined)(`${title} on ${name}`, body);
}

/** The driver for tests that need any: the faster one. */
export const anyDriver: DriverName = driverFile('lavapipe') === undefined ? 'swiftshader' : 'lavapipe';
