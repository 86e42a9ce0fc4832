import { cummax, cummin, type DType, tensor } from '@flambeau/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { counting, decomposed, expectClose, outputsAndGradients, use, variants } from './support.ts';

const DTYPES: readonly DType[] = ['float32', 'float64', 'float16', 'int64', 'int32', 'int8', 'uint8', 'bool'];
const NAMES = ['cummax', 'cummin'] as const;

describe.each(variants)('running extrema as one scan, %s', (_name, make) => {
  const backend = make();

  it('agree with the decomposition, ties, NaN and infinities among them', () => {
    use(backend);
    const cases = fc.record({
      dtype: fc.constantFrom(...DTYPES),
      shape: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 3 }),
      length: fc.integer({ min: 1, max: 21 }),
      at: fc.nat({ max: 3 }),
      order: fc.boolean(),
      elements: fc.array(
        fc.oneof(
          { weight: 9, arbitrary: fc.integer({ min: 0, max: 4 }) },
          { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0) },
        ),
        { minLength: 30, maxLength: 60 },
      ),
    });
    fc.assert(
      fc.property(cases, ({ dtype, shape, length, at, order, elements }) => {
        const dim = at % (shape.length + 1);
        const sizes = shape.toSpliced(dim, 0, length);
        const size = sizes.reduce((a, b) => a * b, 1);
        const floating = dtype.startsWith('float');
        const values = Array.from({ length: size }, (_, i) => {
          const element = elements[(i * 7) % elements.length]!;
          return floating || Number.isFinite(element) ? element : 3;
        });
        const x = tensor(values)
          .to({ dtype })
          .reshape(order ? sizes : sizes.toReversed());
        const view = order ? x : x.permute(sizes.map((_, d) => sizes.length - 1 - d));
        const all = () => [cummax(view, dim), cummin(view, dim)].flatMap((y) => [y.values, y.indices]);
        const [got, counts] = counting(backend, NAMES, all);
        expect(counts).toEqual({ cummax: 1, cummin: 1 });
        expectClose(got, decomposed(NAMES, all), 0);
      }),
      { numRuns: 200, seed: 11 },
    );
  });

  it('go to the elements at the indices, and back', () => {
    use(backend);
    const x = tensor([3, 1, 3, 5, 2, 5, 5, 1]).reshape([2, 4]).requiresGrad_();
    const gradients = () => outputsAndGradients(() => [cummax(x, 0).values, cummin(x, 1).values], [x]);
    const [got] = counting(backend, NAMES, gradients);
    expectClose(got, decomposed(NAMES, gradients), 1e-6);
  });

  it('are shared among threads by lines', () => {
    use(backend);
    const x = tensor(Array.from({ length: 512 * 600 }, (_, i) => (i * 7919) % 1009)).reshape([512, 600]);
    for (const dim of [0, 1]) {
      const all = () => [cummax(x, dim).values, cummax(x, dim).indices, x.cumsum(dim)];
      const [got] = counting(backend, NAMES, all);
      expectClose(got, decomposed(NAMES, all), 0);
    }
  });
});
