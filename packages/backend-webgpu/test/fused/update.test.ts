import type { WebGpuBackend } from '@flambeau/backend-webgpu';
import { noGrad, registerBackend, setKernelInterceptor, tensor, update } from '@flambeau/core';
import type { Update } from '@flambeau/core/backend';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CommandQueue } from '../../src/queue/queue.ts';
import type { Shader } from '../../src/queue/types.ts';
import { updateKernel } from '../../src/update/update.ts';
import { anyDriver, describeOn, webgpuOn } from '../support/device.ts';

/** `average = decay * average + g`, then `x -= average`. */
const momentum = update('momentum', {
  operands: ['x', 'g', 'average'],
  numbers: ['decay'],
  steps: {
    average: ({ average, g, decay }) => average.mul(decay).add(g),
    x: ({ x, average }) => x.sub(average),
  },
});

describeOn(anyDriver, 'updates', () => {
  let backend: WebGpuBackend;
  let known: Update;
  beforeAll(async () => {
    backend = await webgpuOn(anyDriver);
    registerBackend(backend);
    setKernelInterceptor(({ kernel, args }, launch) => {
      if (kernel === 'update') known = args[0] as Update;
      else launch();
    });
    noGrad(() => momentum([[0, 1, 2].map(() => tensor([1, 2], { device: 'webgpu' }))], { decay: 0 }));
    setKernelInterceptor(null);
  });
  afterAll(() => backend.destroy());

  it.each([
    ['a GPU that binds ten buffers', 10, [2, 2, 2, 1]],
    ['a GPU that binds as many as it likes', 1000, [4, 2, 1]],
  ])('take as many rows at once as can be bound: %s', async (_name, most, counts) => {
    const options = { software: false, owned: false, memoryLimit: 2 ** 30, pooledLimit: 2 ** 20 };
    const queue = new CommandQueue(backend.gpuDevice, options);
    const launches: number[] = [];
    const kernel = updateKernel({
      ...queue,
      maxStorageBuffers: most,
      dispatch: (shader: Shader, ...rest: [never, never, never]) => {
        launches.push(shader.bindings.length / 3);
        queue.dispatch(shader, ...rest);
      },
    } as unknown as CommandQueue);
    const lengths = [5, 300, 1, 64, 257, 4, 1000];
    const rows = lengths.map((length) => {
      const operands = [0, 1, 2].map((k) => {
        const allocation = queue.allocate(Math.ceil((length + 1) / 4) * 16);
        const values = Float32Array.from({ length: length + 1 }, (_, i) => (i < length ? i + k : -7));
        queue.write(allocation, 0, new Uint8Array(values.buffer));
        return { allocation, dtype: 'float32' as const, offset: 0, strides: [1] };
      });
      return { length, operands };
    });
    kernel.run(known, rows, [0.5]);
    expect(launches).toEqual(counts);
    for (const { length, operands } of rows) {
      const [x, g, average] = await Promise.all(
        operands.map(async ({ allocation }) => {
          const bytes = await queue.read(allocation, 0, (length + 1) * 4);
          return [...new Float32Array(bytes.slice().buffer)];
        }),
      );
      // The number behind the last one is nobody's.
      const row = (make: (i: number) => number): number[] => [
        ...Array.from({ length }, (_, i) => make(i)),
        -7,
      ];
      expect(average).toEqual(row((i) => 0.5 * (i + 2) + i + 1));
      expect(x).toEqual(row((i) => i - (0.5 * (i + 2) + i + 1)));
      expect(g).toEqual(row((i) => i + 1));
    }
  });
});
