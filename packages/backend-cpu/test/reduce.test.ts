import type { DType, Program, ReduceCombiner, Reduction } from '@flambeau/core/backend';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BACKEND_DTYPES,
  backends,
  box,
  identity,
  indices,
  layoutOf,
  program,
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

let reductionCount = 0;
function reduction(combiner: ReduceCombiner, pre: Program, post: Program = identity(pre.output)): Reduction {
  const id = reductionCount++;
  return { key: `test ${id}`, id, pre, combiner, post };
}

/** Halves accumulate in float32, as core asks. */
function plain(combiner: ReduceCombiner, dtype: DType): Reduction {
  if (!dtype.endsWith('float16')) return reduction(combiner, identity(dtype));
  const widen = program([dtype], 'float32', (s) => s.cast(s.input(0, dtype), 'float32'));
  const narrow = program(['float32'], dtype, (s) => s.cast(s.input(0, 'float32'), dtype));
  return reduction(combiner, widen, narrow);
}

const COMBINERS = ['sum', 'prod', 'max', 'min', 'any', 'all'] as const;

function wrapped(dtype: DType, value: bigint): Value {
  switch (dtype) {
    case 'int64':
      return BigInt.asIntN(64, value);
    case 'uint8':
      return Number(BigInt.asUintN(8, value));
    case 'int8':
      return Number(BigInt.asIntN(8, value));
    case 'int16':
      return Number(BigInt.asIntN(16, value));
    case 'int32':
      return Number(BigInt.asIntN(32, value));
    default:
      return Number(value);
  }
}

/** What combining small exact values gives. */
function combined(combiner: ReduceCombiner, dtype: DType, values: readonly Value[]): Value {
  const numbers = values.map((v) => BigInt(v));
  const result = ((): bigint => {
    switch (combiner) {
      case 'sum':
        return numbers.reduce((a, b) => a + b);
      case 'prod':
        return numbers.reduce((a, b) => a * b);
      case 'max':
        return numbers.reduce((a, b) => (a > b ? a : b));
      case 'min':
        return numbers.reduce((a, b) => (a < b ? a : b));
      case 'any':
        return numbers.some((v) => v !== 0n) ? 1n : 0n;
      case 'all':
        return numbers.every((v) => v !== 0n) ? 1n : 0n;
    }
  })();
  return dtype === 'bool' ? result !== 0n : wrapped(dtype, result);
}

describe.each(backends)('reduce by %s', (_name, backend) => {
  const table = new Map(COMBINERS.flatMap((c) => BACKEND_DTYPES.map((d) => [`${c} ${d}`, plain(c, d)])));

  it('reduces over any dims of any strides', () => {
    const cases = fc
      .record({
        combiner: fc.constantFrom(...COMBINERS),
        dtype: fc.constantFrom(...BACKEND_DTYPES),
        shape: shapeOf(0, 4, 6),
      })
      .filter(
        ({ combiner, dtype, shape }) => combiner !== 'prod' || !dtype.includes('float') || sizeOf(shape) <= 8,
      )
      .chain(({ combiner, dtype, shape }) =>
        fc.integer({ min: 0, max: shape.length }).chain((keptRank) =>
          fc.record({
            combiner: fc.constant(combiner),
            dtype: fc.constant(dtype),
            shape: fc.constant(shape),
            keptRank: fc.constant(keptRank),
            x: layoutOf(shape, true),
            y: layoutOf(shape.slice(0, keptRank)),
            values: valuesFor(
              dtype.endsWith('float16') && combiner !== 'sum'
                ? fc.integer({ min: -1, max: 2 })
                : smallValue(dtype),
              sizeOf(shape),
            ),
          }),
        ),
      )
      // Sums of halves must be exact in the format to compare without rounding.
      .filter(
        ({ dtype, combiner, shape }) => dtype !== 'bfloat16' || combiner !== 'sum' || sizeOf(shape) <= 28,
      );
    fc.assert(
      fc.property(cases, ({ combiner, dtype, shape, keptRank, x, y, values }) => {
        const input = box(backend, dtype, shape, values, x);
        const kept = shape.slice(0, keptRank);
        const output = box(backend, dtype, kept, null, y);
        backend.kernels.reduce(table.get(`${combiner} ${dtype}`)!, shape, keptRank, output, [input], []);
        const elements = unbox(input);
        const run = sizeOf(shape.slice(keptRank));
        const expected = Array.from({ length: sizeOf(kept) }, (_, i) =>
          combined(combiner, dtype, elements.slice(i * run, (i + 1) * run)),
        );
        // Zeros of either sign are equal here: the reference has but one.
        expect(unbox(output).map((v) => (v === 0 ? 0 : v))).toEqual(expected);
        expect(untouchedAround(output)).toBe(true);
      }),
      seeded(600),
    );
  });

  it('walks rows of accumulators over many columns and rows', () => {
    for (const [rows, columns] of [
      [3, 700],
      [600, 5],
      [1, 600],
      [300, 520],
    ] as const) {
      for (const dtype of ['float32', 'float64', 'int32', 'int64', 'bool'] as const) {
        const values = Array.from({ length: rows * columns }, (_, i) =>
          dtype === 'bool' ? i % 7 === 0 : dtype === 'int64' ? BigInt((i % 13) - 6) : (i % 13) - 6,
        );
        const input = { ...box(backend, dtype, [rows, columns], values), strides: [1, columns] };
        const output = box(backend, dtype, [columns], null);
        backend.kernels.reduce(table.get(`sum ${dtype}`)!, [columns, rows], 1, output, [input], []);
        const expected = Array.from({ length: columns }, (_, j) =>
          combined(
            'sum',
            dtype,
            Array.from({ length: rows }, (__, i) => values[i * columns + j]!),
          ),
        );
        expect(unbox(output)).toEqual(expected);
      }
    }
  });

  it('combines many bytes along rows and down columns', () => {
    const [rows, columns] = [37, 203];
    for (const dtype of ['int8', 'uint8', 'bool'] as const) {
      for (const combiner of ['max', 'min', 'any', 'all'] as const) {
        for (const rare of [0, 1, 200]) {
          const values = Array.from({ length: rows * columns }, (_, i): Value => {
            const v = (i * 37) % 5003 === rare ? 200 - rare : 1 + (i % 3) * (rare & 1);
            return dtype === 'bool' ? v > 1 : wrapped(dtype, BigInt(v));
          });
          const input = box(backend, dtype, [rows, columns], values);
          for (const [kept, reduced, strides] of [
            [rows, columns, [columns, 1]],
            [columns, rows, [1, columns]],
          ] as const) {
            const output = box(backend, dtype, [kept], null);
            const shape = [kept, reduced];
            const operands = [{ ...input, strides }];
            backend.kernels.reduce(table.get(`${combiner} ${dtype}`)!, shape, 1, output, operands, []);
            const lines = Array.from({ length: kept }, (_, i) =>
              Array.from({ length: reduced }, (__, j) => values[i * strides[0] + j * strides[1]]!),
            );
            expect(unbox(output)).toEqual(lines.map((line) => combined(combiner, dtype, line)));
          }
        }
      }
    }
  });

  it('sums a million floats with an error far below 1e-6', () => {
    const n = 1_000_000;
    const values = Float32Array.from({ length: n }, (_, i) => 0.1 + (i % 1000) * 1e-3);
    // 0.1 + k/1000 in float32: the exact sum of what is stored, in integers of 2^-40.
    const exact = Number(values.reduce((sum, v) => sum + BigInt(Math.round(v * 2 ** 40)), 0n)) / 2 ** 40;
    for (const dtype of ['float32', 'float64'] as const) {
      const input = box(backend, dtype, [n], [...values]);
      const output = box(backend, dtype, [], null);
      backend.kernels.reduce(table.get(`sum ${dtype}`)!, [n], 0, output, [input], []);
      const error = Math.abs(Number(unbox(output)[0]) - exact) / exact;
      expect(error).toBeLessThan(dtype === 'float32' ? 6e-8 : 1e-15);
    }
  });

  it('keeps float64 sums exact where large values cancel', () => {
    const columns = 6;
    const rows = 2000;
    const values = Array.from({ length: rows * columns }, (_, i) => {
      const row = Math.floor(i / columns);
      return row === 0 ? 1e16 : row === rows - 1 ? -1e16 : 0.5;
    });
    const input = box(backend, 'float64', [rows, columns], values);
    const output = box(backend, 'float64', [columns], null);
    const sum = table.get('sum float64')!;
    backend.kernels.reduce(sum, [columns, rows], 1, output, [{ ...input, strides: [1, columns] }], []);
    for (const v of unbox(output)) expect(Math.abs(Number(v) - (rows - 2) / 2)).toBeLessThan(260);
  });

  it('spreads NaN, and adds infinities', () => {
    const run = (combiner: ReduceCombiner, values: readonly number[], dtype: DType = 'float32'): Value => {
      const output = box(backend, dtype, [], null);
      backend.kernels.reduce(
        table.get(`${combiner} ${dtype}`)!,
        [values.length],
        0,
        output,
        [box(backend, dtype, [values.length], values)],
        [],
      );
      return unbox(output)[0]!;
    };
    for (const combiner of ['sum', 'prod', 'max', 'min'] as const) {
      for (const dtype of ['float32', 'float64', 'float16'] as const) {
        for (let at = 0; at < 9; at++) {
          const values = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((v, i) => (i === at ? nan : v));
          expect(run(combiner, values, dtype)).toBe(nan);
        }
      }
    }
    for (const dtype of ['float32', 'float64'] as const) {
      expect(run('sum', [1, inf, 2], dtype)).toBe(inf);
      expect(run('sum', [1, -inf, 2, 3, 4], dtype)).toBe(-inf);
      expect(run('sum', [inf, -inf], dtype)).toBe(nan);
      expect(run('max', [-inf, -inf], dtype)).toBe(-inf);
      expect(run('min', [inf], dtype)).toBe(inf);
      expect(run('any', [0, -0, 0], dtype)).toBe(0);
      expect(run('any', [0, nan], dtype)).toBe(1);
      expect(run('all', [1, 2, 0], dtype)).toBe(0);
      expect(run('all', [1, nan], dtype)).toBe(1);
    }
  });

  it('wraps integers, and sums int64 exactly', () => {
    const run = (combiner: ReduceCombiner, dtype: DType, values: readonly Value[]): Value => {
      const output = box(backend, dtype, [], null);
      backend.kernels.reduce(
        table.get(`${combiner} ${dtype}`)!,
        [values.length],
        0,
        output,
        [box(backend, dtype, [values.length], values)],
        [],
      );
      return unbox(output)[0]!;
    };
    expect(run('sum', 'int32', [2 ** 31 - 1, 1])).toBe(-(2 ** 31));
    expect(run('prod', 'int32', [65536, 65537, 3])).toBe(196608);
    expect(run('sum', 'int8', [100, 100, 100])).toBe(44);
    expect(run('sum', 'int64', [2n ** 62n, 2n ** 62n, 1n])).toBe(-(2n ** 63n) + 1n);
    expect(
      run(
        'sum',
        'int64',
        Array.from({ length: 100 }, (_, i) => BigInt(i) * 2n ** 50n + 1n),
      ),
    ).toBe(4950n * 2n ** 50n + 100n);
    expect(run('prod', 'int64', [2n ** 40n, 3n, -(2n ** 20n)])).toBe(-3n * 2n ** 60n);
    expect(run('max', 'int64', [-(2n ** 63n), -(2n ** 63n)])).toBe(-(2n ** 63n));
    expect(run('min', 'uint8', [255, 255])).toBe(255);
    expect(run('max', 'int8', [-128])).toBe(-128);
  });

  it('runs programs before and after, with several inputs and parameters', () => {
    const f = 'float32' as const;
    const pre = program(
      [f, f],
      f,
      (s) => s.binary('mul', s.binary('sub', s.input(0, f), s.parameter(0, f)), s.input(1, f)),
      2,
    );
    const post = program(
      [f],
      'float64',
      (s) => s.cast(s.unary('sqrt', s.binary('div', s.input(0, f), s.parameter(1, f))), 'float64'),
      2,
    );
    const shape = [2, 3];
    const a = box(backend, f, shape, [1, 2, 3, 4, 5, 6]);
    const b = box(backend, f, shape, [2, 2, 2, 4, 5, 6], { offset: 0, strides: [0, 1] });
    const output = box(backend, 'float64', [2], null);
    backend.kernels.reduce(reduction('sum', pre, post), shape, 1, output, [a, b], [1, 4]);
    const column = unbox(b).map(Number);
    const expected = [0, 1].map((i) =>
      Math.sqrt([0, 1, 2].reduce((sum, j) => sum + (i * 3 + j + 1 - 1) * column[i * 3 + j]!, 0) / 4),
    );
    expect(unbox(output).map((v) => Math.fround(Number(v)))).toEqual(expected.map(Math.fround));
  });

  it('counts into int32 and asks for truths', () => {
    const count = reduction(
      'sum',
      program(['float32'], 'int32', (s) =>
        s.cast(s.binary('ne', s.input(0, 'float32'), s.literal(0, 'float32')), 'int32'),
      ),
    );
    const output = box(backend, 'int32', [], null);
    backend.kernels.reduce(count, [5], 0, output, [box(backend, 'float32', [5], [0, 1, nan, -0, 2])], []);
    expect(unbox(output)).toEqual([3]);
    const any = reduction(
      'any',
      program(['float32'], 'bool', (s) => s.cast(s.input(0, 'float32'), 'bool')),
    );
    const truths = box(backend, 'bool', [2], null);
    backend.kernels.reduce(any, [2, 2], 1, truths, [box(backend, 'float32', [2, 2], [0, -0, 0, nan])], []);
    expect(unbox(truths)).toEqual([false, true]);
  });

  it('tells the programs where they are', () => {
    const pre = program(['int32'], 'int32', (s) => {
      const weight = s.binary(
        'add',
        s.binary('mul', s.index(0), s.literal(100, 'int32')),
        s.binary('mul', s.index(1), s.literal(10, 'int32')),
      );
      s.binary('mul', s.binary('add', weight, s.index(2)), s.input(0, 'int32'));
    });
    const post = program(['int32'], 'int32', (s) => s.binary('sub', s.input(0, 'int32'), s.index(0)));
    const shape = [2, 3, 4];
    const output = box(backend, 'int32', [2], null);
    backend.kernels.reduce(
      reduction('sum', pre, post),
      shape,
      1,
      output,
      [
        box(
          backend,
          'int32',
          shape,
          Array.from({ length: 24 }, () => 1),
        ),
      ],
      [],
    );
    const expected = [0, 0];
    for (const [i, j, k] of indices(shape)) expected[i!]! += i! * 100 + j! * 10 + k!;
    expect(unbox(output)).toEqual([expected[0], expected[1]! - 1]);
  });
});
