import { cpu } from '@flambeau/backend-cpu';
import {
  batchNorm,
  gradcheck,
  gradgradcheck,
  groupNorm,
  instanceNorm,
  layerNorm,
  ones,
  randn,
  registerBackend,
  rmsNorm,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import { refuses } from './refusals.ts';
import { float64, values, watched } from './tensors.ts';

registerBackend(cpu());

/** Every expected number here was computed by PyTorch 2.13. */

type Fn = (...inputs: Tensor[]) => Tensor;
const norms: readonly (readonly [string, readonly (readonly number[])[], Fn])[] = [
  ['layerNorm', [[2, 3, 4], [4], [4]], (x, w, b) => layerNorm(x!, [4], w, b)],
  [
    'layerNorm of two dimensions, without bias',
    [
      [2, 3, 2],
      [3, 2],
    ],
    (x, w) => layerNorm(x!, [3, 2], w),
  ],
  ['layerNorm of all, without weight', [[3, 1]], (x) => layerNorm(x!, [3, 1])],
  ['batchNorm', [[3, 2, 2], [2], [2]], (x, w, b) => batchNorm(x!, null, null, w, b, { training: true })],
  [
    'batchNorm of rows, bias alone',
    [[4, 2], [2]],
    (x, b) => batchNorm(x!, null, null, null, b, { training: true, eps: 0.1 }),
  ],
  [
    'batchNorm by given statistics',
    [[3, 2, 2], [2], [2]],
    (x, w, b) => batchNorm(x!, zeros([2], float64), ones([2], float64), w, b),
  ],
  ['groupNorm', [[2, 4, 3], [4], [4]], (x, w, b) => groupNorm(x!, 2, w, b)],
  ['instanceNorm', [[2, 2, 3], [2], [2]], (x, w, b) => instanceNorm(x!, null, null, w, b)],
  ['rmsNorm', [[2, 3, 4], [4]], (x, w) => rmsNorm(x!, [4], w)],
  ['rmsNorm without weight', [[2, 3]], (x) => rmsNorm(x!, [3], null, { eps: 0.1 })],
];

describe('normalisation', () => {
  it.each(norms)('%s has gradients, and gradients of gradients', async (_name, shapes, fn) => {
    const inputs = shapes.map(watched);
    await gradcheck(fn, inputs);
    await gradgradcheck(fn, inputs);
  });

  it.each(norms)('%s reads transposed inputs, and keeps an empty batch', (_name, shapes, fn) => {
    const [x, ...vectors] = shapes.map(watched) as [Tensor, ...Tensor[]];
    const turned = x.transpose(0, -1).contiguous().transpose(0, -1);
    expect(
      fn(turned, ...vectors)
        .sub(fn(x, ...vectors))
        .abs()
        .amax()
        .itemSync(),
    ).toBeLessThan(1e-12);
    if (x.ndim < 2 || vectors.length === 0) return;
    const blank = zeros([0, ...x.shape.slice(1)], float64);
    expect(fn(blank, ...vectors).shape).toEqual(blank.shape);
  });

  it('computes halves in float32', () => {
    const x = tensor([[30000, 30008, 30016, 30024]], { dtype: 'float16' });
    expect(values(layerNorm(x, [4]))).toEqual([[-1.732421875, 0.5771484375, 0.5771484375, 0.5771484375]]);
    expect(layerNorm(x, [4]).dtype).toBe('float16');
    expect(values(rmsNorm(x, [4]))).toEqual([[0.99951171875, 1, 1, 1]]);
  });

  it('is exact where values are large and differences small', () => {
    const x = tensor([[4096, 4097, 4098, 4099]]);
    const y = layerNorm(x, [4]).toArraySync() as number[][];
    for (const [i, value] of [-1.341636, -0.447212, 0.447212, 1.341636].entries())
      expect(y[0]![i]).toBeCloseTo(value, 5);
  });

  it('gives results that may be changed in place', () => {
    const weight = ones([2], { requiresGrad: true });
    layerNorm(tensor([[1, 3]]), [2], weight)
      .relu_()
      .sum()
      .backward();
    // Zero has either sign, as the sum begins.
    expect((values(weight.grad!) as number[]).map((v) => Math.round(v * 1000) + 0)).toEqual([0, 1000]);
  });

  it('moves running statistics in place, unrecorded, by the sample variance', () => {
    const [mean, variance] = [zeros([2]), ones([2])];
    const x = tensor(
      [
        [1, 2],
        [3, 6],
      ],
      { requiresGrad: true },
    );
    batchNorm(x, mean, variance, null, null, { training: true, momentum: 0.5 }).sum().backward();
    expect(values(mean)).toEqual([1, 2]);
    expect(values(variance)).toEqual([1.5, 4.5]);
    expect(mean.requiresGrad).toBe(false);
    batchNorm(x, mean, variance, null, null, { training: true, momentum: 1 });
    expect(values(mean)).toEqual([2, 4]);
    const [perMean, perVariance] = [zeros([1]), ones([1])];
    instanceNorm(tensor([[[1, 3]], [[5, 9]]]), perMean, perVariance, null, null, { momentum: 1 });
    expect(values(perMean)).toEqual([4.5]);
    expect(values(perVariance)).toEqual([expect.closeTo(5, 4)]);
  });

  it('has a gradient of zero for a constant shift', () => {
    const x = randn([4, 3], { ...float64, requiresGrad: true });
    layerNorm(x, [3]).square().sum().backward();
    for (const row of values(x.grad!.sum(1)) as number[]) expect(Math.abs(row)).toBeLessThan(1e-9);
  });

  refuses([
    [
      () => layerNorm(ones([2, 3]), [4]),
      'ShapeError',
      'layerNorm: [2, 3] does not end in the normalised shape [4]',
    ],
    [
      () => layerNorm(ones([2, 3]), [3], ones([2])),
      'ShapeError',
      'layerNorm: weight must have the normalised shape [3], it is [2]',
    ],
    [
      () => layerNorm(ones([2, 3], { dtype: 'int32' }), [3]),
      'DTypeError',
      "layerNorm: needs a floating input, got int32; convert it: to({ dtype: 'float32' })",
    ],
    [
      () => batchNorm(ones([1, 3]), null, null, null, null, { training: true }),
      'ArgumentError',
      'batchNorm: training needs more than one value for each channel, [1, 3] has one',
    ],
    [
      () => batchNorm(ones([2, 3])),
      'ArgumentError',
      'batchNorm: outside of training it needs runningMean and runningVar',
    ],
    [
      () => batchNorm(ones([2, 3]), ones([2]), ones([3])),
      'ShapeError',
      'batchNorm: runningMean must be [3], one for each channel of [2, 3]; it is [2]',
    ],
    [() => groupNorm(ones([2, 3]), 2), 'ArgumentError', 'groupNorm: 3 channels do not divide into 2 groups'],
    [
      () => instanceNorm(ones([2, 3, 1])),
      'ArgumentError',
      'instanceNorm: it needs more than one value for each channel, [2, 3, 1] has one',
    ],
  ]);
});
