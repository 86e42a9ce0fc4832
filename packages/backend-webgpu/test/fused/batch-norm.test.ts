import { cpu } from '@flambeau/backend-cpu';
import {
  batchNorm,
  type Device,
  registerBackend,
  setKernelInterceptor,
  type Tensor,
  tensor,
} from '@flambeau/core';
import { beforeAll, expect, it } from 'vitest';
import { anyDriver, describeOn, webgpuAsOnGpu, webgpuOn } from '../support/device.ts';

function filled(shape: readonly number[], seed: number, device: Device): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from({ length }, (_, i) => (((i * 37 + seed * 13) % 101) - 50) / 16);
  return tensor(values, { device }).reshape(shape);
}

type Dtype = 'float32' | 'float16' | 'bfloat16';

interface Sample {
  readonly shape: readonly number[];
  readonly dtype?: Dtype;
  readonly turned?: boolean;
  readonly weight?: boolean;
  readonly bias?: boolean;
  /** Added to every element. */
  readonly level?: number;
}

/** The output, what became of the running statistics, and the gradients of everything that went in. */
async function results(sample: Sample, device: Device): Promise<ArrayLike<number>[]> {
  const { shape, dtype = 'float32', turned = false, weight = true, bias = true, level = 0 } = sample;
  const dims = shape.map((_, dim) => shape.length - 1 - dim);
  const given = turned ? filled(shape.toReversed(), 1, device).permute(dims) : filled(shape, 1, device);
  const leaf = (x: Tensor): Tensor => x.to({ dtype }).detach().requiresGrad_();
  const x = leaf(given.add(level));
  const channels = [shape[1]!];
  const [w, b] = [weight, bias].map((there, i) => (there ? leaf(filled(channels, 2 + i, device)) : null));
  const running = [filled(channels, 4, device), filled(channels, 5, device).abs()] as const;
  const y = batchNorm(x, ...running, w, b, { training: true, momentum: 0.3 });
  y.backward(filled(shape, 6, device).to({ dtype }));
  const leaves = [x, w, b].filter((leaf) => leaf != null);
  const all = [y, ...running, ...leaves.map((leaf) => leaf.grad!)];
  return Promise.all(all.map((value) => value.to({ dtype: 'float32' }).data())) as Promise<
    ArrayLike<number>[]
  >;
}

const TOLERANCE = { float32: 1e-5, float16: 6e-3, bfloat16: 5e-2 } as const;

/** Channels beside each other and apart, one and many of each size, parts of unequal length, and every dtype. */
const SAMPLES: readonly Sample[] = [
  { shape: [8, 6, 5, 7] },
  { shape: [8, 6, 5, 7], turned: true },
  { shape: [8, 6, 5, 7], weight: false },
  { shape: [8, 6, 5, 7], bias: false },
  { shape: [8, 6, 5, 7], weight: false, bias: false },
  { shape: [3, 2, 64, 36] },
  { shape: [1, 3, 41, 37] },
  { shape: [2, 1, 300] },
  { shape: [151, 70] },
  { shape: [5000, 3] },
  { shape: [3, 2] },
  { shape: [2, 300, 2, 2] },
  { shape: [8, 6, 5, 7], dtype: 'float16' },
  { shape: [33, 9], dtype: 'float16' },
  { shape: [8, 6, 5, 7], dtype: 'bfloat16' },
  { shape: [33, 9], dtype: 'bfloat16' },
];

describeOn(anyDriver, 'batch norm', () => {
  beforeAll(async () => {
    registerBackend(cpu());
    registerBackend(await webgpuOn(anyDriver));
    registerBackend(await webgpuAsOnGpu(anyDriver, { name: 'webgpu:1' }));
  });

  it.each(['webgpu', 'webgpu:1'] as const)(
    'agrees with the CPU, gradients too (%s)',
    { timeout: 180_000 },
    async (device) => {
      for (const sample of SAMPLES) {
        const [ours, theirs] = [await results(sample, device), await results(sample, 'cpu')];
        for (const [k, expected] of theirs.entries()) {
          const scale = Math.max(1, ...Array.from(expected, Math.abs));
          for (let i = 0; i < expected.length; i++)
            expect(
              Math.abs(ours[k]![i]! - expected[i]!),
              `${JSON.stringify(sample)}: result ${k}, element ${i}`,
            ).toBeLessThanOrEqual(TOLERANCE[sample.dtype ?? 'float32'] * scale);
        }
      }
    },
  );

  it.each(['webgpu', 'webgpu:1'] as const)(
    'keeps the variance of what lies far from 0 (%s)',
    async (device) => {
      const sample = { shape: [16, 3, 40], level: 4096 };
      const [[ours], [theirs]] = [
        await results(sample, device),
        await results({ ...sample, level: 0 }, 'cpu'),
      ];
      for (let i = 0; i < theirs!.length; i++) expect(ours![i]).toBeCloseTo(theirs![i]!, 3);
    },
  );

  it('is what runs', () => {
    const kernels: string[] = [];
    const before = setKernelInterceptor(({ kernel }, launch) => {
      kernels.push(kernel);
      launch();
    });
    try {
      const x = filled([4, 6, 8], 1, 'webgpu').requiresGrad_();
      batchNorm(x, null, null, null, null, { training: true }).mul(x).sum().backward();
    } finally {
      setKernelInterceptor(before);
    }
    expect(kernels).toEqual(expect.arrayContaining(['batchNorm', 'batchNormBackward']));
  });
});
