import { full, registerBackend, setDefaultDevice, type Tensor } from '@flambeau/core';
import { beforeAll, expect, it, vi } from 'vitest';
import type { WebGpuBackend } from '../../src/index.ts';
import { anyDriver, describeOn, webgpuOn } from '../support/device.ts';

describeOn(anyDriver, 'one number', () => {
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await webgpuOn(anyDriver);
    registerBackend(backend);
    setDefaultDevice('webgpu');
  });
  const read = async (x: Tensor): Promise<unknown> => x.toArray();

  it.each([
    ['float32', -2.5],
    ['int32', -7],
  ] as const)('of %s is written without a shader, in the order of the calls', async (dtype, value) => {
    const compile = vi.spyOn(backend.gpuDevice, 'createShaderModule');
    const x = full([], value, { dtype });
    expect(compile).not.toHaveBeenCalled();
    const before = x.add(1);
    x.fill_(3);
    const after = x.add(1);
    expect([await read(before), await read(x), await read(after)]).toEqual([value + 1, 3, 4]);
    compile.mockRestore();
  });

  it('is written where a view stands', async () => {
    const x = full([4], 1);
    x.narrow(0, 2, 1).fill_(9);
    expect(await read(x)).toEqual([1, 1, 9, 1]);
  });

  it('is rounded, or kept in words with others, by a shader', async () => {
    expect(await read(full([1], 0.1, { dtype: 'float16' }))).toEqual([0.0999755859375]);
    expect(await read(full([], true))).toBe(true);
  });
});
