import { OutOfMemoryError } from '@flambeau/core';
import { afterEach, beforeAll, expect, it } from 'vitest';
import type { CudaDevice } from '../../src/device.ts';
import type { KernelSource, Triple } from '../../src/launch.ts';
import { emulatedCuda, emulatedLibraries } from '../emulator/index.ts';
import { openDevice as openEmulated } from './open.ts';
import { BUILD_MS, describeEmulated } from './suite.ts';

const entry = (name: string, parameters: string, body: string): KernelSource => ({
  key: `${name} ${body}`,
  entry: name,
  source: () => `extern "C" __global__ void ${name}(${parameters}) { ${body} }`,
});

describeEmulated('a device', () => {
  const open: CudaDevice[] = [];

  beforeAll(async () => {
    await emulatedLibraries();
  }, BUILD_MS);
  afterEach(() => {
    for (const device of open.splice(0)) device.close();
  });

  async function openDevice(): Promise<CudaDevice> {
    const device = await openEmulated({ memoryMegabytes: 64 });
    open.push(device);
    return device;
  }

  const one: Triple = [1, 1, 1];
  const scale = entry(
    'scale',
    'float* y, int n, float f, double d, long long step',
    `
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = y[i] * f + (float)d + (float)(step >> 40);`,
  );

  it('passes arguments of every kind to a kernel', async () => {
    const device = await openDevice();
    const memory = device.allocate(400);
    device.write(memory, 0, new Uint8Array(Float32Array.from({ length: 100 }, (_, i) => i).buffer));
    const args = device.arguments
      .reset()
      .pointer(memory, 4)
      .i32(98)
      .f32(2)
      .f64(0.5)
      .i64(3 * 2 ** 40);
    device.launch(device.kernel(scale), [4, 1, 1], [32, 1, 1], 0, args);
    const result = new Float32Array(device.readNow(memory, 0, 400).buffer);
    expect(Array.from(result)).toEqual(
      Array.from({ length: 100 }, (_, i) => (i === 0 || i === 99 ? i : i * 2 + 3.5)),
    );
  });

  it('waits for nothing but reads, and reads see all that came before', async () => {
    const device = await openDevice();
    const memory = device.allocate(4);
    device.write(memory, 0, new Uint8Array(4));
    const add = device.kernel(entry('addOne', 'int* y', '*y += 1;'));
    const reads: Promise<Uint8Array>[] = [];
    for (let i = 0; i < 5; i++) {
      device.launch(add, one, one, 0, device.arguments.reset().pointer(memory, 0));
      reads.push(device.read(memory, 0, 4));
    }
    expect((await Promise.all(reads)).map((bytes) => bytes[0])).toEqual([1, 2, 3, 4, 5]);
  });

  it('writes more than its staging holds', async () => {
    const device = await openDevice();
    const bytes = Uint8Array.from({ length: 20_000_001 }, (_, i) => (i * 7) % 251);
    const memory = device.allocate(bytes.length);
    device.write(memory, 0, bytes);
    const back = device.readNow(memory, 0, bytes.length);
    expect(Buffer.compare(back, bytes)).toBe(0);
  });

  it('lets a kernel have more dynamic shared memory than 48 KiB', async () => {
    const device = await openDevice();
    const memory = device.allocate(4);
    const sum = device.kernel(
      entry(
        'shared',
        'float* y, int n',
        `extern __shared__ float s[];
        for (int i = threadIdx.x; i < n; i += blockDim.x) s[i] = (float)i;
        __syncthreads();
        if (threadIdx.x == 0) *y = s[n - 1] + s[0];`,
      ),
    );
    device.launch(sum, one, [64, 1, 1], 80_000, device.arguments.reset().pointer(memory, 0).i32(20_000));
    expect(new Float32Array(device.readNow(memory, 0, 4).buffer)[0]).toBe(19_999);
    expect(() => device.launch(sum, one, one, 300_000, device.arguments)).toThrow(
      'cuda: kernel shared of [1,1,1] blocks of [1,1,1] threads: CUDA_ERROR_INVALID_VALUE',
    );
  });

  it('multiplies through cuBLAS', async () => {
    const device = await openDevice();
    const a = device.allocate(24);
    const b = device.allocate(24);
    const c = device.allocate(16);
    device.write(a, 0, new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer));
    device.write(b, 0, new Uint8Array(Float32Array.of(1, 0, 2, 1, 0, 3).buffer));
    const plain = { byteOffset: 0, batchStride: 0, transposed: false };
    // Row-major [2, 3] by [3, 2], asked for as its transpose.
    device.gemm({
      type: 'float32',
      m: 2,
      n: 2,
      k: 3,
      batch: 1,
      a: { ...plain, allocation: b, leading: 2 },
      b: { ...plain, allocation: a, leading: 3 },
      c: { ...plain, allocation: c, leading: 2 },
    });
    expect(Array.from(new Float32Array(device.readNow(c, 0, 16).buffer))).toEqual([5, 11, 14, 23]);
    expect(() =>
      device.gemm({
        type: 'float32',
        m: 2,
        n: 2,
        k: 3,
        batch: 1,
        a: { ...plain, allocation: b, leading: 1 },
        b: { ...plain, allocation: a, leading: 3 },
        c: { ...plain, allocation: c, leading: 2 },
      }),
    ).toThrow('cuda: cuBLAS refuses a product of [2, 3] and [3, 2] with status 7');
  });

  it('tells where memory runs out, and goes on', async () => {
    const device = await openDevice();
    const held = device.allocate(40_000_000);
    expect(() => device.allocate(40_000_000)).toThrow(OutOfMemoryError);
    expect(() => device.allocate(40_000_000)).toThrow(
      /cuda: no room for 38\.1 MiB: .* MiB of 64\.0 MiB are free/,
    );
    device.release(held);
    expect(device.allocate(40_000_000).byteLength).toBe(40_000_000);
  });

  it('tells of a kernel that does not compile, with its source and the log', async () => {
    const device = await openDevice();
    const broken = entry('broken', 'float* y', 'y[0] = nothing;');
    expect(() => device.kernel(broken)).toThrow(
      /cuda: kernel broken does not compile: .*nothing.*; please report it/,
    );
  });

  it('is lost after an illegal address, says so at every call, and another device works after it', async () => {
    const device = await openDevice();
    const memory = device.allocate(4);
    const wild = device.kernel(entry('wild', 'float* y', 'y[1LL << 40] = 1;'));
    device.launch(wild, one, one, 0, device.arguments.reset().pointer(memory, 0));
    const told =
      /cuda: read: a kernel failed \(.*illegal address.*\); the device's context is dead and its tensors are lost: start the program anew/;
    await expect(device.read(memory, 0, 4)).rejects.toThrow(told);
    expect(() => device.readNow(memory, 0, 4)).toThrow(told);
    expect(() => device.allocate(4)).toThrow(told);
    expect(() => device.release(memory)).not.toThrow();
    expect((await device.lost).message).toMatch(told);
    device.close();
    const next = await emulatedCuda({}, { memoryMegabytes: 64 });
    const fresh = next.allocate(4, 'int32');
    next.write(fresh, 0, Uint8Array.of(1, 2, 3, 4));
    expect(await next.read(fresh, 0, 4)).toEqual(Uint8Array.of(1, 2, 3, 4));
    next.close();
  });

  it('names the kernel of an illegal address where launches block', async () => {
    process.env.CUDA_LAUNCH_BLOCKING = '1';
    try {
      const device = await openDevice();
      const memory = device.allocate(4);
      const wild = device.kernel(entry('wild', 'float* y', 'y[1LL << 40] = 1;'));
      expect(() => device.launch(wild, one, one, 0, device.arguments.reset().pointer(memory, 0))).toThrow(
        'cuda: kernel wild of [1,1,1] blocks of [1,1,1] threads: a kernel failed',
      );
    } finally {
      delete process.env.CUDA_LAUNCH_BLOCKING;
    }
  });

  it('throws a fault once, where it is read, and works on', async () => {
    const device = await openDevice();
    const memory = device.allocate(4);
    device.write(memory, 0, new Uint8Array(4));
    const raise = device.kernel(
      entry(
        'raise',
        'int* fault',
        'if (atomicCAS(fault, 0, 1) == 0) { fault[1] = 9; fault[2] = 0; fault[3] = 5; fault[4] = 0; }',
      ),
    );
    device.launch(raise, one, one, 0, device.arguments.reset().pointer(device.fault, 0));
    await expect(device.synchronize()).rejects.toThrow('gather: index 9 is out of range for size 5');
    expect(device.readNow(memory, 0, 4)).toEqual(new Uint8Array(4));
    device.launch(raise, one, one, 0, device.arguments.reset().pointer(device.fault, 0));
    expect(() => device.readNow(memory, 0, 4)).toThrow('gather: index 9 is out of range for size 5');
  });

  it('measures what the device takes', async () => {
    const device = await openDevice();
    const memory = device.allocate(400);
    device.write(memory, 0, new Uint8Array(400));
    const kernel = device.kernel(scale);
    const elapsed = device.elapsedMs(() => {
      device.launch(
        kernel,
        [4, 1, 1],
        [32, 1, 1],
        0,
        device.arguments.reset().pointer(memory, 0).i32(98).f32(2).f64(0).i64(0),
      );
    });
    expect(elapsed).toBeGreaterThanOrEqual(0);
  });

  it('refuses all after it was closed', async () => {
    const device = await openDevice();
    const memory = device.allocate(4);
    device.close();
    expect(() => device.allocate(4)).toThrow('cuda: the device was closed');
    expect(() => device.readNow(memory, 0, 4)).toThrow('cuda: the device was closed');
    expect((await device.lost).message).toBe('cuda: the device was closed');
  });
});
