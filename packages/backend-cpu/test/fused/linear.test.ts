import { linear, randn, type Tensor } from '@flambeau/core';
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

describe.each(variants)('linear with a fused bias, %s', (_name, make) => {
  const backend = make();
  beforeAll(() => use(backend));

  const compare = (f: () => Tensor, wanted: readonly Tensor[], dtype: string): void => {
    const [fused, counts] = counting(backend, ['linear'], () => outputsAndGradients(f, wanted));
    expect(counts.linear).toBe(1);
    expectClose(
      fused,
      decomposed(['linear'], () => outputsAndGradients(f, wanted)),
      TOLERANCE[dtype]!,
    );
  };

  it('agrees with its decomposition', () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 70 }));
    fc.assert(
      fc.property(
        fc.constantFrom('float32' as const, 'float64' as const),
        fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 2 }),
        size,
        size,
        fc.boolean(),
        (dtype, lead, inputs, outputs, turned) => {
          const options = { dtype, requiresGrad: true };
          const x = randn([...lead, inputs], options);
          const w = turned ? randn([inputs, outputs], options) : randn([outputs, inputs], options);
          const b = randn([outputs], options);
          compare(() => linear(x, turned ? w.t() : w, b), [x, w, b], dtype);
        },
      ),
      seeded(80),
    );
  });

  it.each([
    [300, 784, 128],
    [64, 300, 2000],
    [7, 1000, 10],
    [1, 500, 400],
    [2, 101, 70],
    [3, 101, 70],
    [4, 101, 70],
    [2000, 30, 1],
  ])('agrees on %i rows of %i by %i', (rows, inputs, outputs) => {
    const x = randn([rows, inputs], { requiresGrad: true });
    const w = randn([outputs, inputs], { requiresGrad: true });
    const b = randn([outputs], { requiresGrad: true });
    compare(() => linear(x, w, b), [x, w, b], 'float32');
    const turned = randn([inputs, outputs], { requiresGrad: true });
    compare(() => linear(x, turned.t(), b), [x, turned, b], 'float32');
  });
});
