import { BACKEND_DTYPES, type DType, isFloating, type ScanCombiner } from '@flambeau/core/backend';
import { type Bench, movedLast, seen, sizeOf, strided } from './bench.ts';
import type { ConformanceCase } from './case.ts';
import { allowed, compareValues } from './compare.ts';
import { FLOATING, type Value } from './elements.ts';
import { benchCase } from './memory.ts';
import { needs } from './pointwise.ts';
import { type Random, wrapped } from './random.ts';

function combine(combiner: ScanCombiner, dtype: DType, a: Value, b: Value): Value {
  switch (combiner) {
    case 'max':
    case 'min': {
      if (Number.isNaN(a) || Number.isNaN(b)) return Number.NaN;
      return (combiner === 'max' ? b > a : b < a) ? b : a;
    }
    case 'logaddexp': {
      const [x, y] = [Number(a), Number(b)];
      const larger = Math.max(x, y);
      return Math.abs(larger) === Number.POSITIVE_INFINITY
        ? larger
        : larger + Math.log(Math.exp(x - larger) + Math.exp(y - larger));
    }
    default: {
      if (isFloating(dtype)) return combiner === 'sum' ? Number(a) + Number(b) : Number(a) * Number(b);
      const value = wrapped(dtype, combiner === 'sum' ? BigInt(a) + BigInt(b) : BigInt(a) * BigInt(b));
      return dtype === 'int64' ? value : Number(value);
    }
  }
}

function scanned(combiner: ScanCombiner, dtype: DType, row: readonly Value[], reverse: boolean): Value[] {
  const order = reverse ? row.toReversed() : row;
  const out: Value[] = [];
  for (const value of order)
    out.push(out.length === 0 ? value : combine(combiner, dtype, out.at(-1)!, value));
  return reverse ? out.reverse() : out;
}

async function run(
  bench: Bench,
  random: Random,
  combiner: ScanCombiner,
  dtype: DType,
  shape: readonly number[],
  values: readonly Value[],
  reverse: boolean,
  tolerance = allowed(dtype),
): Promise<void> {
  // Vectors and matrices are as they are given; of more dimensions some repeat.
  const layout = strided(random, shape, shape.length > 2);
  const input = bench.box(dtype, shape, values, layout);
  const read = seen(shape, layout, values);
  const output = bench.box(dtype, shape, null, movedLast(random, shape));
  bench.backend.kernels.scan(combiner, shape, output, input, reverse);
  const length = shape.at(-1)!;
  const rows = sizeOf(shape) / length;
  const expected = Array.from({ length: rows }, (_, i) =>
    scanned(combiner, dtype, read.slice(i * length, (i + 1) * length), reverse),
  ).flat();
  const what = `${reverse ? 'reverse ' : ''}scan by ${combiner} of ${dtype} ${JSON.stringify(shape)}`;
  compareValues(what, await bench.result(what, output), expected, tolerance);
  bench.free(input.allocation);
  bench.free(output.allocation);
}

/** bool has no sums; `logaddexp` is for floating values. */
const combinersOf = (dtype: DType): readonly ScanCombiner[] =>
  dtype === 'bool'
    ? ['max', 'min']
    : isFloating(dtype)
      ? ['sum', 'prod', 'max', 'min', 'logaddexp']
      : ['sum', 'prod', 'max', 'min'];

/** Products stay in the range of every dtype: factors of -1, 1 and, seldom, 2. */
const factors = (random: Random, dtype: DType, count: number): Value[] =>
  Array.from({ length: count }, () => {
    const value = random.next() < 0.1 ? 2 : dtype === 'uint8' || random.next() < 0.5 ? 1 : -1;
    return dtype === 'int64' ? BigInt(value) : value;
  });

export const scanCases: readonly ConformanceCase[] = [
  ...BACKEND_DTYPES.map((dtype) =>
    benchCase(
      `scan: ${dtype} at any strides, both ways`,
      async (bench, random) => {
        for (const combiner of combinersOf(dtype)) {
          for (let rank = 1; rank <= 8; rank += rank > 3 ? 2 : 1) {
            const shape = random.shape(rank, rank > 4 ? 3 : 7);
            const size = sizeOf(shape);
            const values = combiner === 'prod' ? factors(random, dtype, size) : random.small(dtype, size);
            for (const reverse of [false, true])
              await run(bench, random, combiner, dtype, shape, values, reverse);
          }
        }
      },
      needs(dtype),
    ),
  ),

  benchCase('scan: a long row', async (bench, random) => {
    const values = Array.from({ length: 10_007 }, (_, i) => Math.fround((i % 11) / 8));
    await run(bench, random, 'sum', 'float32', [values.length], values, false);
    await run(bench, random, 'sum', 'float32', [values.length], values, true);
    const ones = new Array<number>(3000).fill(1);
    await run(bench, random, 'sum', 'int32', [3000], ones, false);
  }),

  benchCase('scan: many rows along the first dimension of a matrix', async (bench) => {
    const [rows, columns] = [37, 301];
    const values = Array.from({ length: rows * columns }, (_, i) => i % 5);
    const input = bench.box('float32', [rows, columns], values);
    const output = bench.box('float32', [rows, columns], null);
    const turned = { offset: 0, strides: [1, columns] };
    bench.backend.kernels.scan(
      'sum',
      [columns, rows],
      { ...output, ...turned },
      { ...input, ...turned },
      false,
    );
    const expected = values.slice();
    for (let i = columns; i < expected.length; i++) expected[i]! += expected[i - columns]!;
    compareValues('columns', await bench.result('columns', output), expected);
  }),

  ...FLOATING.map((dtype) =>
    benchCase(
      `scan: NaN spreads in ${dtype}`,
      async (bench, random) => {
        const row = [1, 2, Number.NaN, 4, -1];
        for (const combiner of ['sum', 'max', 'min'] as const) {
          for (const reverse of [false, true]) await run(bench, random, combiner, dtype, [5], row, reverse);
        }
      },
      needs(dtype),
    ),
  ),

  benchCase('scan: logaddexp begins at -inf and does not overflow', async (bench, random) => {
    const inf = Number.POSITIVE_INFINITY;
    await run(bench, random, 'logaddexp', 'float32', [5], [-inf, -inf, 0, 100, 1000], false);
    await run(bench, random, 'logaddexp', 'float32', [3], [1000, 1000, -1000], true);
    await run(bench, random, 'logaddexp', 'float32', [3], [0, inf, 3], false);
  }),
];
