import { type WebGpuBackend, webgpu } from '@flambeau/backend-webgpu';
import { embedding, gather, registerBackend, tensor, unregisterBackend } from '@flambeau/core';
import { BackendError } from '@flambeau/core/backend';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { GpuAllocation } from '../../src/memory/allocation.ts';
import { CommandQueue } from '../../src/queue/queue.ts';
import type { Shader } from '../../src/queue/types.ts';
import { anyDriver, describeOn, webgpuOn } from '../support/device.ts';

const queueOn = ({ gpuDevice, software }: WebGpuBackend): CommandQueue =>
  new CommandQueue(gpuDevice, { software, owned: false, memoryLimit: 2 ** 30, pooledLimit: 2 ** 20 });

/** Adds 1 to what it reads and writes that. */
const increment = (body = 'y[id.x] = x[id.x] + 1u;'): Shader => ({
  key: `increment ${body}`,
  bindings: ['read', 'read_write'],
  words: 0,
  workgroupSize: [4, 1, 1],
  source: () => `
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3<u32>) { ${body} }`,
});

const words = (bytes: Uint8Array): number[] => [...new Uint32Array(bytes.slice().buffer)];

const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describeOn(anyDriver, 'faults', () => {
  let backend: WebGpuBackend;
  let queue: CommandQueue;
  beforeAll(async () => {
    backend = await webgpuOn(anyDriver);
    queue = queueOn(backend);
  });
  afterAll(() => backend.destroy());

  it('gives readers of a buffer that is written a copy of what it held', async () => {
    const memory = queue.allocate(16);
    queue.write(memory, 0, new Uint8Array(Uint32Array.of(1, 2, 3, 4).buffer));
    queue.dispatch(increment(), [memory, memory], new Uint32Array(), [1, 1, 1]);
    queue.dispatch(increment(), [memory, memory], new Uint32Array(), [1, 1, 1]);
    expect(words(await queue.read(memory, 0, 16))).toEqual([3, 4, 5, 6]);
  });

  it("shows a refused shader's source, once, and goes on", async () => {
    const [x, y] = [queue.allocate(16), queue.allocate(16)];
    queue.dispatch(increment('y[id.x] = nonsense;'), [x, y], new Uint32Array(), [1, 1, 1]);
    const error = await errorOf(queue.synchronize());
    expect(error).toBeInstanceOf(BackendError);
    expect((error as BackendError).message).toMatch(/the shader increment .* did not compile: .*nonsense/);
    expect((error as BackendError).message).not.toContain('\n');
    expect((error as BackendError).data.source).toContain('y[id.x] = nonsense;');
    await queue.synchronize();
    queue.write(x, 0, new Uint8Array(16));
    queue.dispatch(increment(), [x, y], new Uint32Array(), [1, 1, 1]);
    expect(words(await queue.read(y, 0, 16))).toEqual([1, 1, 1, 1]);
  });

  it('names a refused shader also where nobody could wait for it to compile', async () => {
    const [x, y] = [queue.allocate(16), queue.allocate(16)];
    const refused = increment('y[id.x] = rubbish;');
    queue.dispatch(refused, [x, y], new Uint32Array(), [1, 1, 1]);
    queue.flush();
    await expect(queue.synchronize()).rejects.toThrow(/the shader increment .* did not compile: .*rubbish/);
    queue.dispatch(refused, [x, y], new Uint32Array(), [1, 1, 1]);
    await expect(queue.synchronize()).rejects.toThrow(BackendError);
    await queue.synchronize();
  });

  it('keeps the order of launches, copies and writes while shaders compile', async () => {
    const [x, y] = [queue.allocate(16), queue.allocate(16)];
    const launch = (step: number, from: GpuAllocation, to: GpuAllocation): void =>
      queue.dispatch(increment(`y[id.x] = x[id.x] * 2 + ${step};`), [from, to], new Uint32Array(), [1, 1, 1]);
    queue.write(x, 0, new Uint8Array(16));
    launch(1, x, y);
    queue.copy(y, 0, x, 0, 8);
    const early = queue.read(x, 0, 16);
    launch(2, x, y);
    queue.write(x, 12, new Uint8Array(Uint32Array.of(40).buffer));
    launch(3, x, y);
    queue.flush();
    launch(4, y, x);
    expect(words(await early)).toEqual([1, 1, 0, 0]);
    expect(words(await queue.read(y, 0, 16))).toEqual([5, 5, 3, 83]);
    expect(words(await queue.read(x, 0, 16))).toEqual([14, 14, 10, 170]);
  });

  it('names the first index that was out of range', async () => {
    const report = (index: number): Shader => ({
      key: `report ${index}`,
      bindings: ['read_write'],
      words: 4,
      workgroupSize: [1, 1, 1],
      source: () => `
@group(0) @binding(0) var<storage, read_write> faults: array<atomic<u32>, 4>;
@group(0) @binding(1) var<uniform> uniforms: vec4<u32>;
@compute @workgroup_size(1) fn main() {
  if (atomicAdd(&faults[0], 1u) == 0u) { atomicStore(&faults[1], uniforms.x); atomicStore(&faults[2], bitcast<u32>(${index})); }
}`,
    });
    for (const [op, index] of [
      ['gather', -3],
      ['scatter', 12],
    ] as const) {
      const site = queue.faultSite(op, 10);
      queue.dispatch(report(index), [queue.faults], Uint32Array.of(site, 0, 0, 0), [1, 1, 1]);
    }
    await expect(queue.synchronize()).rejects.toThrow('gather: index -3 is out of range for size 10');
    await queue.synchronize();
  });
});

describeOn(anyDriver, 'an index out of range', () => {
  it('is reported at the next read under the name of the operator that was called', async () => {
    const backend = await webgpuOn(anyDriver);
    registerBackend(backend);
    try {
      const weight = tensor([[1], [2], [3]], { device: 'webgpu' });
      const indices = tensor([0, 12], { dtype: 'int32', device: 'webgpu' });
      const index = tensor([[7]], { dtype: 'int32', device: 'webgpu' });
      await expect(embedding(indices, weight).data()).rejects.toThrow(
        'embedding: index 12 is out of range for size 3',
      );
      await expect(gather(weight, 0, index).data()).rejects.toThrow(
        'gather: index 7 is out of range for size 3',
      );
      expect(await weight.data()).toEqual(Float32Array.of(1, 2, 3));
    } finally {
      unregisterBackend('webgpu');
      backend.destroy();
    }
  });
});

describeOn(anyDriver, 'a lost device', () => {
  it('ends pending reads, refuses work and says how to make another, which works', async () => {
    const first = await webgpuOn(anyDriver);
    const memory = first.allocate(16, 'float32');
    first.write(memory, 0, new Uint8Array(16));
    const pending = errorOf(first.read(memory, 0, 16));
    first.gpuDevice.destroy();
    expect(String(await pending)).toMatch(/the device is lost/);
    expect(await first.lost).toBeInstanceOf(BackendError);
    expect(() => first.allocate(16, 'float32')).toThrow(
      /the device is lost .*registerBackend\(await webgpu\(\)\)/,
    );
    expect(() => first.write(memory, 0, new Uint8Array(16))).toThrow(BackendError);
    expect(String(await errorOf(first.synchronize()))).toMatch(/the device is lost/);
    first.free(memory);

    const second = await webgpu();
    const other = second.allocate(16, 'float32');
    second.write(other, 0, new Uint8Array(16).fill(5));
    expect((await second.read(other, 3, 1))[0]).toBe(5);
    second.destroy();
  });

  it('is never one that the page gave', async () => {
    const owner = await webgpuOn(anyDriver);
    const guest = await webgpu({ device: owner.gpuDevice, name: 'webgpu:7' });
    guest.destroy();
    expect(() => guest.allocate(16, 'float32')).toThrow(/given back/);
    const memory = owner.allocate(16, 'float32');
    owner.write(memory, 0, new Uint8Array(16).fill(9));
    expect((await owner.read(memory, 0, 1))[0]).toBe(9);
    owner.destroy();
  });
});
