import {
  type DType,
  kthvalue,
  median,
  nanmedian,
  sort,
  tensor,
  topk,
  type ValuesAndIndices,
} from '@flambeau/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpu } from '../../src/index.ts';
import { BACKEND_DTYPES } from '../support.ts';
import { counting, decomposed, expectClose, outputsAndGradients, use, variants } from './support.ts';

const DTYPES = BACKEND_DTYPES.filter((dtype) => dtype !== 'bool');
const NAMES = ['rankedAlong', 'medianAlong'] as const;
const both = ({ values, indices }: ValuesAndIndices) => [values, indices];

describe.each([...variants, ['closures', () => cpu({ wasm: 'off', compiler: 'closures' })] as const])(
  'selection without sorting, %s',
  (_name, make) => {
    const backend = make();

    it('agrees with sorting, ties, NaN and infinities among them', () => {
      use(backend);
      const cases = fc.record({
        dtype: fc.constantFrom(...DTYPES),
        shape: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
        length: fc.integer({ min: 64, max: 150 }),
        at: fc.nat({ max: 2 }),
        transposed: fc.boolean(),
        range: fc.constantFrom(1, 5, 100, 2 ** 30),
        share: fc.double({ min: 0, max: 0.5, noNaN: true }),
        largest: fc.boolean(),
        special: fc.array(
          fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0),
        ),
        seed: fc.nat(),
      });
      fc.assert(
        fc.property(cases, (given) => {
          const { dtype, shape, length, at, transposed, range, share, largest, special, seed } = given;
          const dim = at % (shape.length + 1);
          const sizes = shape.toSpliced(dim, 0, length);
          const size = sizes.reduce((a, b) => a * b, 1);
          const values = Array.from({ length: size }, (_, i) => {
            const word = Math.imul(i + seed + 1, 0x9e3779b1) >>> 0;
            const number = (word % (2 * range)) - range;
            const rare = dtype.includes('float') ? special[word % 23] : undefined;
            return rare ?? (dtype.includes('float') ? number / 3 : number);
          });
          const flat = tensor(values, { dtype: 'float64' }).to({ dtype });
          const x = transposed
            ? flat.reshape(sizes.toReversed()).permute(sizes.map((_, d) => sizes.length - 1 - d))
            : flat.reshape(sizes);
          const k = Math.max(1, Math.floor(share * length));
          const all = () =>
            [
              topk(x, k, dim, { largest }),
              kthvalue(x, k, dim),
              median(x, dim),
              nanmedian(x, dim, { keepdim: true }),
            ]
              .flatMap(both)
              .concat(median(x));
          const [got, counts] = counting(backend, NAMES, all);
          expect(counts).toEqual({ rankedAlong: 2, medianAlong: 3 });
          expectClose(got, decomposed(NAMES, all), 0);
        }),
        { numRuns: 150, seed: 12 },
      );
    });

    it('finds ranks of lines so long that buckets are more', () => {
      use(backend);
      for (const dtype of ['float32', 'float64', 'int32'] as const) {
        const x = tensor(Array.from({ length: 9001 }, (_, i) => (Math.imul(i, 0x9e3779b1) >> 8) / 1000)).to({
          dtype,
        });
        const all = () =>
          [topk(x, 100), kthvalue(x, 4000, 0), median(x, 0), topk(x, 7, 0, { largest: false })].flatMap(both);
        const [got] = counting(backend, NAMES, all);
        expectClose(got, decomposed(NAMES, all), 0);
      }
    });

    it('hands gradients to the elements that were taken', () => {
      use(backend);
      const x = tensor(Array.from({ length: 256 }, (_, i) => Math.sin(i * 7)))
        .reshape([64, 4])
        .requiresGrad_();
      const gradients = () =>
        outputsAndGradients(
          () => [topk(x, 5, 0).values, kthvalue(x, 9, 0).values, median(x, 0).values, median(x)],
          [x],
        );
      const [got, counts] = counting(backend, NAMES, gradients);
      expect(counts).toEqual({ rankedAlong: 2, medianAlong: 2 });
      expectClose(got, decomposed(NAMES, gradients), 1e-6);
    });
  },
);

describe.each(variants)('short lines in the order of their ranks, %s', (_name, make) => {
  const backends = [make(), cpu({ wasm: 'off' })];

  it('agrees with JavaScript, ties, NaN and infinities among them', () => {
    const cases = fc.record({
      dtype: fc.constantFrom<DType>('float32', 'int32'),
      shape: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 3 }),
      length: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 200 })),
      at: fc.nat({ max: 3 }),
      transposed: fc.boolean(),
      values: fc.array(
        fc.oneof(
          { weight: 6, arbitrary: fc.integer({ min: -3, max: 3 }) },
          { weight: 2, arbitrary: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }) },
          {
            weight: 1,
            arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0),
          },
        ),
        { minLength: 50, maxLength: 100 },
      ),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      descending: fc.boolean(),
    });
    fc.assert(
      fc.property(cases, ({ dtype, shape, length, at, transposed, values, share, descending }) => {
        const dim = at % (shape.length + 1);
        const sizes = shape.toSpliced(dim, 0, length);
        const size = sizes.reduce((a, b) => a * b, 1);
        const all = Array.from({ length: size }, (_, i) => {
          const value = values[(i * 31) % values.length]!;
          return dtype === 'int32' && !Number.isInteger(value) ? 2 ** 31 - 1 : value;
        });
        const k = Math.max(1, Math.floor(share * length));
        const [got, want] = backends.map((backend) => {
          use(backend);
          const flat = tensor(all, { dtype });
          const x = transposed
            ? flat.reshape(sizes.toReversed()).permute(sizes.map((_, d) => sizes.length - 1 - d))
            : flat.reshape(sizes);
          return [
            sort(x, dim, { descending }),
            topk(x, k, dim, { largest: descending }),
            kthvalue(x, k, dim),
            median(x, dim),
            nanmedian(x, dim, { keepdim: true }),
          ]
            .flatMap(both)
            .map((y) => [y.shape, Array.from(y.dataSync() as Iterable<number>)]);
        });
        expect(got).toEqual(want);
      }),
      { numRuns: 200, seed: 6 },
    );
  });

  it('selects without sorting', () => {
    const backend = backends[0]!;
    use(backend);
    const x = tensor(Array.from({ length: 60 }, (_, i) => (i * 37) % 23)).reshape([3, 20]);
    const [, counts] = counting(backend, NAMES, () => [topk(x, 15), median(x, 0)].flatMap(both));
    expect(counts).toEqual({ rankedAlong: 1, medianAlong: 1 });
  });
});
