import { cpu } from '@flambeau/backend-cpu';
import {
  type Device,
  groupNorm,
  instanceNorm,
  layerNorm,
  logSoftmax,
  registerBackend,
  rmsNorm,
  setKernelInterceptor,
  softmax,
  type Tensor,
  tensor,
} from '@flambeau/core';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { anyDriver, describeOn, webgpuOn } from '../support/device.ts';

const OPERATORS = {
  softmax: (x: Tensor, dim: number) => softmax(x, dim),
  logSoftmax: (x: Tensor, dim: number) => logSoftmax(x, dim),
  layerNorm: (x: Tensor, _dim: number, [w, b]: readonly Tensor[]) => layerNorm(x, [x.shape.at(-1)!], w, b),
  groupNorm: (x: Tensor) => groupNorm(x, 1),
  instanceNorm: (x: Tensor) => instanceNorm(x),
  rmsNorm: (x: Tensor, _dim: number, [w]: readonly Tensor[]) => rmsNorm(x, [x.shape.at(-1)!], w),
} as const;

type Name = keyof typeof OPERATORS;

interface Sample {
  readonly name: Name;
  readonly shape: readonly [number, number, number];
  readonly dim: number;
  readonly turned: boolean;
  readonly affine: boolean;
  readonly dtype: 'float32' | 'float16' | 'bfloat16';
}

const samples: fc.Arbitrary<Sample> = fc.record({
  name: fc.constantFrom(...(Object.keys(OPERATORS) as Name[])),
  shape: fc.tuple(
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 1, max: 7 }),
    fc.integer({ min: 2, max: 300 }),
  ),
  dim: fc.integer({ min: 0, max: 2 }),
  turned: fc.boolean(),
  affine: fc.boolean(),
  dtype: fc.constantFrom('float32', 'float16', 'bfloat16'),
});

function filled(shape: readonly number[], seed: number, device: Device): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from({ length }, (_, i) => (((i * 37 + seed * 13) % 101) - 50) / 16);
  return tensor(values, { device }).reshape(shape);
}

/** The output, and the gradients of everything that went in. */
async function results(sample: Sample, device: Device): Promise<ArrayLike<number>[]> {
  const { shape, turned, affine, dtype } = sample;
  const given = turned ? filled(shape.toReversed(), 1, device).permute([2, 1, 0]) : filled(shape, 1, device);
  const leaf = (x: Tensor): Tensor => x.to({ dtype }).detach().requiresGrad_();
  const leaves = [leaf(given)];
  if (affine && (sample.name === 'layerNorm' || sample.name === 'rmsNorm'))
    leaves.push(leaf(filled([shape[2]], 2, device)));
  if (affine && sample.name === 'layerNorm') leaves.push(leaf(filled([shape[2]], 3, device)));
  const y = OPERATORS[sample.name](leaves[0]!, sample.dim, leaves.slice(1));
  y.backward(filled(y.shape, 4, device).to({ dtype }));
  const all = [y, ...leaves.map((x) => x.grad!)];
  return Promise.all(all.map((x) => x.to({ dtype: 'float32' }).data())) as Promise<ArrayLike<number>[]>;
}

const TOLERANCE = { float32: 2e-5, float16: 6e-3, bfloat16: 5e-2 } as const;

function expectClose(ours: ArrayLike<number>, theirs: ArrayLike<number>, tolerance: number): void {
  const scale = Math.max(1, ...Array.from(theirs, Math.abs));
  for (let i = 0; i < theirs.length; i++)
    expect(Math.abs(ours[i]! - theirs[i]!), `element ${i}`).toBeLessThanOrEqual(tolerance * scale);
}

describeOn(anyDriver, 'fused kernels over rows', () => {
  beforeAll(async () => {
    registerBackend(cpu());
    registerBackend(await webgpuOn(anyDriver));
  });

  it('agree with the CPU, gradients too, for any layout', { timeout: 180_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(samples, async (sample) => {
        const [ours, theirs] = [await results(sample, 'webgpu'), await results(sample, 'cpu')];
        for (const [i, expected] of theirs.entries())
          expectClose(ours[i]!, expected, TOLERANCE[sample.dtype]);
      }),
      { numRuns: 120, seed: 20_261 },
    );
  });

  it('give the gradients of weights that many elements share', { timeout: 60_000 }, async () => {
    const norms: readonly [number[], number[], (x: Tensor, w: Tensor, b: Tensor) => Tensor][] = [
      [[9, 37, 24], [24], (x, w, b) => layerNorm(x, [24], w, b)],
      [[150, 3, 4], [3, 4], (x, w, b) => layerNorm(x, [3, 4], w, b)],
      [[3, 4], [3, 4], (x, w, b) => layerNorm(x, [3, 4], w, b)],
      [[300, 5], [5], (x, w) => rmsNorm(x, [5], w)],
      [[6, 8, 5, 9], [8], (x, w, b) => groupNorm(x, 2, w, b)],
      [[6, 8, 5, 9], [8], (x, w, b) => instanceNorm(x, null, null, w, b)],
    ];
    const gradients = async (device: Device, [shape, own, f]: (typeof norms)[number]) => {
      const leaves = [filled(shape, 1, device), filled(own, 2, device), filled(own, 3, device)];
      for (const leaf of leaves) leaf.requiresGrad_();
      f(...(leaves as [Tensor, Tensor, Tensor])).backward(filled(shape, 4, device));
      return Promise.all(leaves.flatMap((leaf) => (leaf.grad ? [leaf.grad.data()] : [])));
    };
    for (const norm of norms) {
      const [ours, theirs] = [await gradients('webgpu', norm), await gradients('cpu', norm)];
      for (const [i, expected] of theirs.entries())
        expectClose(ours[i] as ArrayLike<number>, expected as ArrayLike<number>, TOLERANCE.float32);
    }
  });

  it('are what runs', async () => {
    const kernels: string[] = [];
    const before = setKernelInterceptor(({ kernel }, launch) => {
      kernels.push(kernel);
      launch();
    });
    try {
      const x = filled([4, 6, 8], 1, 'webgpu').requiresGrad_();
      x.softmax(1).logSoftmax(-1).sum().backward();
      layerNorm(x, [8]).mul(x).sum().backward();
      rmsNorm(x, [8]).mul(x).sum().backward();
      groupNorm(x, 2).mul(x).sum().backward();
      instanceNorm(x).mul(x).sum().backward();
    } finally {
      setKernelInterceptor(before);
    }
    expect(kernels).toEqual(
      expect.arrayContaining([
        'softmax',
        'logSoftmax',
        'softmaxBackward',
        'logSoftmaxBackward',
        ...['layerNorm', 'rmsNorm', 'groupNorm', 'instanceNorm'],
        ...['layerNormBackward', 'rmsNormBackward', 'groupNormBackward', 'instanceNormBackward'],
      ]),
    );
  });

  it('keep infinities and NaN apart, row by row', async () => {
    const { POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: low, NaN: nan } = Number;
    const rows = [
      [1, low, 2],
      [low, low, low],
      [inf, 1, 2],
      [nan, 1, 2],
      [1e38, -1e38, 0],
    ];
    for (const operator of [softmax, logSoftmax]) {
      const [ours, theirs] = await Promise.all(
        (['webgpu', 'cpu'] as const).map((device) => operator(tensor(rows, { device }), 1).data()),
      );
      expect(ours).toEqual(expect.objectContaining({ length: 15 }));
      for (const [i, value] of Array.from(theirs as ArrayLike<number>).entries())
        expect(ours![i], `element ${i}`).toSatisfy(
          (own: number) => Object.is(own, value) || Math.abs(own - value) < 1e-6,
        );
    }
  });
});
