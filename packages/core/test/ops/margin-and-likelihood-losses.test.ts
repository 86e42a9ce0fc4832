import { cpu } from '@flambeau/backend-cpu';
import {
  cosineEmbeddingLoss,
  cosineSimilarity,
  gaussianNllLoss,
  gradcheck,
  gradgradcheck,
  hingeEmbeddingLoss,
  localResponseNorm,
  marginRankingLoss,
  multilabelMarginLoss,
  multilabelSoftMarginLoss,
  multiMarginLoss,
  ones,
  pairwiseDistance,
  poissonNllLoss,
  registerBackend,
  type Tensor,
  tensor,
  tripletMarginLoss,
  zeros,
} from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import { refuses } from './refusals.ts';
import { float64, watched } from './tensors.ts';

registerBackend(cpu());

/** Every expected number here was computed by PyTorch 2.13. */
const classes = (values: readonly number[] | number[][]): Tensor =>
  tensor(values as number[], { dtype: 'int32' });
const gradient = (x: Tensor): unknown => x.grad!.toArraySync();

describe('distances', () => {
  it('have gradients where a vector is zero', () => {
    const x = zeros([1, 2], { ...float64, requiresGrad: true });
    cosineSimilarity(x, ones([1, 2], float64))
      .sum()
      .backward();
    expect(gradient(x)).toEqual([[expect.closeTo(70710678.1186, 2), expect.closeTo(70710678.1186, 2)]]);
  });

  it('are differentiable twice', async () => {
    const inputs = [watched([2, 3]), watched([2, 3])];
    await gradcheck((...[a, b]) => cosineSimilarity(a!, b!), inputs);
    await gradgradcheck((...[a, b]) => cosineSimilarity(a!, b!, 0), inputs);
    await gradcheck((...[a, b]) => pairwiseDistance(a!, b!, { p: 3 }), inputs);
  });

  it('promote integers', () => {
    expect(cosineSimilarity(tensor([[3n, 4n]]), tensor([[6n, 8n]])).itemSync()).toBeCloseTo(1, 6);
  });
});

describe('margins', () => {
  it('pass the gradient at the bound', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    marginRankingLoss(x, tensor([1, 1]), tensor([1, 1]), { reduction: 'sum' }).backward();
    expect(gradient(x)).toEqual([-1, -0]);
    const distance = tensor([1, 0.5], { requiresGrad: true });
    hingeEmbeddingLoss(distance, tensor([-1, -1]), { reduction: 'sum' }).backward();
    expect(gradient(distance)).toEqual([-1, -1]);
  });

  it('swap anchor and positive where that is nearer', () => {
    const [anchor, positive, negative] = [tensor([[0, 0]]), tensor([[3, 0]]), tensor([[4, 0]])];
    expect(tripletMarginLoss(anchor, positive, negative).itemSync()).toBeCloseTo(0, 5);
    expect(tripletMarginLoss(anchor, positive, negative, { swap: true }).itemSync()).toBeCloseTo(3, 5);
  });

  it('take one vector as well as a batch', () => {
    expect(
      cosineEmbeddingLoss(tensor([1, 0]), tensor([0, 1]), tensor(-1), { margin: -0.5 }).itemSync(),
    ).toBeCloseTo(0.5, 5);
  });

  it('leave the own class out', () => {
    const x = tensor([[0.1, 0.2, 0.4, 0.8]]);
    expect(multiMarginLoss(x, classes([3])).itemSync()).toBeCloseTo(0.325, 5);
    expect(multiMarginLoss(x, classes([3]), { p: 2, weight: tensor([1, 1, 1, 2]) }).itemSync()).toBeCloseTo(
      0.305,
      5,
    );
    expect(multiMarginLoss(x, classes([3]), { reduction: 'none' }).shape).toEqual([1]);
  });

  it('read targets up to the first -1', () => {
    const x = tensor([[0.1, 0.2, 0.4, 0.8]]);
    expect(multilabelMarginLoss(x, classes([[3, 0, -1, 1]])).itemSync()).toBeCloseTo(0.85, 5);
    expect(multilabelMarginLoss(x.squeeze(0), classes([3, 0, -1, 1])).itemSync()).toBeCloseTo(0.85, 5);
  });

  it('have gradients', async () => {
    const x = watched([2, 3]);
    await gradcheck((a) => multiMarginLoss(a, classes([1, 0]), { p: 2 }), [x]);
    await gradcheck(
      (a) =>
        multilabelMarginLoss(
          a,
          classes([
            [1, 2, -1],
            [0, -1, -1],
          ]),
        ),
      [x],
    );
    await gradcheck((a) => multilabelSoftMarginLoss(a, ones([2, 3], float64).mul(0.3)), [x]);
    await gradcheck(
      (...[a, p, n]) => tripletMarginLoss(a!, p!, n!, { margin: 20, swap: true }),
      [x, watched([2, 3]), watched([2, 3])],
    );
  });

  it('stay finite for large logits', () => {
    expect(multilabelSoftMarginLoss(tensor([[1000, -1000]]), tensor([[1, 0]])).itemSync()).toBe(0);
    expect(multilabelSoftMarginLoss(tensor([[1000, -1000]]), tensor([[0, 1]])).itemSync()).toBe(1000);
  });

  refuses([
    [
      () => multiMarginLoss(ones([2, 3]), ones([2])),
      'DTypeError',
      "multiMarginLoss: target must be int32 or int64, got float32; convert it: to({ dtype: 'int32' })",
    ],
    [
      () => multiMarginLoss(ones([2, 3]), classes([0])),
      'ShapeError',
      'multiMarginLoss: input must be [batch, classes] with target [batch], or [classes] with []; got [2, 3] and [1]',
    ],
    [
      () => multiMarginLoss(ones([2, 3]), classes([0, 1]), { p: 3 }),
      'ArgumentError',
      'multiMarginLoss: p must be 1 or 2, got 3',
    ],
    [
      () => tripletMarginLoss(ones([2, 3]), ones([2, 3]), ones([3])),
      'ShapeError',
      'tripletMarginLoss: the operands must have the same number of dimensions, got [2, 3], [2, 3], [3]',
    ],
    [
      () => tripletMarginLoss(ones([2]), ones([2]), ones([2]), { margin: 0 }),
      'ArgumentError',
      'tripletMarginLoss: margin must be positive, got 0',
    ],
    [
      () => cosineEmbeddingLoss(ones([2, 3]), ones([2, 3]), ones([])),
      'ShapeError',
      'cosineEmbeddingLoss: inputs must be [batch, features] with a target [batch], or [features] with []; got [2, 3], [2, 3], []',
    ],
    [
      () => marginRankingLoss(ones([2]), ones([2]), ones([1, 2])),
      'ShapeError',
      'marginRankingLoss: the operands must have the same number of dimensions, got [2], [2], [1, 2]',
    ],
  ]);
});

describe('likelihoods', () => {
  it('approximate factorials above 1 alone', () => {
    const loss = poissonNllLoss(tensor([0, 0]), tensor([1, 3]), { full: true, reduction: 'none' });
    expect(loss.toArraySync()).toEqual([1, expect.closeTo(2.764082, 5)]);
    expect(poissonNllLoss(tensor([0]), tensor([0]), { logInput: false }).itemSync()).toBe(0);
  });

  it('bound the variance without cutting its gradient', () => {
    const variance = zeros([1], { ...float64, requiresGrad: true });
    const loss = gaussianNllLoss(tensor([1], float64), tensor([1], float64), variance);
    loss.backward();
    expect(loss.itemSync()).toBeCloseTo(-6.907755, 5);
    expect(gradient(variance)).toEqual([expect.closeTo(500000, 3)]);
  });

  it('take the variance for each row, or for all', () => {
    const x = ones([2, 3]);
    expect(gaussianNllLoss(x, x, ones([2]), { full: true }).itemSync()).toBeCloseTo(0.918938, 5);
    expect(gaussianNllLoss(x, x, ones([2, 1])).itemSync()).toBe(0);
    expect(gaussianNllLoss(x, x, 1).itemSync()).toBe(0);
  });

  refuses([
    [
      () => gaussianNllLoss(ones([2, 3]), ones([2, 3]), ones([3])),
      'ShapeError',
      'gaussianNllLoss: the variance must be [2, 3], [2, 1] or [2], got [3]',
    ],
    [
      () => gaussianNllLoss(ones([2]), ones([2]), -1),
      'ArgumentError',
      'gaussianNllLoss: the variance must be a tensor or a number of 0 or more, got -1',
    ],
  ]);
});

describe('localResponseNorm', () => {
  it('averages integers as integers', () => {
    const y = localResponseNorm(tensor([[[5n], [3n]]]), 2, { alpha: 1, beta: 1, k: 2 });
    expect(y.dtype).toBe('float32');
    expect(y.toArraySync()).toEqual([[[expect.closeTo(0.35714287, 6)], [expect.closeTo(0.15789473, 6)]]]);
  });

  refuses([
    [
      () => localResponseNorm(ones([2, 3]), 2),
      'ShapeError',
      'localResponseNorm: x must be [batch, channels, ...] with at least one more dimension, got [2, 3]',
    ],
    [
      () => localResponseNorm(ones([1, 2, 3]), 0),
      'ArgumentError',
      'localResponseNorm: size must be an integer of 1 or more, got 0',
    ],
  ]);
});
