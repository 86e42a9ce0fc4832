import { type DType, isFloating, type MatmulSize } from '@flambeau/core/backend';
import { type Bench, indicesOf, type Layout, rowMajor, seen, sizeOf, strided } from './bench.ts';
import type { ConformanceCase } from './case.ts';
import { allowed, compareValues } from './compare.ts';
import { FLOATING, INTEGERS, type Value } from './elements.ts';
import { benchCase } from './memory.ts';
import { needs } from './pointwise.ts';
import { type Random, wrapped } from './random.ts';

/** The products of row-major matrices, in float64 or exactly. */
function product(
  dtype: DType,
  { batch, m, k, n }: MatmulSize,
  a: readonly Value[],
  b: readonly Value[],
): Value[] {
  const out: Value[] = [];
  for (let matrix = 0; matrix < sizeOf(batch); matrix++) {
    const [left, right] = [matrix * m * k, matrix * k * n];
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        const terms = Array.from(
          { length: k },
          (_, l) => [a[left + i * k + l]!, b[right + l * n + j]!] as const,
        );
        if (isFloating(dtype)) out.push(terms.reduce((sum, [x, y]) => sum + Number(x) * Number(y), 0));
        else {
          const exact = wrapped(
            dtype,
            terms.reduce((sum, [x, y]) => sum + BigInt(x) * BigInt(y), 0n),
          );
          out.push(dtype === 'int64' ? exact : Number(exact));
        }
      }
    }
  }
  return out;
}

interface Layouts {
  readonly a: Layout;
  readonly b: Layout;
}

async function run(
  bench: Bench,
  dtype: DType,
  size: MatmulSize,
  layouts: Layouts,
  values: { a: Value[]; b: Value[] },
): Promise<void> {
  const { batch, m, k, n } = size;
  const shapes = { a: [...batch, m, k], b: [...batch, k, n], output: [...batch, m, n] };
  const a = bench.box(dtype, shapes.a, values.a, layouts.a);
  const b = bench.box(dtype, shapes.b, values.b, layouts.b);
  const output = bench.box(dtype, shapes.output, null, { offset: 0, strides: rowMajor(shapes.output) });
  bench.backend.kernels.matmul(size, output, a, b);
  const expected = product(
    dtype,
    size,
    seen(shapes.a, layouts.a, values.a),
    seen(shapes.b, layouts.b, values.b),
  );
  const what = `${dtype} ${JSON.stringify(shapes.a)} times ${JSON.stringify(shapes.b)}, strides ${JSON.stringify(layouts.a.strides)} and ${JSON.stringify(layouts.b.strides)}`;
  compareValues(what, await bench.result(what, output), expected, allowed(dtype));
  for (const box of [a, b, output]) bench.free(box.allocation);
}

async function random(bench: Bench, from: Random, dtype: DType, size: MatmulSize): Promise<void> {
  const shapes = { a: [...size.batch, size.m, size.k], b: [...size.batch, size.k, size.n] };
  const layouts = { a: strided(from, shapes.a, true), b: strided(from, shapes.b, true) };
  await run(bench, dtype, size, layouts, {
    a: from.small(dtype, sizeOf(shapes.a)),
    b: from.small(dtype, sizeOf(shapes.b)),
  });
}

/** A matrix of so many rows whose columns lie one after the other. */
const byColumns = (rows: number): Layout => ({ offset: 0, strides: [1, rows] });

/** Sizes around those of tiles, where loops have rests. */
const SIZES: readonly (readonly [m: number, k: number, n: number])[] = [
  [1, 1, 1],
  [1, 7, 1],
  [1, 1, 9],
  [9, 1, 1],
  [1, 64, 64],
  [64, 64, 1],
  [2, 3, 4],
  [5, 5, 5],
  [15, 16, 17],
  [16, 16, 16],
  [31, 33, 32],
  [63, 65, 64],
  [64, 64, 64],
  [65, 63, 66],
  [3, 130, 5],
  [130, 3, 7],
  [7, 5, 130],
];

export const matmulCases: readonly ConformanceCase[] = [
  ...[...FLOATING, ...INTEGERS].map((dtype) =>
    benchCase(
      `matmul: ${dtype} at any strides, up to six batch dimensions`,
      async (bench, from) => {
        for (let rank = 0; rank <= 6; rank++) {
          for (let round = 0; round < 3; round++) {
            const [m, k, n] = [from.integer(1, 6), from.integer(1, 6), from.integer(1, 6)];
            await random(bench, from, dtype, { batch: from.shape(rank, rank > 3 ? 2 : 3), m, k, n });
          }
        }
      },
      needs(dtype),
    ),
  ),

  benchCase('matmul: sizes around tiles, and every transpose', async (bench, from) => {
    for (const [m, k, n] of SIZES) {
      const size = { batch: [], m, k, n };
      const values = { a: from.wide('float32', m * k, 1), b: from.wide('float32', k * n, 1) };
      const plain = { a: { offset: 0, strides: [k, 1] }, b: { offset: 0, strides: [n, 1] } };
      const turned = { a: byColumns(m), b: byColumns(k) };
      for (const a of [plain.a, turned.a])
        for (const b of [plain.b, turned.b]) await run(bench, 'float32', size, { a, b }, values);
    }
  }),

  benchCase('matmul: one matrix for a whole batch, on either side', async (bench, from) => {
    const size = { batch: [4, 3], m: 5, k: 6, n: 7 };
    const whole = (shape: readonly number[]): Layout => ({ offset: 1, strides: rowMajor(shape) });
    const shared = (shape: readonly number[]): Layout => ({
      offset: 2,
      strides: [0, 0, ...rowMajor(shape.slice(2))],
    });
    const [a, b] = [
      [4, 3, 5, 6],
      [4, 3, 6, 7],
    ];
    const values = { a: from.small('float32', sizeOf(a)), b: from.small('float32', sizeOf(b)) };
    for (const left of [whole(a), shared(a)]) {
      for (const right of [whole(b), shared(b)])
        await run(bench, 'float32', size, { a: left, b: right }, values);
    }
  }),

  benchCase('matmul: a long sum is accurate in float32', async (bench, from) => {
    const k = 20_011;
    const values = { a: from.wide('float32', k, 1), b: from.wide('float32', k, 1) };
    const exact = values.a.reduce<number>((sum, x, i) => sum + Number(x) * Number(values.b[i]), 0);
    const [a, b] = [bench.box('float32', [1, k], values.a), bench.box('float32', [k, 1], values.b)];
    const output = bench.box('float32', [1, 1], null);
    bench.backend.kernels.matmul({ batch: [], m: 1, k, n: 1 }, output, a, b);
    // Sums of k random terms lie around sqrt(k) / 3; the roundings of a plain loop add up to about 1e-4 of that.
    compareValues('a dot product', await bench.result('dot', output), [exact], { rtol: 0, atol: 5e-3 });
  }),

  ...(['float16', 'bfloat16'] as const).map((dtype) =>
    benchCase(
      `matmul: ${dtype} accumulates in float32`,
      async (bench) => {
        const k = 4096;
        const ones = new Array<number>(k).fill(1);
        const [a, b] = [bench.box(dtype, [1, k], ones), bench.box(dtype, [k, 1], ones)];
        const output = bench.box(dtype, [1, 1], null);
        bench.backend.kernels.matmul({ batch: [], m: 1, k, n: 1 }, output, a, b);
        compareValues('4096 ones', await bench.result('ones', output), [k]);
      },
      needs(dtype),
    ),
  ),

  benchCase('matmul: NaN and infinity reach only their own rows and columns', async (bench) => {
    const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
    const a = bench.box('float32', [3, 3], [1, nan, 0, 0, 1, 2, inf, 0, 1]);
    const b = bench.box('float32', [3, 2], [1, 0, 2, 1, 3, 1]);
    const output = bench.box('float32', [3, 2], null);
    bench.backend.kernels.matmul({ batch: [], m: 3, k: 3, n: 2 }, output, a, b);
    compareValues('products', await bench.result('products', output), [nan, nan, 8, 3, inf, nan]);
  }),

  benchCase('matmul: a matrix with itself and its own transpose', async (bench, from) => {
    const values = from.small('float32', 36);
    const x = bench.box('float32', [6, 6], values);
    const output = bench.box('float32', [6, 6], null);
    bench.backend.kernels.matmul({ batch: [], m: 6, k: 6, n: 6 }, output, x, { ...x, strides: [1, 6] });
    const expected = Array.from(indicesOf([6, 6]), ([i, j]) =>
      Array.from({ length: 6 }, (_, l) => Number(values[i! * 6 + l]) * Number(values[j! * 6 + l])).reduce(
        (p, q) => p + q,
      ),
    );
    compareValues('x xᵀ', await bench.result('x xᵀ', output), expected);
  }),
];
