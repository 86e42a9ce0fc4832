import type { DType, ScanCombiner } from '@flambeau/core/backend';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { combine } from './combine.ts';
import {
  BACKEND_DTYPES,
  backends,
  bfloat16,
  box,
  float16,
  layoutOf,
  seeded,
  shapeOf,
  sizeOf,
  smallValue,
  unbox,
  untouchedAround,
  type Value,
  valuesFor,
} from './support.ts';

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

function scanned(row: readonly Value[], step: (a: Value, b: Value) => Value): Value[] {
  const result: Value[] = [];
  for (const value of row) result.push(result.length === 0 ? value : step(result[result.length - 1]!, value));
  return result;
}

describe.each(backends)('scan by %s', (_name, backend) => {
  const run = (combiner: ScanCombiner, dtype: DType, values: readonly Value[], reverse = false): Value[] => {
    const output = box(backend, dtype, [values.length], null);
    backend.kernels.scan(
      combiner,
      [values.length],
      output,
      box(backend, dtype, [values.length], values),
      reverse,
    );
    return unbox(output);
  };

  it('runs along the last dimension of any strides, either way', () => {
    const cases = fc
      .record({
        combiner: fc.constantFrom('sum', 'prod', 'max', 'min'),
        dtype: fc.constantFrom(...BACKEND_DTYPES),
        shape: shapeOf(1, 4),
        reverse: fc.boolean(),
      })
      .chain((given) =>
        fc.record({
          given: fc.constant(given),
          x: layoutOf(given.shape, true),
          y: layoutOf(given.shape),
          values: valuesFor(
            given.dtype.endsWith('float16') ? fc.integer({ min: -2, max: 2 }) : smallValue(given.dtype),
            sizeOf(given.shape),
          ),
        }),
      );
    fc.assert(
      fc.property(cases, ({ given: { combiner, dtype, shape, reverse }, x, y, values }) => {
        const input = box(backend, dtype, shape, values, x);
        const output = box(backend, dtype, shape, null, y);
        backend.kernels.scan(combiner, shape, output, input, reverse);
        const elements = unbox(input);
        const n = shape[shape.length - 1]!;
        const expected = Array.from({ length: sizeOf(shape) / n }, (_, i) => {
          const row = elements.slice(i * n, (i + 1) * n);
          const step = (a: Value, b: Value): Value => combine(combiner, dtype, a, b);
          return reverse ? scanned(row.reverse(), step).reverse() : scanned(row, step);
        });
        expect(unbox(output).map((v) => (v === 0 ? 0 : v))).toEqual(
          expected.flat().map((v) => (v === 0 ? 0 : v)),
        );
        expect(untouchedAround(output)).toBe(true);
      }),
      seeded(500),
    );
  });

  it('scans many columns side by side', () => {
    const [rows, columns] = [5, 700];
    const values = Array.from({ length: rows * columns }, (_, i) => (i % 11) - 5);
    const input = { ...box(backend, 'float32', [rows, columns], values), strides: [1, columns] };
    const output = { ...box(backend, 'float32', [rows, columns], null), strides: [1, columns] };
    backend.kernels.scan('sum', [columns, rows], output, input, true);
    const expected = values.map((_, at) => {
      let sum = 0;
      for (let i = at; i < values.length; i += columns) sum += values[i]!;
      return sum;
    });
    expect(unbox({ ...output, strides: [columns, 1] })).toEqual(expected);
  });

  it.each([false, true])(
    'scans long lines, whole vectors and what is left of them (reverse %s)',
    (reverse) => {
      for (const dtype of BACKEND_DTYPES) {
        for (const combiner of ['sum', 'prod', 'max', 'min'] as const) {
          const [lines, n] = [3, 139];
          const small = (i: number): Value =>
            combiner === 'prod' ? [1, -1, 1, 2, 0.5][i % 5]! : ((i * 29) % 7) - 3;
          const value = (i: number): Value => {
            const number = Number(small(i));
            const whole =
              dtype.startsWith('float') || dtype === 'bfloat16' ? number : Math.ceil(Math.abs(number));
            return dtype === 'bool' ? number > 0 : dtype === 'int64' ? BigInt(whole) : whole;
          };
          const values = Array.from({ length: lines * n }, (_, i) => value(i));
          const input = box(backend, dtype, [lines, n], values);
          const output = box(backend, dtype, [lines, n], null);
          backend.kernels.scan(combiner, [lines, n], output, input, reverse);
          const step = (a: Value, b: Value): Value => combine(combiner, dtype, a, b);
          const expected = Array.from({ length: lines }, (_, i) => {
            const line = unbox(input).slice(i * n, (i + 1) * n);
            return reverse ? scanned(line.reverse(), step).reverse() : scanned(line, step);
          });
          expect(unbox(output), `${combiner} of ${dtype}`).toEqual(expected.flat());
        }
      }
    },
  );

  it('never combines elements that overflow together before what came before them', () => {
    const huge = [1e-300, 1, 1e200, 1e200, 1e-150];
    const products = run('prod', 'float64', huge).map(Number);
    for (const [i, exact] of [1e-300, 1e-300, 1e-100, 1e100, 1e-50].entries())
      expect(products[i]! / exact).toBeCloseTo(1, 12);
    const most = Number.MAX_VALUE;
    expect(run('sum', 'float64', [-most, 0, most, most])).toEqual([-most, -most, 0, most]);
    expect(run('prod', 'float32', [1e-30, 1e30, 1e30, 1e-30]).map(Number)[2]).toBeCloseTo(1e30, -24);
  });

  it('takes logarithms of sums along lines and side by side', () => {
    const elements = fc.oneof(
      { weight: 8, arbitrary: fc.double({ min: -30, max: 30, noNaN: true }) },
      { weight: 1, arbitrary: fc.double({ min: -2000, max: 2000, noNaN: true }) },
      { weight: 1, arbitrary: fc.constant(-inf) },
    );
    const logAddExp = (a: number, b: number): number =>
      a === b ? a + Math.LN2 : Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
    const cases = fc.record({
      lines: fc.integer({ min: 1, max: 6 }),
      n: fc.integer({ min: 1, max: 40 }),
      transposed: fc.boolean(),
      seed: fc.array(elements, { minLength: 240, maxLength: 240 }),
    });
    fc.assert(
      fc.property(cases, ({ lines, n, transposed, seed }) => {
        const layout = { offset: 1, strides: transposed ? [1, lines] : [n, 1] };
        const input = box(backend, 'float64', [lines, n], seed.slice(0, lines * n), layout);
        const output = box(backend, 'float64', [lines, n], null, layout);
        backend.kernels.scan('logaddexp', [lines, n], output, input, false);
        const got = unbox(output).map(Number);
        for (let line = 0; line < lines; line++) {
          let sum = -inf;
          for (let i = line * n; i < (line + 1) * n; i++) {
            sum = sum === -inf ? Number(seed[i]) : logAddExp(sum, Number(seed[i]));
            const close = got[i] === sum || Math.abs(got[i]! - sum) <= 1e-13 * Math.max(1, Math.abs(sum));
            expect(close, `${got[i]} for ${sum} at ${i} of [${lines}, ${n}]`).toBe(true);
          }
        }
      }),
      seeded(200),
    );
  });

  it('spreads NaN from where it stands', () => {
    for (const combiner of ['sum', 'prod', 'max', 'min', 'logaddexp'] as const) {
      const result = run(combiner, 'float32', [1, nan, 3, 4]);
      expect(result[0]).toBe(1);
      expect(result.slice(1)).toEqual([nan, nan, nan]);
      expect(run(combiner, 'float64', [1, 2, nan, 4], true)).toEqual([nan, nan, nan, 4]);
    }
  });

  it('logaddexp does not overflow, and takes infinities as PyTorch does', () => {
    expect(run('logaddexp', 'float64', [-inf, -inf, 1, inf, nan])).toEqual([-inf, -inf, 1, inf, nan]);
    expect(run('logaddexp', 'float64', [inf, 1, -inf])).toEqual([inf, inf, inf]);
    const [, second, third] = run('logaddexp', 'float64', [1000, 1000, 0]).map(Number) as [
      number,
      number,
      number,
    ];
    expect(second).toBeCloseTo(1000 + Math.LN2, 10);
    expect(third).toBeCloseTo(1000 + Math.LN2, 10);
    expect(run('logaddexp', 'float64', [-1000, -1001]).map(Number)[1]).toBeCloseTo(
      -1000 + Math.log1p(Math.exp(-1)),
      10,
    );
  });

  it('accumulates in double, and rounds what is stored', () => {
    const n = 100_000;
    const result = run(
      'sum',
      'float32',
      Array.from({ length: n }, () => 0.1),
    );
    expect(result[n - 1]).toBe(Math.fround(n * Math.fround(0.1)));
    expect(run('sum', 'float16', [2048, 1, 1])).toEqual([2048, 2048, 2050].map((v) => v));
    expect(run('sum', 'bfloat16', [256, 1, 1])).toEqual([256, 256, 258]);
    expect(float16(0x6800)).toBe(2048);
    expect(bfloat16(0x4380)).toBe(256);
  });

  it('wraps integers', () => {
    expect(run('sum', 'int32', [2 ** 31 - 1, 1, 1])).toEqual([2 ** 31 - 1, -(2 ** 31), -(2 ** 31) + 1]);
    expect(run('prod', 'uint8', [20, 20, 2])).toEqual([20, 144, 32]);
    expect(run('sum', 'int64', [2n ** 63n - 1n, 1n])).toEqual([2n ** 63n - 1n, -(2n ** 63n)]);
    expect(run('max', 'int64', [-5n, -7n, 3n])).toEqual([-5n, -5n, 3n]);
  });
});
