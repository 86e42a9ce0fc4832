import { cpu } from '@flambeau/backend-cpu';
import { crossEntropy, type Device, registerBackend, setKernelInterceptor, tensor } from '@flambeau/core';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { anyDriver, describeOn, webgpuOn } from '../support/device.ts';

interface Sample {
  readonly rows: number;
  readonly classes: number;
  readonly weighted: boolean;
  readonly turned: boolean;
  readonly ignored: boolean;
  readonly reduction: 'mean' | 'sum';
  readonly dtype: 'float32' | 'float16';
}

const samples: fc.Arbitrary<Sample> = fc.record({
  rows: fc.integer({ min: 1, max: 70 }),
  classes: fc.integer({ min: 2, max: 40 }),
  weighted: fc.boolean(),
  turned: fc.boolean(),
  ignored: fc.boolean(),
  reduction: fc.constantFrom('mean', 'sum'),
  dtype: fc.constantFrom('float32', 'float16'),
});

async function results(sample: Sample, device: Device): Promise<number[]> {
  const { rows, classes, weighted, turned, ignored, reduction, dtype } = sample;
  const values = Float32Array.from({ length: rows * classes }, (_, i) => (((i * 37) % 101) - 50) / 16);
  const shape = turned ? [classes, rows] : [rows, classes];
  const given = tensor(values, { device }).reshape(shape).to({ dtype });
  const input = (turned ? given.transpose(0, 1) : given).detach().requiresGrad_();
  const classOf = Int32Array.from({ length: rows }, (_, i) => (i * 5) % classes);
  const target = tensor(classOf, { device });
  const weights = Float32Array.from({ length: classes }, (_, i) => 0.5 + (i % 3));
  const weight = weighted ? tensor(weights, { device }).to({ dtype }) : null;
  const loss = crossEntropy(input, target, { weight, reduction, ignoreIndex: ignored ? 1 : -100 });
  loss.backward();
  const all = [loss.reshape([1]), input.grad!.reshape([rows * classes])];
  const data = await Promise.all(all.map((x) => x.to({ dtype: 'float32' }).data()));
  return data.flatMap((part) => Array.from(part as Float32Array));
}

describeOn(anyDriver, 'fused cross entropy', () => {
  beforeAll(async () => {
    registerBackend(cpu());
    registerBackend(await webgpuOn(anyDriver));
  });

  it('agrees with the CPU, gradients too', { timeout: 180_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(samples, async (sample) => {
        const [ours, theirs] = [await results(sample, 'webgpu'), await results(sample, 'cpu')];
        const tolerance = sample.dtype === 'float32' ? 2e-5 : 6e-3;
        for (const [i, value] of theirs.entries()) {
          // A mean over nothing is NaN on both.
          if (Number.isNaN(value)) expect(ours[i]).toBeNaN();
          else
            expect(Math.abs(ours[i]! - value)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(value)));
        }
      }),
      { numRuns: 80, seed: 20_262 },
    );
  });

  it('is what runs, and reports a class out of range', async () => {
    const kernels: string[] = [];
    const before = setKernelInterceptor(({ kernel }, launch) => {
      kernels.push(kernel);
      launch();
    });
    try {
      const input = tensor([[0, 0]], { device: 'webgpu' });
      const target = tensor([2], { dtype: 'int32', device: 'webgpu' });
      await expect(crossEntropy(input, target).data()).rejects.toThrow(
        'crossEntropy: index 2 is out of range for size 2',
      );
    } finally {
      setKernelInterceptor(before);
    }
    expect(kernels).toContain('crossEntropy');
  });
});
