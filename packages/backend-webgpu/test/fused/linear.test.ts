import { cpu } from '@flambeau/backend-cpu';
import { type Device, linear, registerBackend, setKernelInterceptor, tensor } from '@flambeau/core';
import { beforeAll, expect, it } from 'vitest';
import { anyDriver, describeOn, webgpuOn } from '../support/device.ts';
import { filled, linearAgrees } from '../support/linear.ts';

describeOn(anyDriver, 'fused linear', () => {
  beforeAll(async () => {
    registerBackend(cpu());
    registerBackend(await webgpuOn(anyDriver));
  });

  it('agrees with the CPU for any layout, size and dtype', { timeout: 180_000 }, () => linearAgrees(50));

  it('agrees with the CPU where a product is large enough for shaders of its own', async () => {
    const of = (device: Device): Promise<unknown>[] => {
      const x = filled([210, 216], 1, 'float32', device);
      const weight = filled([210, 208], 2, 'float32', device);
      const bias = filled([208], 3, 'float32', device);
      const byColumns = filled([208, 216], 2, 'float32', device);
      return [
        linear(x.transpose(0, 1), weight.transpose(0, 1), bias).data(),
        linear(x, byColumns, bias).data(),
      ];
    };
    expect(await Promise.all(of('webgpu'))).toEqual(await Promise.all(of('cpu')));
  });

  it('is one kernel, with a bias and without', () => {
    const kernels: string[] = [];
    const before = setKernelInterceptor(({ kernel }, launch) => {
      kernels.push(kernel);
      launch();
    });
    try {
      const [x, weight, bias] = [[2, 3, 5], [4, 5], [4]].map((shape) =>
        filled(shape, 1, 'float32', 'webgpu'),
      );
      kernels.length = 0;
      linear(x!, weight!, bias);
      linear(x!, weight!);
    } finally {
      setKernelInterceptor(before);
    }
    expect(kernels).toEqual(['linear', 'linear']);
  });

  it('leaves what has no elements, and truths, to its parts', () => {
    const of = (shape: number[], dtype: 'float32' | 'bool') =>
      tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), { device: 'webgpu' })
        .reshape(shape)
        .to({ dtype });
    expect(linear(of([2, 0], 'float32'), of([3, 0], 'float32')).shape).toEqual([2, 3]);
    expect(linear(of([0, 2], 'float32'), of([3, 2], 'float32')).shape).toEqual([0, 3]);
    expect(() => linear(of([1, 2], 'bool'), of([3, 2], 'bool'))).toThrow('matmul: bool has no products');
  });
});
