import { cpu } from '@flambeau/backend-cpu';
import {
  crossEntropy,
  gradcheck,
  gradgradcheck,
  logSoftmax,
  nllLoss,
  ones,
  randn,
  registerBackend,
  setKernelInterceptor,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import { refuses, untyped } from './refusals.ts';
import { float64, values } from './tensors.ts';

registerBackend(cpu());

const classes = (values: unknown): Tensor => tensor(values as number[], { dtype: 'int32' });

describe('crossEntropy', () => {
  const inputs: readonly (readonly [string, readonly number[], Tensor])[] = [
    ['a batch', [3, 4], classes([0, 3, 1])],
    ['one element', [4], classes(2)],
    [
      'places',
      [2, 3, 2],
      classes([
        [0, 2],
        [1, 1],
      ]),
    ],
    ['an ignored class', [3, 4], classes([0, -100, 1])],
  ];
  const weight = tensor([0.5, 2, 1, 0.25], float64);

  it.each(inputs)('agrees with its parts, and so do its gradients: %s', async (_name, shape, target) => {
    const dim = shape.length === 1 ? 0 : 1;
    const weights = weight.narrow(0, 0, shape[dim]!);
    for (const reduction of ['none', 'mean', 'sum'] as const) {
      for (const options of [{ reduction }, { reduction, weight: weights }]) {
        const x = randn(shape, { ...float64, requiresGrad: true });
        const whole = crossEntropy(x, target, options);
        const parts = nllLoss(logSoftmax(x, dim), target, options);
        expect(whole.sub(parts).abs().amax().itemSync()).toBeLessThan(1e-12);
        await gradcheck((a) => crossEntropy(a, target, options), [x]);
        await gradgradcheck((a) => crossEntropy(a, target, options), [x]);
      }
    }
  });

  it('is stable for large logits', () => {
    const x = tensor([[1000, -1000]], { requiresGrad: true });
    const loss = crossEntropy(x, classes([1]));
    loss.backward();
    expect(loss.itemSync()).toBe(2000);
    expect(values(x.grad!)).toEqual([[1, -1]]);
  });

  it('gives NaN for a mean over nothing, and gradients of zero', () => {
    const x = ones([2, 2], { requiresGrad: true });
    const loss = crossEntropy(x, classes([-100, -100]));
    loss.backward();
    expect(loss.itemSync()).toBeNaN();
    expect(x.grad!.abs().amax().itemSync()).toBe(0);
  });

  it('divides the gradient by what a mean weighs, past the range of halves too', () => {
    const x = zeros([70_000, 2], { dtype: 'float16', requiresGrad: true });
    crossEntropy(x, zeros([70_000], { dtype: 'int32' })).backward();
    const gradient = x.grad!.narrow(0, 0, 1).to({ dtype: 'float32' });
    expect(gradient.mul(70_000).toArraySync()).toEqual([[expect.closeTo(-0.5, 2), expect.closeTo(0.5, 2)]]);
  });

  it('needs one launch for the gradient of an unweighted mean', () => {
    const loss = crossEntropy(ones([3, 2], { requiresGrad: true }), classes([0, 1, -100]));
    const kernels: string[] = [];
    const before = setKernelInterceptor(({ kernel, operands }, launch) => {
      kernels.push(`${kernel} of ${operands.length}`);
      launch();
    });
    try {
      loss.backward();
    } finally {
      setKernelInterceptor(before);
    }
    // The first makes the gradient of the loss itself.
    expect(kernels).toEqual(['pointwise of 1', 'pointwise of 5']);
  });

  it('takes int64 and another class to ignore', () => {
    const x = tensor([
      [0, 0],
      [5, 0],
    ]);
    expect(crossEntropy(x, tensor([0n, 1n]), { ignoreIndex: 1 }).itemSync()).toBeCloseTo(Math.log(2), 6);
  });

  it('smooths labels, and takes probabilities', async () => {
    const x = randn([2, 3], { ...float64, requiresGrad: true });
    const smooth = crossEntropy(x, classes([0, 2]), { labelSmoothing: 0.3 });
    const spread = tensor(
      [
        [0.8, 0.1, 0.1],
        [0.1, 0.1, 0.8],
      ],
      float64,
    );
    expect(smooth.itemSync()).toBeCloseTo(Number(crossEntropy(x, spread).itemSync()), 12);
    await gradcheck((a) => crossEntropy(a, spread, { labelSmoothing: 0.1 }), [x]);
  });

  it('refuses a class that does not exist', () => {
    expect(() => crossEntropy(ones([1, 3]), classes([3])).itemSync()).toThrow(/index 3/);
  });

  refuses([
    [
      () => crossEntropy(ones([2, 3]), ones([2])),
      'DTypeError',
      "crossEntropy: classes are indices, but target is float32; convert it: target.to({ dtype: 'int32' })",
    ],
    [
      () => crossEntropy(ones([2, 3]), classes([0, 1, 2])),
      'ShapeError',
      'crossEntropy: input is [2, 3], so target must be [2]; it is [3]',
    ],
    [
      () => crossEntropy(ones([2, 3]), classes([0, 1]), { weight: ones([2]) }),
      'ShapeError',
      'crossEntropy: weight must be [3], one for each class; it is [2]',
    ],
    [
      () => crossEntropy(ones([2, 3]), classes([0, 1]), { labelSmoothing: 2 }),
      'ArgumentError',
      'crossEntropy: labelSmoothing lies in 0..1, got 2',
    ],
    [
      () => crossEntropy(ones([2, 3]), classes([0, 1]), { reduction: untyped('average') }),
      'ArgumentError',
      'crossEntropy: reduction must be none, mean, sum, got "average"',
    ],
  ]);
});
