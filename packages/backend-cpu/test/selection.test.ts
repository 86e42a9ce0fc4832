import type { DType } from '@flambeau/core/backend';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  anyValue,
  BACKEND_DTYPES,
  backends,
  box,
  layoutOf,
  seeded,
  shapeOf,
  sizeOf,
  unbox,
  untouchedAround,
  type Value,
  valuesFor,
} from './support.ts';

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

/** NaN above all; -0 equals 0. */
function compare(a: Value, b: Value): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

const rowsOf = (values: readonly Value[], n: number): Value[][] =>
  Array.from({ length: values.length / n }, (_, i) => values.slice(i * n, (i + 1) * n));

/** Values among which ties are common. */
const tied = (dtype: DType): fc.Arbitrary<Value> => {
  const one = anyValue(dtype);
  if (dtype === 'bool') return one;
  const few: Value[] =
    dtype === 'int64'
      ? [1n, -1n, 2n ** 40n]
      : dtype.includes('float')
        ? [1, -1, 0, -0, nan, inf, -inf]
        : [1, 3, 2];
  return fc.oneof(one, fc.constantFrom(...few));
};

const given = (maxSize: number) =>
  fc
    .record({ dtype: fc.constantFrom(...BACKEND_DTYPES), shape: shapeOf(1, 3, maxSize), flag: fc.boolean() })
    .chain(({ dtype, shape, flag }) =>
      fc.record({
        dtype: fc.constant(dtype),
        shape: fc.constant(shape),
        flag: fc.constant(flag),
        x: layoutOf(shape, true),
        y: layoutOf(shape),
        positions: layoutOf(shape),
        kept: layoutOf(shape.slice(0, -1)),
        values: valuesFor(tied(dtype), sizeOf(shape)),
      }),
    );

describe.each(backends)('argReduce by %s', (_name, backend) => {
  it('finds the first of the largest or smallest; NaN wins', () => {
    fc.assert(
      fc.property(given(6), ({ dtype, shape, flag, x, kept, values }) => {
        const input = box(backend, dtype, shape, values, x);
        const output = box(backend, 'int32', shape.slice(0, -1), null, kept);
        backend.kernels.argReduce(flag ? 'max' : 'min', shape, output, input);
        const expected = rowsOf(unbox(input), shape[shape.length - 1]!).map((row) => {
          const nanAt = row.findIndex(Number.isNaN);
          if (nanAt >= 0) return nanAt;
          return row.reduce<number>((best, v, i) => ((flag ? v > row[best]! : v < row[best]!) ? i : best), 0);
        });
        expect(unbox(output)).toEqual(expected);
        expect(untouchedAround(output)).toBe(true);
      }),
      seeded(400),
    );
  });

  it('takes the first NaN, wherever it stands', () => {
    for (const mode of ['max', 'min'] as const) {
      const output = box(backend, 'int32', [3], null);
      const input = box(backend, 'float32', [3, 4], [1, nan, nan, 3, nan, 9, 9, 9, -inf, inf, 2, nan]);
      backend.kernels.argReduce(mode, [3, 4], output, input);
      expect(unbox(output)).toEqual([1, 0, 3]);
    }
  });
});

describe.each(backends)('sort by %s', (_name, backend) => {
  const check = (
    dtype: DType,
    shape: number[],
    descending: boolean,
    input: ReturnType<typeof box>,
    values: ReturnType<typeof box>,
    positions: ReturnType<typeof box>,
  ): void => {
    backend.kernels.sort(shape, values, positions, input, descending);
    const n = shape[shape.length - 1]!;
    const expected = rowsOf(unbox(input), n).map((row) => {
      const order = row
        .map((_, i) => i)
        .sort((a, b) => (descending ? compare(row[b]!, row[a]!) : compare(row[a]!, row[b]!)));
      return { values: order.map((i) => row[i]!), order };
    });
    expect(unbox(values), dtype).toEqual(expected.flatMap((row) => row.values));
    expect(unbox(positions), dtype).toEqual(expected.flatMap((row) => row.order));
    expect(untouchedAround(values) && untouchedAround(positions)).toBe(true);
  };

  it('is stable either way, with NaN as the largest', () => {
    fc.assert(
      fc.property(given(8), ({ dtype, shape, flag, x, y, positions, values }) => {
        check(
          dtype,
          shape,
          flag,
          box(backend, dtype, shape, values, x),
          box(backend, dtype, shape, null, y),
          box(backend, 'int32', shape, null, positions),
        );
      }),
      seeded(400),
    );
  });

  it('sorts long rows, by bytes', () => {
    const cases = fc.constantFrom(...BACKEND_DTYPES).chain((dtype) =>
      fc.record({
        dtype: fc.constant(dtype),
        values: fc.array(tied(dtype), { minLength: 41, maxLength: 300 }),
        descending: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(cases, ({ dtype, values, descending }) => {
        const shape = [values.length];
        check(
          dtype,
          shape,
          descending,
          box(backend, dtype, shape, values),
          box(backend, dtype, shape, null),
          box(backend, 'int32', shape, null),
        );
      }),
      seeded(150),
    );
  });

  it.each(BACKEND_DTYPES)('sorts very long rows of %s, whose keys move along', (dtype) => {
    for (const count of [8191, 8192, 20_000]) {
      const values = fc.sample(tied(dtype), { numRuns: count, seed: count });
      for (const descending of [false, true])
        check(
          dtype,
          [count],
          descending,
          box(backend, dtype, [count], values),
          box(backend, dtype, [count], null),
          box(backend, 'int32', [count], null),
        );
    }
  });
});
