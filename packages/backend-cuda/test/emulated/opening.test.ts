import { cuda } from '@flambeau/backend-cuda';
import { beforeAll, expect, it } from 'vitest';
import { configureEmulator, emulatedLibraries } from '../emulator/index.ts';
import { BUILD_MS, describeEmulated } from './suite.ts';

// What a user meets who lacks something. Libraries stay open once they were opened, so the order is that of opening.
describeEmulated('opening a device', () => {
  let libraries: Awaited<ReturnType<typeof emulatedLibraries>>;
  beforeAll(async () => {
    configureEmulator({});
    libraries = await emulatedLibraries();
  }, BUILD_MS);

  it('without an addon for the machine', () =>
    expect(() => cuda({ libraries: { addon: '/nowhere/flambeau-cuda.node' } })).toThrow(
      /this package has no addon for linux-x64 \(\/nowhere\/flambeau-cuda\.node\); build it with a C\+\+ compiler: .*npx flambeau-cuda-build/,
    ));

  it('with an addon that does not load', () =>
    expect(() => cuda({ libraries: { addon: new URL(import.meta.url).pathname } })).toThrow(
      /the addon does not load \(.*\); build it for this machine/,
    ));

  it('without a driver', () =>
    expect(() => cuda({ libraries: { ...libraries, driver: '/nowhere/libcuda.so.1' } })).toThrow(
      "cuda: no CUDA driver was found (libcuda.so.1); install NVIDIA's driver, or use another backend such as cpu()",
    ));

  it('with a driver that lacks entry points', () =>
    expect(() => cuda({ libraries: { ...libraries, driver: 'libm.so.6' } })).toThrow(
      'the CUDA driver has no cuInit, it is too old; update',
    ));

  it('without a GPU', () => {
    process.env.FLAMBEAU_EMULATOR_NO_DEVICE = '1';
    try {
      expect(() => cuda({ libraries })).toThrow(
        /the CUDA driver sees no GPU \(CUDA_ERROR_NO_DEVICE.*\); check nvidia-smi and CUDA_VISIBLE_DEVICES/,
      );
    } finally {
      delete process.env.FLAMBEAU_EMULATOR_NO_DEVICE;
    }
  });

  it('with an index that is none', () => {
    expect(() => cuda({ libraries, index: -1 })).toThrow('cuda: index must be a whole number from 0, got -1');
    expect(() => cuda({ libraries, index: 3 })).toThrow(
      'cuda: there is no GPU 3: the driver sees 1, counted from 0',
    );
  });

  it('without NVRTC', () =>
    expect(() => cuda({ libraries: { ...libraries, nvrtc: '/nowhere/libnvrtc.so' } })).toThrow(
      'NVRTC, which compiles the kernels, was not found; install it, for instance with pip install nvidia-cuda-nvrtc or',
    ));

  it('with an NVRTC that is too old', () =>
    expect(() => cuda({ libraries: { ...libraries, nvrtc: 'libm.so.6' } })).toThrow(
      'the NVRTC that was found has no nvrtcVersion, it is too old; install one of CUDA 11.2 or newer',
    ));

  it('with a driver that is too old for NVRTC', () => {
    process.env.FLAMBEAU_EMULATOR_NVRTC = '14';
    try {
      expect(() => cuda({ libraries })).toThrow(
        "the driver runs CUDA 13.0 and is too old for the NVRTC that was found, of CUDA 14.0; update NVIDIA's driver, or install an NVRTC of CUDA 13: pip install nvidia-cuda-nvrtc",
      );
    } finally {
      delete process.env.FLAMBEAU_EMULATOR_NVRTC;
    }
  });

  it('with a cuBLAS that was named and does not open', () =>
    expect(() => cuda({ libraries: { ...libraries, blas: '/nowhere/libcublas.so' } })).toThrow(
      'cuda: cuBLAS does not open from /nowhere/libcublas.so',
    ));

  it('with all there is', () => {
    const backend = cuda({ libraries, cache: false });
    expect(backend.name).toBe('sm_80 emulated on the CPU');
    expect(backend.properties).toEqual({ sm: 80, multiprocessors: 4, maxSharedBytes: 166912, blas: true });
    backend.close();
  });
});
