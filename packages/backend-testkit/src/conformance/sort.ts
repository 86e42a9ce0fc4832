import type { DType } from '@flambeau/core/backend';
import { BACKEND_DTYPES } from '@flambeau/core/backend';
import { type Bench, movedLast, seen, sizeOf, strided } from './bench.ts';
import type { ConformanceCase } from './case.ts';
import { compareValues } from './compare.ts';
import { FLOATING, type Value } from './elements.ts';
import { benchCase } from './memory.ts';
import { needs } from './pointwise.ts';
import type { Random } from './random.ts';

/** NaN is the largest, and equals itself. */
function order(a: Value, b: Value): number {
  const [x, y] = [Number.isNaN(a), Number.isNaN(b)];
  if (x || y) return Number(x) - Number(y);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Where the elements of a sorted row came from; equal ones keep their order either way. */
function sortedOrder(row: readonly Value[], descending: boolean): number[] {
  const from = row.map((_, i) => i);
  return from.sort((i, j) => (descending ? order(row[j]!, row[i]!) : order(row[i]!, row[j]!)) || i - j);
}

async function run(
  bench: Bench,
  random: Random,
  dtype: DType,
  shape: readonly number[],
  values: readonly Value[],
  descending: boolean,
): Promise<void> {
  // Vectors and matrices are as they are given; of more dimensions some repeat.
  const layout = strided(random, shape, shape.length > 2);
  const input = bench.box(dtype, shape, values, layout);
  const read = seen(shape, layout, values);
  const sorted = bench.box(dtype, shape, null, movedLast(random, shape));
  const indices = bench.box('int32', shape, null, movedLast(random, shape));
  bench.backend.kernels.sort(shape, sorted, indices, input, descending);
  const length = shape.at(-1)!;
  const rows = Array.from({ length: sizeOf(shape) / length }, (_, i) =>
    read.slice(i * length, (i + 1) * length),
  );
  const orders = rows.map((row) => sortedOrder(row, descending));
  const what = `sort ${dtype} ${JSON.stringify(shape)} ${descending ? 'descending' : 'ascending'}`;
  compareValues(`${what}: indices`, await bench.result(what, indices), orders.flat());
  compareValues(
    `${what}: values`,
    await bench.result(what, sorted),
    rows.flatMap((row, i) => orders[i]!.map((from) => row[from]!)),
  );
  for (const box of [input, sorted, indices]) bench.free(box.allocation);
}

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

export const sortCases: readonly ConformanceCase[] = [
  ...BACKEND_DTYPES.map((dtype) =>
    benchCase(
      `sort: ${dtype} at any strides, stable both ways`,
      async (bench, random) => {
        for (let rank = 1; rank <= 8; rank++) {
          const shape = random.shape(rank, rank > 4 ? 3 : 9);
          for (const descending of [false, true]) {
            await run(bench, random, dtype, shape, random.small(dtype, sizeOf(shape)), descending);
          }
        }
        for (const descending of [false, true])
          await run(bench, random, dtype, [3, 129], random.wide(dtype, 387), descending);
      },
      needs(dtype),
    ),
  ),

  ...FLOATING.map((dtype) =>
    benchCase(
      `sort: NaN is the largest ${dtype}, zeros of both signs are equal`,
      async (bench, random) => {
        const row = [nan, 1, -inf, 0, -0, inf, nan, -1, 0, -0];
        for (const descending of [false, true])
          await run(bench, random, dtype, [row.length], row, descending);
      },
      needs(dtype),
    ),
  ),

  benchCase('sort: long rows with many ties', async (bench, random) => {
    for (const length of [1023, 1024, 1025, 20_011]) {
      const values = Array.from({ length }, () => random.integer(-20, 20));
      for (const descending of [false, true]) {
        await run(bench, random, 'float32', [length], values, descending);
        await run(bench, random, 'int32', [length], values, descending);
      }
    }
  }),

  benchCase('sort: rows that are sorted already, one way or the other', async (bench, random) => {
    const rising = Array.from({ length: 300 }, (_, i) => i);
    for (const row of [rising, rising.toReversed(), new Array<number>(300).fill(4)]) {
      for (const descending of [false, true]) await run(bench, random, 'float32', [300], row, descending);
    }
    await run(bench, random, 'float32', [4, 1], [4, 3, 2, 1], true);
  }),
];
