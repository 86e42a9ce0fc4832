import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type Device, registerBackend, unregisterBackend } from '@flambeau/core';
import type { Backend } from '@flambeau/core/backend';
import { cacheKey, DiskCache } from '../../src/cache/disk-cache.ts';
import { loadAddon } from '../../src/host/environment.ts';
import { writeWhole } from '../../src/host/files.ts';
import type { DeviceProperties, KernelSource } from '../../src/launch.ts';
import { Compiler } from '../../src/native/compiler.ts';
import { numbered } from '../../tools/kernel-report.ts';
import { Recorder, recordingBackend } from '../../tools/recorder.ts';
import { emulatedLibraries, kernelCache } from './index.ts';

// A compiler takes ten times as long to start as to compile one kernel. So what a test launches is found by a run
// that computes nothing, and compiled many kernels at a time.

const TOGETHER = 48;

/** Two devices on which nothing is computed: results compare as equal, being zeros on both. */
export interface Rehearsal {
  readonly backend: Backend;
  readonly device: Device;
  readonly reference: Device;
}

/** The kernels that `body` launches on the first device, as the emulated device would compile them. */
export async function rehearse(
  properties: DeviceProperties,
  body: (devices: Rehearsal) => Promise<void>,
): Promise<readonly KernelSource[]> {
  const recorder = new Recorder(properties);
  const devices = { device: 'cuda:1001', reference: 'cuda:1002' } as const;
  const backend = registerBackend(recordingBackend(recorder, devices.device));
  registerBackend(recordingBackend(new Recorder(properties), devices.reference));
  try {
    await body({ backend, ...devices });
  } finally {
    unregisterBackend(devices.device);
    unregisterBackend(devices.reference);
  }
  return [...recorder.sources.values()];
}

/**
 * Compiles kernels for the emulated device, where they are not compiled yet; says how many it was. The device has to be
 * open: it decides whether they are compiled for check mode.
 */
export async function compileAhead(
  sources: readonly KernelSource[],
  {
    check = false,
    cache: root = kernelCache(check),
  }: { readonly check?: boolean; readonly cache?: string } = {},
): Promise<number> {
  const libraries = await emulatedLibraries();
  const addon = loadAddon(libraries);
  const { version, archs } = addon.openNvrtc([libraries.nvrtc!], 13);
  const cache = new DiskCache(root);
  const compiler = new Compiler(addon, { sm: 80, nvrtcVersion: version, archs }, cache);
  const missing = sources.filter((kernel) => cache.get(compiler.keyOf(kernel.source())) === undefined);
  const folder = join(root, 'many');
  mkdirSync(folder, { recursive: true });
  for (let start = 0; start < missing.length; start += TOGETHER) {
    const some = missing.slice(start, start + TOGETHER);
    const text = some.map(part).join('\n');
    const library = join(folder, `${cacheKey([text])}.so`);
    writeWhole(library, folder, compiler.build('many', text));
    for (const [i, kernel] of some.entries()) {
      const image = `emulated part\n${library}\n${i}\nkernel_${i}\n`;
      cache.put(compiler.keyOf(kernel.source()), new TextEncoder().encode(image));
    }
    await setImmediate();
  }
  return missing.length;
}

/** One kernel of many: the emulator finds its entry, and the shared memory that is its alone. */
const part = (kernel: KernelSource, i: number): string =>
  `#undef EMU_PART\n#define EMU_PART "${i}"\n${numbered(kernel, i)}\nusing n${i}::kernel_${i};\nEMU_SHARED(${i})`;
