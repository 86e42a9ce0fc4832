import { cpu } from '@flambeau/backend-cpu';
import {
  avgPool1d,
  avgPool2d,
  avgPool3d,
  type Device,
  type DType,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  registerBackend,
  setKernelInterceptor,
  type Tensor,
  tensor,
} from '@flambeau/core';
import { isFloating } from '@flambeau/core/backend';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { anyDriver, describeOn, webgpuOn } from '../support/device.ts';

const MAXIMA = [maxPool1d, maxPool2d, maxPool3d];
const MEANS = [avgPool1d, avgPool2d, avgPool3d];
const DTYPES: readonly DType[] = ['float32', 'float16', 'bfloat16', 'int32', 'int16', 'int8', 'uint8'];

interface Sample {
  readonly dtype: DType;
  readonly lead: readonly [number, number];
  readonly kernel: readonly number[];
  readonly extra: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly padded: boolean;
  readonly ceilMode: boolean;
  readonly include: boolean;
  readonly divisor: number | null;
  readonly turned: boolean;
}

const samples: fc.Arbitrary<Sample> = fc.integer({ min: 1, max: 3 }).chain((rank) => {
  const list = (min: number, max: number): fc.Arbitrary<number[]> =>
    fc.array(fc.integer({ min, max }), { minLength: rank, maxLength: rank });
  return fc.record({
    dtype: fc.constantFrom(...DTYPES),
    lead: fc.constantFrom([1, 1], [3, 5], [2, 1], [40, 9]) as fc.Arbitrary<[number, number]>,
    kernel: list(1, 4),
    extra: list(0, 6),
    stride: list(1, 5),
    dilation: list(1, 2),
    padded: fc.boolean(),
    ceilMode: fc.boolean(),
    include: fc.boolean(),
    divisor: fc.constantFrom(null, 3, -2),
    turned: fc.boolean(),
  });
});

/** Small whole numbers with many ties, a NaN here and there among floats. */
function filled(shape: readonly number[], dtype: DType, device: Device): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  const values = Array.from({ length }, (_, i) =>
    isFloating(dtype) && i % 61 === 60 ? Number.NaN : ((i * 7) % 11) - (dtype === 'uint8' ? 0 : 5),
  );
  return tensor(values, { device, dtype }).reshape(shape);
}

const numbers = async (x: Tensor): Promise<number[]> => Array.from(await x.data(), Number);

/** The pool of maxima with its places, the pool of means, and their gradients. */
async function results(sample: Sample, device: Device): Promise<number[][]> {
  const { dtype, kernel, stride, dilation, ceilMode, lead } = sample;
  const rank = kernel.length;
  const size = kernel.map((k, d) => (k - 1) * dilation[d]! + 1 + sample.extra[d]!);
  const given = sample.turned
    ? filled([lead[0], ...size, lead[1]], dtype, device).movedim(-1, 1)
    : filled([...lead, ...size], dtype, device);
  const x = given.detach();
  if (isFloating(dtype)) x.requiresGrad_();
  const padding = kernel.map((k) => (sample.padded ? Math.floor(k / 2) : 0));
  const options = { stride, padding, ceilMode };
  const max = MAXIMA[rank - 1]!(x, kernel, { ...options, dilation, returnIndices: true });
  const mean = MEANS[rank - 1]!(x, kernel, {
    ...options,
    countIncludePad: sample.include,
    divisorOverride: sample.divisor,
  });
  const all: Tensor[] = [max.values, max.indices, mean];
  if (isFloating(dtype)) {
    for (const y of [max.values, mean]) {
      x.grad = null;
      y.backward(
        filled(y.shape, 'int32', device)
          .mul(2)
          .add(1)
          .to({ dtype: dtype as 'float32' }),
      );
      all.push(x.grad!);
    }
  }
  return Promise.all(all.map(numbers));
}

/** Maxima and their gradients are exact; means are rounded once, and their gradients once for each window. */
const TOLERANCE: Partial<Record<DType, number>> = { float32: 2e-6, float16: 4e-3, bfloat16: 4e-2 };

function expectClose(
  got: readonly number[],
  wanted: readonly number[],
  tolerance: number,
  name: string,
): void {
  expect(got.length, name).toBe(wanted.length);
  for (const [i, value] of wanted.entries())
    expect(got[i], `${name}, element ${i}, not ${value}`).toSatisfy(
      (own: number) =>
        Object.is(own, value) || Math.abs(own - value) <= tolerance * Math.max(1, Math.abs(value)),
    );
}

describeOn(anyDriver, 'fused pools', () => {
  beforeAll(async () => {
    registerBackend(cpu());
    registerBackend(await webgpuOn(anyDriver));
  });

  it('agree with the CPU, gradients too, for any geometry', { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(samples, async (sample) => {
        const [ours, theirs] = [await results(sample, 'webgpu'), await results(sample, 'cpu')];
        for (const [i, wanted] of theirs.entries())
          expectClose(ours[i]!, wanted, TOLERANCE[sample.dtype] ?? 0, `result ${i}`);
      }),
      { numRuns: 80, seed: 20_262 },
    );
  });

  it('take nothing from a window without elements, and give it nothing', async () => {
    const x = tensor([[[1], [2], [3]]], { device: 'webgpu' }).requiresGrad_();
    const y = maxPool1d(x, 2, { padding: 1, dilation: 2 });
    y.backward(filled([1, 3, 1], 'float32', 'webgpu'));
    const low = Number.NEGATIVE_INFINITY;
    expect([await numbers(y), await numbers(x.grad!)]).toEqual([
      [low, low, low],
      [0, 0, 0],
    ]);
  });

  it('are what runs', () => {
    const kernels: string[] = [];
    const before = setKernelInterceptor(({ kernel }, launch) => {
      kernels.push(kernel);
      launch();
    });
    try {
      const x = filled([2, 3, 8, 8], 'float32', 'webgpu').requiresGrad_();
      const dy = filled([2, 3, 4, 4], 'float32', 'webgpu');
      for (const pool of [maxPool2d, avgPool2d]) {
        kernels.length = 0;
        (pool(x, 2) as Tensor).backward(dy);
        expect(kernels).toEqual(
          pool === maxPool2d ? ['maxPool', 'maxPoolBackward'] : ['avgPool', 'avgPoolBackward'],
        );
        x.grad = null;
      }
    } finally {
      setKernelInterceptor(before);
    }
  });
});
