import type { WebGpuBackend } from '@flambeau/backend-webgpu';
import { OutOfMemoryError } from '@flambeau/core/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { classOf } from '../../src/memory/pool.ts';
import { anyDriver, describeOn, webgpuOn } from '../support/device.ts';

const MIB = 2 ** 20;

describe('size classes', () => {
  it('hold what was asked for and waste at most a fifth', () => {
    for (let byteLength = 16; byteLength < 2 ** 31; byteLength = Math.ceil(byteLength * 1.07)) {
      const size = classOf(byteLength);
      expect(size).toBeGreaterThanOrEqual(byteLength);
      expect(size % 16).toBe(0);
      if (byteLength > 256) expect(size / byteLength).toBeLessThan(1.25);
      expect(classOf(size)).toBe(size);
    }
  });
});

describeOn(anyDriver, 'memory', () => {
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await webgpuOn(anyDriver, { memoryLimit: 64 * MIB, pooledLimit: 16 * MIB });
  });

  it('uses a freed buffer again', () => {
    const before = backend.memory;
    backend.free(backend.allocate(MIB, 'float32'));
    const { buffers } = backend.memory;
    for (let i = 0; i < 100; i++) backend.free(backend.allocate(MIB, 'float32'));
    expect(backend.memory.buffers).toBe(buffers);
    expect(backend.memory.live).toBe(before.live);
  });

  it('keeps no more than its limit of what nobody uses', async () => {
    const all = Array.from({ length: 24 }, () => backend.allocate(2 * MIB, 'float32'));
    for (const allocation of all) backend.free(allocation);
    expect(backend.memory.pooled).toBeLessThanOrEqual(16 * MIB);
    await backend.synchronize();
    backend.trim();
    expect(backend.memory.pooled).toBe(0);
  });

  it('destroys a buffer only once no command names it', async () => {
    const source = backend.allocate(20 * MIB, 'float32');
    const target = backend.allocate(16, 'float32');
    backend.write(source, 0, Uint8Array.of(1, 2, 3, 4));
    backend.copy(source, 0, target, 0, 4);
    backend.free(source);
    expect(backend.memory.pooled).toBeLessThanOrEqual(16 * MIB);
    expect([...(await backend.read(target, 0, 4))]).toEqual([1, 2, 3, 4]);
    backend.free(target);
  });

  it('says when the limit is reached, and goes on', async () => {
    const most = backend.allocate(40 * MIB, 'float32');
    expect(() => backend.allocate(40 * MIB, 'float32')).toThrow(OutOfMemoryError);
    expect(() => backend.allocate(40 * MIB, 'float32')).toThrow(/41943040 bytes do not fit/);
    backend.free(most);
    const again = backend.allocate(40 * MIB, 'float32');
    backend.write(again, 0, Uint8Array.of(7, 0, 0, 0));
    expect((await backend.read(again, 0, 1))[0]).toBe(7);
    backend.free(again);
  });

  it('refuses what no binding can hold, with the sizes', () => {
    const { maxByteLength } = backend.limits;
    expect(() => backend.allocate(maxByteLength + 16, 'float32')).toThrow(
      `${maxByteLength + 16} bytes are more than the ${maxByteLength}`,
    );
  });
});
