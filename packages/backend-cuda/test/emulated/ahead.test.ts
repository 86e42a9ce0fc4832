import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CudaDevice } from '../../src/device.ts';
import type { KernelSource } from '../../src/launch.ts';
import { compileAhead } from '../emulator/ahead.ts';
import { openDevice } from './open.ts';
import { BUILD_MS, describeEmulated } from './suite.ts';

/** Turns the first `count` numbers around, by way of as much shared memory. */
const turning = (count: number): KernelSource => ({
  key: `turn ${count}`,
  entry: 'turn',
  source: () => `static __device__ int last() { return ${count - 1}; }
    extern "C" __global__ void turn(float* y) {
      __shared__ float s[${count}];
      s[threadIdx.x] = y[threadIdx.x];
      __syncthreads();
      y[threadIdx.x] = s[last() - threadIdx.x];
    }`,
});
const kernels = [turning(32), turning(64)];

describeEmulated('kernels compiled together', () => {
  let cache: string;
  let device: CudaDevice | undefined;
  beforeEach(() => {
    cache = mkdtempSync(join(tmpdir(), 'flambeau-ahead-'));
  });
  afterEach(() => {
    device?.close();
    rmSync(cache, { recursive: true });
  });

  function turned(count: number): number[] {
    const memory = device!.allocate(4 * count);
    device!.write(memory, 0, new Uint8Array(Float32Array.from({ length: count }, (_, i) => i).buffer));
    const kernel = device!.kernel(turning(count));
    device!.launch(kernel, [1, 1, 1], [count, 1, 1], 0, device!.arguments.reset().pointer(memory, 0));
    expect(device!.attributesOf(kernel).sharedBytes).toBe(4 * count);
    return [...new Float32Array(device!.readNow(memory, 0, 4 * count).buffer)];
  }

  it(
    'are compiled once, and each has its own shared memory and functions',
    async () => {
      device = await openDevice({ cache });
      expect(await compileAhead(kernels, { cache })).toBe(2);
      expect(await compileAhead(kernels, { cache })).toBe(0);
      for (const count of [32, 64])
        expect(turned(count)).toEqual(Array.from({ length: count }, (_, i) => count - 1 - i));
    },
    BUILD_MS,
  );

  it(
    'are compiled anew where their library is gone',
    async () => {
      device = await openDevice({ cache });
      await compileAhead(kernels, { cache });
      rmSync(join(cache, 'many'), { recursive: true });
      expect(turned(64)[0]).toBe(63);
    },
    BUILD_MS,
  );

  it(
    'tell which does not compile',
    async () => {
      device = await openDevice({ cache });
      const broken = {
        key: 'broken',
        entry: 'broken',
        source: () => 'extern "C" __global__ void broken() { nothing(); }',
      };
      await expect(compileAhead([...kernels, broken], { cache })).rejects.toThrow(/nothing/);
    },
    BUILD_MS,
  );
});
