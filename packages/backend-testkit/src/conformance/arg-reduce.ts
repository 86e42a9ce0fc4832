import type { DType } from '@flambeau/core/backend';
import { BACKEND_DTYPES } from '@flambeau/core/backend';
import { type Bench, rowMajor, seen, sizeOf, strided } from './bench.ts';
import type { ConformanceCase } from './case.ts';
import { compareValues } from './compare.ts';
import type { Value } from './elements.ts';
import { benchCase } from './memory.ts';
import { needs } from './pointwise.ts';
import type { Random } from './random.ts';

type Mode = 'max' | 'min';

/** The first of the best; a NaN is better than everything. */
function best(mode: Mode, row: readonly Value[]): number {
  const nan = row.findIndex((value) => Number.isNaN(value));
  if (nan >= 0) return nan;
  return row.reduce<number>(
    (at, value, i) => ((mode === 'max' ? value > row[at]! : value < row[at]!) ? i : at),
    0,
  );
}

async function run(
  bench: Bench,
  random: Random,
  mode: Mode,
  dtype: DType,
  shape: readonly number[],
  values: readonly Value[],
): Promise<void> {
  // Vectors and matrices are as they are given; of more dimensions some repeat.
  const layout = strided(random, shape, shape.length > 2);
  const input = bench.box(dtype, shape, values, layout);
  const read = seen(shape, layout, values);
  const kept = shape.slice(0, -1);
  const output = bench.box('int32', kept, null, { offset: random.integer(0, 3), strides: rowMajor(kept) });
  bench.backend.kernels.argReduce(mode, shape, output, input);
  const length = shape.at(-1)!;
  const expected = Array.from({ length: sizeOf(kept) }, (_, i) =>
    best(mode, read.slice(i * length, (i + 1) * length)),
  );
  const what = `arg ${mode} of ${dtype} ${JSON.stringify(shape)}, strides ${JSON.stringify(layout.strides)}`;
  compareValues(what, await bench.result(what, output), expected);
}

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

const ROWS: readonly (readonly number[])[] = [
  [1, 3, 3, 2],
  [nan, 3, nan, 5],
  [3, nan, 5, nan],
  [3, 2, 1, nan],
  [-inf, -inf, -inf, -inf],
  [inf, inf, -inf, 0],
  [0, -0, 0, -0],
  [-inf, nan, inf, 1],
];

export const argReduceCases: readonly ConformanceCase[] = [
  ...BACKEND_DTYPES.map((dtype) =>
    benchCase(
      `argReduce: ${dtype} at any strides, the first of ties`,
      async (bench, random) => {
        for (let rank = 1; rank <= 8; rank++) {
          const shape = random.shape(rank, rank > 4 ? 3 : 7);
          for (const mode of ['max', 'min'] as const) {
            await run(bench, random, mode, dtype, shape, random.small(dtype, sizeOf(shape)));
          }
        }
      },
      needs(dtype),
    ),
  ),
  benchCase('argReduce: NaN wins, the first of several', async (bench, random) => {
    for (const mode of ['max', 'min'] as const)
      await run(bench, random, mode, 'float32', [ROWS.length, 4], ROWS.flat());
  }),
  benchCase('argReduce: a long row', async (bench, random) => {
    const values = Array.from({ length: 70_001 }, (_, i) => (i * 7919) % 65_521);
    for (const mode of ['max', 'min'] as const)
      await run(bench, random, mode, 'float32', [values.length], values);
    const flat = new Array<number>(70_001).fill(1);
    await run(bench, random, 'max', 'float32', [flat.length], flat);
  }),
  benchCase('argReduce: a row of one', async (bench, random) => {
    await run(bench, random, 'max', 'float32', [5, 1], [1, 2, 3, 4, 5]);
    await run(bench, random, 'min', 'int32', [1], [7]);
  }),
];
