import { grad, ones, rand, randn, scaledDotProductAttention, type Tensor, tensor } from '@flambeau/core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { seeded } from '../support.ts';
import {
  counting,
  decomposed,
  expectClose,
  outputsAndGradients,
  TOLERANCE,
  use,
  variants,
} from './support.ts';

const FORWARD = 'scaledDotProductAttention';
const BACKWARD = `${FORWARD}Backward`;
const lead = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 });
const length = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 50, max: 130 }));
const features = fc.integer({ min: 1, max: 20 });
const dtype = fc.constantFrom('float32' as const, 'float64' as const);
const masks = fc.constantFrom('none', 'causal', 'truths', 'row', 'scores');

describe.each(variants)('fused attention with %s', (_name, make) => {
  const backend = make();
  beforeAll(() => use(backend));

  const compare = (f: () => Tensor, wanted: readonly Tensor[], tolerance: number, backward = 1): void => {
    const [fused, counts] = counting(backend, [FORWARD, BACKWARD], () => outputsAndGradients(f, wanted));
    expect(counts).toEqual({ [FORWARD]: 1, [BACKWARD]: backward });
    expectClose(
      fused,
      decomposed([FORWARD, BACKWARD], () => outputsAndGradients(f, wanted)),
      tolerance,
      1,
    );
  };

  it('agrees with the decomposition, with gradients', () => {
    fc.assert(
      fc.property(
        dtype,
        lead,
        length,
        length,
        features,
        features,
        masks,
        (type, front, queries, keys, width, valueWidth, mask) => {
          const options = { dtype: type, requiresGrad: true };
          const q = randn([...front, queries, width], options);
          const k = randn([...front, keys, width], options);
          const v = randn([...front, keys, valueWidth], options);
          const attnMask =
            mask === 'truths'
              ? rand([...front, queries, keys]).lt(0.5)
              : mask === 'row'
                ? rand([1, keys]).lt(0.5)
                : mask === 'scores'
                  ? randn([queries, keys], { dtype: type })
                  : null;
          const attend = (): Tensor =>
            scaledDotProductAttention(q, k, v, { attnMask, isCausal: mask === 'causal', scale: 0.7 });
          compare(attend, [q, k, v], TOLERANCE[type]! * 20);
        },
      ),
      seeded(60),
    );
  });

  it('takes heads that lie between each other, as projections leave them', () => {
    const split = (x: Tensor): Tensor => x.reshape([2, 70, 3, 8]).transpose(1, 2);
    const [q, k, v] = [0, 1, 2].map(() => randn([2, 70, 24], { requiresGrad: true })) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    compare(
      () =>
        scaledDotProductAttention(split(q), split(k), split(v), { isCausal: true })
          .transpose(1, 2)
          .reshape([2, 70, 24]),
      [q, k, v],
      1e-5,
    );
  });

  it('computes groups that share keys, whose gradients are decomposed', () => {
    const q = randn([2, 6, 40, 5], { requiresGrad: true });
    const k = randn([2, 3, 30, 5], { requiresGrad: true });
    const v = randn([2, 3, 30, 7], { requiresGrad: true });
    compare(() => scaledDotProductAttention(q, k, v, { enableGqa: true }), [q, k, v], 1e-5, 0);
  });

  it('gives a mask its gradient, and gradients theirs', () => {
    const q = randn([3, 4], { dtype: 'float64', requiresGrad: true });
    const k = randn([5, 4], { dtype: 'float64', requiresGrad: true });
    const v = randn([5, 2], { dtype: 'float64', requiresGrad: true });
    const attnMask = randn([3, 5], { dtype: 'float64', requiresGrad: true });
    compare(() => scaledDotProductAttention(q, k, v, { attnMask }), [q, k, v, attnMask], 1e-12, 0);
    const second = (): Tensor[] => {
      const [dq, dv] = grad(scaledDotProductAttention(q, k, v).sin().sum(), [q, v], { createGraph: true });
      return grad(dq!.mul(dq!).sum().add(dv!.sin().sum()), [q, k, v]);
    };
    expectClose(second(), decomposed([FORWARD, BACKWARD], second), 1e-11);
  });

  it('lets a query that may see nothing have zeros, and no gradient', () => {
    const q = randn([3, 4], { requiresGrad: true });
    const k = randn([5, 4], { requiresGrad: true });
    const attnMask = ones([3, 1]).cumsum(0).ne(2);
    compare(() => scaledDotProductAttention(q, k, k, { attnMask }), [q, k], 1e-5);
    const y = scaledDotProductAttention(q, k, k, { attnMask });
    expect(y.select(0, 1).abs().sum().itemSync()).toBe(0);
    expect(grad(y.sum(), [q])[0]!.select(0, 1).abs().sum().itemSync()).toBe(0);
  });

  it('does not take a query of NaN for one that may see nothing', () => {
    const q = tensor([[1], [Number.NaN], [1]]).mul(ones([3, 4]));
    const y = scaledDotProductAttention(q, ones([5, 4]), ones([5, 4]));
    expect([0, 1, 2].map((i) => y.select(0, i).isnan().any().itemSync())).toEqual([false, true, false]);
  });

  it('shares many heads of long rows', () => {
    const [q, k, v] = [0, 1, 2].map(() => randn([4, 3, 150, 32], { requiresGrad: true })) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    compare(() => scaledDotProductAttention(q, k, v), [q, k, v], 1e-5);
    const [, counts] = counting(backend, [BACKWARD], () =>
      grad(scaledDotProductAttention(q, k, v).sum(), [q]),
    );
    expect(counts[BACKWARD]).toBe(1);
    compare(() => scaledDotProductAttention(q, k, v, { isCausal: true }), [q, k, v], 1e-5);
  });
});
