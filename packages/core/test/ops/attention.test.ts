import { cpu } from '@flambeau/backend-cpu';
import {
  gradcheck,
  gradgradcheck,
  matmul,
  ones,
  randn,
  registerBackend,
  scaledDotProductAttention,
  softmax,
  type Tensor,
  tensor,
  where,
  zeros,
} from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import { refuses } from './refusals.ts';
import { float64, values, watched } from './tensors.ts';

registerBackend(cpu());

const random = (shape: readonly number[]): Tensor => randn(shape, float64);

function near(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).toEqual(expected.shape);
  const [a, b] = [actual.contiguous().dataSync(), expected.contiguous().dataSync()];
  for (let i = 0; i < a.length; i++) expect(Math.abs(Number(a[i]) - Number(b[i]))).toBeLessThan(1e-9);
}

const below = (queries: number, keys: number): Tensor => ones([queries, keys], float64).tril().ne(0);

describe('scaledDotProductAttention', () => {
  it('is softmax of scaled scores times values', () => {
    const [q, k, v] = [random([2, 3, 4]), random([2, 5, 4]), random([2, 5, 2])];
    near(scaledDotProductAttention(q, k, v), matmul(softmax(matmul(q, k.transpose(1, 2)).mul(0.5), -1), v));
    near(
      scaledDotProductAttention(q, k, v, { scale: -2 }),
      matmul(softmax(matmul(q, k.transpose(1, 2)).mul(-2), -1), v),
    );
  });

  it('sees no key after its own place when it is causal', () => {
    const [q, k, v] = [random([1, 2, 4, 3]), random([1, 2, 3, 3]), random([1, 2, 3, 3])];
    near(
      scaledDotProductAttention(q, k, v, { isCausal: true }),
      scaledDotProductAttention(q, k, v, { attnMask: below(4, 3) }),
    );
  });

  it('gives zeros, and gradients of zero, to a query that sees nothing', () => {
    const q = ones([2, 2], { requiresGrad: true });
    const y = scaledDotProductAttention(q, ones([3, 2]), ones([3, 2]), {
      attnMask: tensor([
        [false, false, false],
        [true, false, true],
      ]),
    });
    expect(values(y)).toEqual([
      [0, 0],
      [1, 1],
    ]);
    y.sum().backward();
    expect(values(q.grad!.isnan().any())).toBe(false);
  });

  it('lets several heads of queries share one of keys and values', () => {
    const [q, k, v] = [random([2, 6, 3, 4]), random([2, 2, 5, 4]), random([2, 2, 5, 4])];
    const repeated = (x: Tensor): Tensor => x.repeatInterleave(3, 1);
    const masks = [undefined, random([3, 5]), random([2, 1, 3, 5]), random([2, 6, 3, 5])];
    for (const attnMask of masks) {
      const mask = attnMask === undefined ? {} : { attnMask };
      near(
        scaledDotProductAttention(q, k, v, { enableGqa: true, ...mask }),
        scaledDotProductAttention(q, repeated(k), repeated(v), mask),
      );
    }
  });

  it('drops weights and scales the rest', () => {
    expect(
      values(scaledDotProductAttention(ones([2, 2]), ones([3, 2]), ones([3, 2]), { dropoutP: 1 })),
    ).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  it.each([
    ['plain', {}],
    ['causal', { isCausal: true }],
    ['masked', { attnMask: below(3, 3) }],
  ] as const)('has gradients, and gradients of gradients: %s', async (_name, options) => {
    const inputs = [watched([2, 3, 2]), watched([2, 3, 2]), watched([2, 3, 2])];
    const fn = (...[q, k, v]: Tensor[]): Tensor => scaledDotProductAttention(q!, k!, v!, options);
    await gradcheck(fn, inputs);
    await gradgradcheck(fn, inputs);
  });

  it.each([
    ['plain', {}],
    ['causal', { isCausal: true }],
    ['masked', { attnMask: below(3, 3) }],
  ] as const)('has them by its parts too: %s', async (_name, options) => {
    const inputs = [watched([2, 2, 3]), watched([2, 2, 3]), watched([2, 3, 2])];
    // Fused kernels take no columns that lie apart.
    const fn = (...[q, k, v]: Tensor[]): Tensor =>
      scaledDotProductAttention(q!.transpose(-2, -1), k!.transpose(-2, -1), v!, options);
    await gradcheck(fn, inputs);
    await gradgradcheck(fn, inputs);
  });

  it('passes gradients to an additive mask, also with shared heads', async () => {
    const inputs = [watched([1, 4, 2, 2]), watched([1, 2, 3, 2]), watched([1, 2, 3, 2]), watched([4, 2, 3])];
    await gradcheck(
      (...[q, k, v, attnMask]) =>
        scaledDotProductAttention(q!, k!, v!, { attnMask: attnMask!, enableGqa: true }),
      inputs,
    );
  });

  it('takes no queries, and no keys', () => {
    expect(scaledDotProductAttention(ones([0, 2]), ones([3, 2]), ones([3, 2])).shape).toEqual([0, 2]);
    expect(values(scaledDotProductAttention(ones([1, 2]), ones([0, 2]), ones([0, 2])))).toEqual([[0, 0]]);
  });

  it('leaves its operands as they were', () => {
    const q = ones([2, 2]);
    scaledDotProductAttention(q, q, where(q.gt(0), q, 0), { isCausal: true });
    expect(values(q)).toEqual([
      [1, 1],
      [1, 1],
    ]);
  });

  refuses([
    [
      () => scaledDotProductAttention(ones([2]), ones([2, 2]), ones([2, 2])),
      'ShapeError',
      'scaledDotProductAttention: query must be [..., length, features], got [2]',
    ],
    [
      () => scaledDotProductAttention(ones([2, 3]), ones([2, 2]), ones([2, 2])),
      'ShapeError',
      'scaledDotProductAttention: query and key need the same features, key and value the same length; query is [2, 3], key [2, 2], value [2, 2]',
    ],
    [
      () => scaledDotProductAttention(ones([2, 2]), ones([2, 2]), ones([2, 2], float64)),
      'DTypeError',
      "scaledDotProductAttention: dtypes differ, float32 against float64; convert one: to({ dtype: 'float32' })",
    ],
    [
      () =>
        scaledDotProductAttention(ones([2, 2]), ones([2, 2]), ones([2, 2]), {
          attnMask: zeros([2, 2]),
          isCausal: true,
        }),
      'ArgumentError',
      'scaledDotProductAttention: give attnMask or isCausal, not both',
    ],
    [
      () =>
        scaledDotProductAttention(ones([2, 2]), ones([2, 2]), ones([2, 2]), {
          attnMask: zeros([2, 2], { dtype: 'int32' }),
        }),
      'DTypeError',
      "scaledDotProductAttention: attnMask must be bool or float32, got int32; convert it: to({ dtype: 'float32' })",
    ],
    [
      () => scaledDotProductAttention(ones([3, 2, 2]), ones([2, 2, 2]), ones([2, 2, 2]), { enableGqa: true }),
      'ShapeError',
      'scaledDotProductAttention: with enableGqa the heads of query must be a multiple of those of key and value; query is [3, 2, 2], key [2, 2, 2], value [2, 2, 2]',
    ],
  ]);
});
