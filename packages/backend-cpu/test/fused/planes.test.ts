import { batchNorm, groupNorm, instanceNorm, randn, type Tensor, tensor, zeros } from '@flambeau/core';
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

const few = fc.integer({ min: 1, max: 4 });
const size = fc.oneof(fc.integer({ min: 4, max: 9 }), fc.integer({ min: 4, max: 120 }));
const dtype = fc.constantFrom('float32' as const, 'float64' as const);
const vectors = fc.constantFrom('none', 'weight', 'bias', 'both');

describe.each(variants)('fused normalisation of planes with %s', (_name, make) => {
  const backend = make();
  beforeAll(() => use(backend));

  const compare = (
    name: string,
    f: () => Tensor,
    wanted: readonly (Tensor | null)[],
    tolerance: number,
  ): void => {
    const names = [name, `${name}Backward`];
    const own = wanted.filter((t) => t !== null);
    const [fused, counts] = counting(backend, names, () => outputsAndGradients(f, own));
    expect(counts).toEqual({ [name]: 1, [`${name}Backward`]: 1 });
    expectClose(
      fused,
      decomposed(names, () => outputsAndGradients(f, own)),
      tolerance,
      1,
    );
  };

  it('agrees with the decomposition', () => {
    fc.assert(
      fc.property(dtype, few, few, few, size, vectors, (type, n, groups, each, length, which) => {
        const options = { dtype: type, requiresGrad: true };
        const channels = groups * each;
        const x = randn([n + 1, channels, length], options);
        const w = which === 'weight' || which === 'both' ? randn([channels], options) : null;
        const b = which === 'bias' || which === 'both' ? randn([channels], options) : null;
        // Where few elements are normalised, the gradient is what is left of larger terms.
        const tolerance = TOLERANCE[type]! * 30;
        const all = [x, w, b];
        compare('batchNorm', () => batchNorm(x, null, null, w, b, { training: true }), all, tolerance);
        compare('instanceNorm', () => instanceNorm(x, null, null, w, b), all, tolerance);
        compare('groupNorm', () => groupNorm(x, groups, w, b), all, tolerance);
      }),
      seeded(40),
    );
  });

  it('moves the running statistics as the decomposition does', () => {
    const x = randn([5, 3, 4, 6]).mul(3).add(1);
    const moved = (): Tensor[] => {
      const running = [zeros([3]), zeros([3])] as const;
      const y = batchNorm(x, running[0], running[1], null, null, { training: true, momentum: 0.3 });
      return [y, ...running];
    };
    expectClose(moved(), decomposed(['batchNorm'], moved), 1e-5);
  });

  it('agrees where threads share many channels', () => {
    const x = randn([16, 100, 14, 14], { requiresGrad: true });
    const w = randn([100], { requiresGrad: true });
    compare('batchNorm', () => batchNorm(x, null, null, w, null, { training: true }), [x, w], 1e-5);
    compare('groupNorm', () => groupNorm(x, 20, w), [x, w], 1e-5);
    compare('instanceNorm', () => instanceNorm(x, null, null, w), [x, w], 1e-5);
  });

  it('keeps far means from eating up small spreads', () => {
    const x = randn([4, 2, 50]).add(1000);
    const y = batchNorm(x, null, null, null, null, { training: true });
    expect(y.mean().abs().itemSync()).toBeLessThan(1e-3);
    expect(y.var().itemSync()).toBeCloseTo(1, 2);
  });

  it('spreads what is not finite over its own channel alone', () => {
    const x = tensor([
      [
        [1, 2, 3, Number.NaN],
        [1, 2, 3, 5],
      ],
    ]);
    const y = instanceNorm(x);
    expect(y.select(1, 0).isnan().all().itemSync()).toBe(true);
    expect(y.select(1, 1).isfinite().all().itemSync()).toBe(true);
  });

  it('leaves planes of a few elements and other layouts to the decomposition', () => {
    const [, counts] = counting(backend, ['batchNorm'], () => {
      batchNorm(randn([8, 5]), null, null, null, null, { training: true });
      batchNorm(randn([8, 6, 5]).transpose(1, 2), null, null, null, null, { training: true });
    });
    expect(counts.batchNorm).toBe(0);
  });
});
