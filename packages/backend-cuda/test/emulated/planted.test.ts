import { afterEach, beforeAll, expect, it } from 'vitest';
import type { CudaDevice } from '../../src/device.ts';
import type { Triple } from '../../src/launch.ts';
import { type EmulatorOptions, emulatedLibraries } from '../emulator/index.ts';
import { openDevice } from './open.ts';
import { BUILD_MS, describeEmulated } from './suite.ts';

interface Planted {
  readonly name: string;
  /** What check mode says; undefined for a kernel that is right. */
  readonly told: RegExp | undefined;
  readonly grid?: number;
  readonly threads?: number;
  readonly sharedBytes?: number;
  readonly body: string;
}

/** Kernels over x and y of 1024 floats each; all but the right ones have one fault. */
const KERNELS: readonly Planted[] = [
  {
    name: 'a sum over a block, and nothing wrong',
    told: undefined,
    grid: 4,
    body: `__shared__ float s[256]; int t = threadIdx.x; s[t] = x[blockIdx.x * 256 + t];
      __syncthreads();
      for (int k = 128; k > 0; k >>= 1) { if (t < k) s[t] += s[t + k];
        __syncthreads(); }
      if (t == 0) y[blockIdx.x] = s[0];`,
  },
  {
    name: 'a removed barrier after the loads',
    told: /data race \(read after write\) in shared memory/,
    body: `__shared__ float s[256]; int t = threadIdx.x; s[t] = x[t];
      for (int k = 128; k > 0; k >>= 1) { if (t < k) s[t] += s[t + k];
        __syncthreads(); }
      if (t == 0) y[0] = s[0];`,
  },
  {
    name: 'a removed barrier in the loop',
    told: /data race \((read after write|write after read)\) in shared memory/,
    body: `__shared__ float s[256]; int t = threadIdx.x; s[t] = x[t];
      __syncthreads();
      for (int k = 128; k > 0; k >>= 1) if (t < k) s[t] += s[t + k];
      if (t == 0) y[0] = s[0];`,
  },
  {
    name: 'a removed barrier at the end of a loop that writes again',
    told: /data race \((read after write|write after read)\) in shared memory/,
    body: `__shared__ float s[256]; int t = threadIdx.x; float a = 0;
      for (int r = 0; r < 2; r++) { s[t] = x[t] + r;
        __syncthreads(); a += s[255 - t]; }
      y[t] = a;`,
  },
  {
    name: 'an off-by-one write',
    told: /out of bounds: write of 4 bytes at offset 4096 of a buffer of 4096 bytes/,
    grid: 5,
    body: 'int i = blockIdx.x * blockDim.x + threadIdx.x; if (i <= 1024) y[i] = 1;',
  },
  {
    name: 'an off-by-one read',
    told: /out of bounds: read of 4 bytes at offset 4096 of a buffer of 4096 bytes/,
    grid: 4,
    body: 'int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < 1024) y[i] = x[i + 1];',
  },
  {
    name: 'too little dynamic shared memory',
    told: /out of bounds: byte \d+ of 128 of dynamic shared memory/,
    threads: 64,
    sharedBytes: 128,
    body: `extern __shared__ float d[]; d[threadIdx.x] = 1;
      __syncthreads(); y[threadIdx.x] = d[0];`,
  },
  {
    name: 'a barrier that threads reach at two places',
    told: /divergent __syncthreads/,
    body: `int t = threadIdx.x; if (t < 128) { y[t] = 1;
      __syncthreads(); }
      else { y[t] = 2;
      __syncthreads(); }`,
  },
  {
    name: 'a shuffle with lanes that have ended',
    told: /shuffle reads lane \d+, which takes no part/,
    threads: 32,
    body: `int t = threadIdx.x; if (t >= 24) return; float v = x[t];
      for (int k = 16; k > 0; k >>= 1) v += __shfl_down_sync(0xffffffffu, v, k);
      if (t == 0) y[0] = v;`,
  },
  {
    name: 'a shuffle in a branch of half the warp',
    told: /deadlock|warp operation/,
    threads: 32,
    body: `int t = threadIdx.x; float v = x[t];
      if (t & 1) v = __shfl_xor_sync(0xffffffffu, v, 2);
      __syncthreads(); y[t] = v;`,
  },
  {
    name: 'a misaligned vector',
    told: /misaligned/,
    threads: 1,
    body: 'float4 v = *(const float4*)(x + 1); y[0] = v.x;',
  },
  {
    name: 'blocks that write the same place',
    told: /data race \(.*\) in global memory/,
    grid: 4,
    body: 'if (threadIdx.x == 0) y[0] += x[blockIdx.x];',
  },
  {
    name: 'threads that write the same place',
    told: /data race \(write after write\) in global memory/,
    body: 'y[0] = (float)threadIdx.x;',
  },
  {
    name: 'a removed __syncwarp',
    told: /data race \(.*\) in shared memory/,
    threads: 32,
    body: `__shared__ float s[64]; int t = threadIdx.x; s[t] = x[t]; s[t + 32] = 0;
      for (int k = 16; k > 0; k >>= 1) { float v = s[t + k]; s[t] += v; }
      y[t] = s[0];`,
  },
  {
    name: 'the same with __syncwarp, and nothing wrong',
    told: undefined,
    threads: 32,
    body: `__shared__ float s[64]; int t = threadIdx.x; s[t] = x[t]; s[t + 32] = 0;
      __syncwarp();
      for (int k = 16; k > 0; k >>= 1) { float v = s[t + k];
        __syncwarp(); s[t] += v;
        __syncwarp(); }
      if (t == 0) y[0] = s[0];`,
  },
  {
    name: 'a null pointer',
    told: /illegal address|out of bounds|null access/,
    threads: 1,
    body: 'y = nullptr; y[threadIdx.x] = 1;',
  },
];

const ORDERS: readonly EmulatorOptions[] = [
  { order: 'random', seed: 1 },
  { order: 'random', seed: 2 },
];

describeEmulated('check mode finds planted faults', () => {
  let device: CudaDevice | undefined;

  beforeAll(async () => {
    await emulatedLibraries();
  }, BUILD_MS);
  afterEach(() => {
    device?.close();
    device = undefined;
  });

  it.each(KERNELS.flatMap((kernel) => ORDERS.map((order) => ({ ...kernel, order, seed: order.seed }))))(
    '$name, in random order $seed',
    async ({ told, grid = 1, threads = 256, sharedBytes = 0, body, order }) => {
      device = await openDevice({ ...order, check: true, exactMemory: true, cache: null });
      const [x, y] = [device.allocate(4096), device.allocate(4096)];
      const values = Float32Array.from({ length: 1024 }, (_, i) => ((i * 37) % 101) / 16);
      device.write(x, 0, new Uint8Array(values.buffer));
      device.write(y, 0, new Uint8Array(4096));
      const kernel = device.kernel({
        key: body,
        entry: 'planted',
        source: () => `extern "C" __global__ void planted(const float* x, float* y) {\n${body}\n}`,
      });
      const blocks: Triple = [grid, 1, 1];
      device.launch(
        kernel,
        blocks,
        [threads, 1, 1],
        sharedBytes,
        device.arguments.reset().pointer(x, 0).pointer(y, 0),
      );
      const read = (): Uint8Array => device!.readNow(y, 0, 4);
      if (told === undefined) expect(read().length).toBe(4);
      else expect(read).toThrow(told);
    },
  );
});
