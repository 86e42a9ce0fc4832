import {
  crossEntropy,
  layerNorm,
  logSoftmax,
  randint,
  randn,
  rmsNorm,
  softmax,
  type Tensor,
  tensor,
} from '@flambeau/core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { faultOf, seeded } from '../support.ts';
import {
  counting,
  decomposed,
  expectClose,
  outputsAndGradients,
  TOLERANCE,
  use,
  variants,
} from './support.ts';

const SOFTMAX = ['softmax', 'logSoftmax', 'softmaxBackward', 'logSoftmaxBackward'];
const lead = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 2 });
const length = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 300 }));
const dtype = fc.constantFrom('float32' as const, 'float64' as const);

describe.each(variants)('fused kernels over rows with %s', (_name, make) => {
  const backend = make();
  beforeAll(() => use(backend));

  const compare = (
    names: readonly string[],
    f: () => Tensor,
    wanted: readonly Tensor[],
    tolerance: number,
  ): void => {
    const [fused, counts] = counting(backend, names, () => outputsAndGradients(f, wanted));
    for (const name of names) expect([name, counts[name]]).toEqual([name, 1]);
    expectClose(
      fused,
      decomposed([...SOFTMAX, ...names], () => outputsAndGradients(f, wanted)),
      tolerance,
      1,
    );
  };

  it('take halves as float32, rounded once', () => {
    for (const type of ['float16', 'bfloat16'] as const) {
      const x = randn([5, 43]).mul(4).to({ dtype: type });
      for (const [name, f] of [
        ['softmax', softmax],
        ['logSoftmax', logSoftmax],
      ] as const) {
        const [y, counts] = counting(backend, [name], () => f(x, 1));
        expect(counts[name]).toBe(1);
        expect(y.dtype).toBe(type);
        expect(y.toArray()).toEqual(
          f(x.to({ dtype: 'float32' }), 1)
            .to({ dtype: type })
            .toArray(),
        );
      }
    }
  });

  it('agree with the decomposition of softmax and log-softmax', () => {
    fc.assert(
      fc.property(dtype, lead, length, fc.constantFrom(0.1, 1, 30), (type, front, n, spread) => {
        const x = randn([...front, n], { dtype: type })
          .mul(spread)
          .detach()
          .requiresGrad_();
        compare(['softmax', 'softmaxBackward'], () => softmax(x, -1), [x], TOLERANCE[type]! * 4);
        compare(['logSoftmax', 'logSoftmaxBackward'], () => logSoftmax(x, -1), [x], TOLERANCE[type]! * 4);
      }),
      seeded(60),
    );
  });

  it('spread what is not finite as the decomposition does', () => {
    const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
    const x = tensor([
      [1, -inf, 2, 3, 0],
      [-inf, -inf, -inf, -inf, -inf],
      [1, inf, 0, 2, 3],
      [0, 1, 2, 3, nan],
      [-1e30, 0, 1e30, 5, 6],
    ]);
    compare(['softmax'], () => softmax(x, 1), [], 1e-6);
    compare(['logSoftmax'], () => logSoftmax(x, 1), [], 1e-6);
  });

  it('agree where threads share many rows', () => {
    const x = randn([3000, 130], { requiresGrad: true });
    compare(['softmax', 'softmaxBackward'], () => softmax(x, 1), [x], 1e-5);
    const w = randn([130], { requiresGrad: true });
    const b = randn([130], { requiresGrad: true });
    compare(['layerNorm', 'layerNormBackward'], () => layerNorm(x, [130], w, b), [x, w, b], 1e-5);
  });

  it('agree with the decomposition of normalisations', () => {
    fc.assert(
      fc.property(
        dtype,
        lead,
        length,
        fc.constantFrom('none', 'weight', 'both'),
        (type, front, n, vectors) => {
          const options = { dtype: type, requiresGrad: true };
          const x = randn([...front, 2, n], options);
          const w = vectors === 'none' ? null : randn([2, n], options);
          const b = vectors === 'both' ? randn([2, n], options) : null;
          const wanted = [x, w, b].filter((t) => t !== null);
          // Where few elements are normalised, the gradient is what is left of larger terms.
          const tolerance = TOLERANCE[type]! * 30;
          compare(['layerNorm', 'layerNormBackward'], () => layerNorm(x, [2, n], w, b), wanted, tolerance);
          compare(
            ['rmsNorm', 'rmsNormBackward'],
            () => rmsNorm(x, [2, n], w),
            wanted.slice(0, w ? 2 : 1),
            tolerance,
          );
        },
      ),
      seeded(60),
    );
  });

  it('agree with the decomposition of cross entropy', () => {
    fc.assert(
      fc.property(
        dtype,
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 50 }),
        fc.constantFrom('mean' as const, 'sum' as const, 'none' as const),
        fc.boolean(),
        fc.constantFrom('int32' as const, 'int64' as const),
        (type, rows, classes, reduction, weighted, indexType) => {
          const x = randn([rows, classes], { dtype: type, requiresGrad: true });
          const target = randint(0, classes, [rows]).to({ dtype: indexType });
          const weight = weighted ? randn([classes], { dtype: type }).abs() : null;
          const options = { reduction, weight, ignoreIndex: 1 };
          compare(['crossEntropy'], () => crossEntropy(x, target, options), [x], TOLERANCE[type]! * 4);
        },
      ),
      seeded(60),
    );
  });

  it('refuse a class that is out of range, and count none that is ignored', () => {
    const x = randn([3, 4]);
    const of = (...classes: number[]): Tensor => crossEntropy(x, tensor(classes, { dtype: 'int32' }));
    expect(faultOf(() => of(0, 4, 1))).toMatch(/index 4 is out of range for size 4/);
    expect(faultOf(() => of(0, -1, 1))).toMatch(/index -1 is out of range for size 4/);
    expect(of(-100, -100, -100).itemSync()).toBeNaN();
  });
});
