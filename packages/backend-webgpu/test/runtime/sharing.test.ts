import type { WebGpuBackend } from '@flambeau/backend-webgpu';
import {
  add,
  type Device,
  type DType,
  empty,
  type KernelCall,
  pointwise,
  registerBackend,
  setKernelInterceptor,
  tensor,
} from '@flambeau/core';
import type { Program } from '@flambeau/core/backend';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { USAGE } from '../../src/device/flags.ts';
import { pointwiseKernel } from '../../src/pointwise/pointwise.ts';
import { CommandQueue } from '../../src/queue/queue.ts';
import type { Queue } from '../../src/queue/types.ts';
import { anyDriver, describeOn, webgpuOn } from '../support/device.ts';

const device: Device = 'webgpu';
const SHARED = USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST;

describeOn(anyDriver, 'sharing', () => {
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await webgpuOn(anyDriver);
    registerBackend(backend);
  });
  afterAll(() => backend.destroy());

  it("makes a tensor of the page's buffer, and leaves it alive", async () => {
    const { gpuDevice } = backend;
    const buffer = gpuDevice.createBuffer({ size: 32, usage: SHARED });
    gpuDevice.queue.writeBuffer(buffer, 0, Float32Array.of(1, 2, 3, 4, 5, 6));
    const x = backend.fromGPUBuffer(buffer, { dtype: 'float32', shape: [2, 3] });
    expect(await x.toArray()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    x.mul_(2);
    expect(await x.sum().item()).toBe(42);
    x.dispose();
    backend.trim();
    const again = backend.fromGPUBuffer(buffer, { dtype: 'float32', shape: [6] });
    expect(await again.toArray()).toEqual([2, 4, 6, 8, 10, 12]);
  });

  it('refuses a buffer that lacks a usage or is too small', () => {
    const { gpuDevice } = backend;
    const plain = gpuDevice.createBuffer({ size: 32, usage: USAGE.COPY_DST });
    expect(() => backend.fromGPUBuffer(plain, { dtype: 'float32', shape: [2] })).toThrow(
      /needs the usages STORAGE/,
    );
    const small = gpuDevice.createBuffer({ size: 16, usage: SHARED });
    expect(() => backend.fromGPUBuffer(small, { dtype: 'float32', shape: [5] })).toThrow(
      '[5] of float32 takes 20 bytes, and the memory has 16',
    );
    const odd = gpuDevice.createBuffer({ size: 20, usage: SHARED });
    expect(() => backend.fromGPUBuffer(odd, { dtype: 'float32', shape: [5] })).toThrow(/multiple of 16/);
  });

  it("gives the page a tensor's buffer with all that was enqueued", async () => {
    const { gpuDevice } = backend;
    const x = add(tensor([1, 2, 3, 4], { device }), 10).narrow(0, 1, 2);
    const { buffer, byteOffset, strides } = backend.gpuBuffer(x);
    expect([byteOffset, strides]).toEqual([4, [1]]);
    const seen = gpuDevice.createBuffer({ size: 8, usage: USAGE.MAP_READ | USAGE.COPY_DST });
    const encoder = gpuDevice.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, byteOffset, seen, 0, 8);
    gpuDevice.queue.submit([encoder.finish()]);
    await seen.mapAsync(1);
    expect([...new Float32Array(seen.getMappedRange())]).toEqual([12, 13]);
    expect(() => backend.gpuBuffer(tensor(1, { device: 'meta' }))).toThrow(/lies on meta/);
  });
});

describeOn(anyDriver, 'a device of few bindings', () => {
  it('finds room for operands in one buffer, whatever their dtypes', async () => {
    const backend = await webgpuOn(anyDriver);
    const { gpuDevice } = backend;
    const queue = new CommandQueue(gpuDevice, {
      software: true,
      owned: false,
      memoryLimit: 2 ** 28,
      pooledLimit: 2 ** 20,
    });
    // Two bindings: the output, and one for three inputs.
    const narrow: Queue = new Proxy(queue, {
      get(target, name) {
        if (name === 'maxStorageBuffers') return 2;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const operator = pointwise('testFewBindings', (a, b, c) => c.select(a.mul(10).add(b), -1));
    const calls: KernelCall[] = [];
    const before = setKernelInterceptor((call) => calls.push(call));
    const blank = (dtype: DType) => empty([2], { dtype, device: 'meta' });
    operator(blank('float32'), blank('int16'), blank('bool'));
    setKernelInterceptor(before);
    const program = calls[0]!.args[0] as Program;
    const operand = (dtype: DType, bytes: ArrayBufferView, offset: number) => {
      const allocation = queue.allocate(16);
      queue.write(allocation, 0, new Uint8Array(bytes.buffer));
      return { allocation, dtype, offset, strides: [1] };
    };
    const output = operand('float32', new Float32Array(4), 0);
    const inputs = [
      operand('float32', Float32Array.of(0, 1, 2, 3), 1),
      operand('int16', Int16Array.of(7, 8, 9, 10), 1),
      operand('bool', Uint8Array.of(0, 0, 0, 1, 0, 1, 0, 0), 3),
    ];
    pointwiseKernel(narrow)(program, [2], output, inputs, []);
    const bytes = await queue.read(output.allocation, 0, 8);
    expect([...new Float32Array(bytes.slice().buffer)]).toEqual([18, -1]);
    backend.destroy();
  });
});
