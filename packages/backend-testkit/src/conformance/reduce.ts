import { all, amax, amin, any, mean, prod, sum, type Tensor } from '@flambeau/core';
import { BACKEND_DTYPES, type DType, isFloating, type Reduction } from '@flambeau/core/backend';
import { type Bench, indicesOf, rowMajor, seen, sizeOf, strided } from './bench.ts';
import type { ConformanceCase } from './case.ts';
import { allowed, compareValues } from './compare.ts';
import type { Value } from './elements.ts';
import { benchCase } from './memory.ts';
import { needs } from './pointwise.ts';
import { blank, reductionOf } from './programs.ts';
import { type Random, wrapped } from './random.ts';

type Reducing = (x: Tensor) => Tensor;
const REDUCTIONS: Readonly<Record<string, Reducing>> = {
  sum: (x) => sum(x, 1),
  prod: (x) => prod(x, 1),
  amax: (x) => amax(x, 1),
  amin: (x) => amin(x, 1),
  any: (x) => any(x, 1),
  all: (x) => all(x, 1),
};

const interned = new Map<string, Reduction>();

/** The reduction of an operator over one dtype. */
function reduction(name: string, dtype: DType): Reduction {
  const key = `${name} ${dtype}`;
  let found = interned.get(key);
  if (found === undefined) {
    found = reductionOf(() => REDUCTIONS[name]!(blank(dtype)));
    interned.set(key, found);
  }
  return found;
}

/** What a reduction gives over some values, in the dtype of its result. */
function expectedOf(name: string, output: DType, values: readonly Value[]): Value {
  switch (name) {
    case 'any':
      return values.some((x) => Number(x) !== 0);
    case 'all':
      return values.every((x) => Number(x) !== 0);
    case 'amax':
    case 'amin':
      if (values.some(Number.isNaN)) return Number.NaN;
      return values.reduce((a, b) => ((name === 'amax' ? b > a : b < a) ? b : a));
    default: {
      const product = name === 'prod';
      if (isFloating(output))
        return values.reduce<number>((a, x) => (product ? a * Number(x) : a + Number(x)), product ? 1 : 0);
      const exact = values.reduce<bigint>(
        (a, x) => (product ? a * BigInt(x) : a + BigInt(x)),
        product ? 1n : 0n,
      );
      const value = wrapped(output, exact);
      return output === 'int64' ? value : Number(value);
    }
  }
}

/** Reduces the last dimensions of a tensor laid out at random. */
async function runReduction(
  bench: Bench,
  random: Random,
  name: string,
  dtype: DType,
  shape: readonly number[],
  keptRank: number,
): Promise<void> {
  const given = reduction(name, dtype);
  const layout = strided(random, shape, true);
  const values = random.small(dtype, sizeOf(shape));
  const input = bench.box(dtype, shape, values, layout);
  const read = seen(shape, layout, values);
  const kept = shape.slice(0, keptRank);
  const output = bench.box(given.post.output, kept, null, {
    offset: random.integer(0, 3),
    strides: rowMajor(kept),
  });
  const count = sizeOf(shape.slice(keptRank));
  bench.backend.kernels.reduce(given, shape, keptRank, output, [input], [count]);
  const expected = Array.from({ length: sizeOf(kept) }, (_, i) =>
    expectedOf(name, given.post.output, read.slice(i * count, (i + 1) * count)),
  );
  const what = `${name} of ${dtype} ${JSON.stringify(shape)} keeping ${keptRank}, strides ${JSON.stringify(layout.strides)}`;
  compareValues(what, await bench.result(what, output), expected, allowed(given.post.output));
  bench.free(input.allocation);
  bench.free(output.allocation);
}

const byDType = BACKEND_DTYPES.map((dtype) =>
  benchCase(
    `reduce: every combiner over ${dtype} at any strides`,
    async (bench, random) => {
      for (const name of Object.keys(REDUCTIONS)) {
        for (let rank = 1; rank <= 8; rank++) {
          const shape = random.shape(rank, rank > 4 ? 2 : rank > 2 ? 4 : 7);
          // Products of many elements leave the range in which narrow floating dtypes are exact.
          const keptRank = name === 'prod' ? rank - 1 : random.integer(0, rank - 1);
          await runReduction(bench, random, name, dtype, shape, keptRank);
        }
      }
    },
    needs(dtype),
  ),
);

const whole = (name: string, bench: Bench, dtype: DType, values: readonly Value[]) => {
  const given = reduction(name, dtype);
  const input = bench.box(dtype, [values.length], values);
  const output = bench.box(given.post.output, [], null);
  bench.backend.kernels.reduce(given, [values.length], 0, output, [input], [values.length]);
  return bench.result(name, output);
};

export const reduceCases: readonly ConformanceCase[] = [
  ...byDType,

  benchCase('reduce: a float32 sum of many values is accurate', async (bench, random) => {
    const count = 200_003;
    const tenths = new Array<number>(count).fill(Math.fround(0.1));
    compareValues('200,003 × 0.1', await whole('sum', bench, 'float32', tenths), [count * Math.fround(0.1)], {
      rtol: 2e-6,
      atol: 0,
    });
    const mixed = Array.from({ length: count }, () => Math.fround(random.uniform(0, 1)));
    const total = mixed.reduce((a, b) => a + b, 0);
    compareValues('uniform values', await whole('sum', bench, 'float32', mixed), [total], {
      rtol: 2e-6,
      atol: 0,
    });
  }),

  benchCase('reduce: accurate along either dimension of a large matrix', async (bench) => {
    const [rows, columns] = [1531, 67];
    const values = Array.from({ length: rows * columns }, (_, i) => Math.fround(((i * 7) % 13) / 10));
    const input = bench.box('float32', [rows, columns], values);
    const given = reduction('sum', 'float32');
    const byRow = bench.box('float32', [rows], null);
    bench.backend.kernels.reduce(given, [rows, columns], 1, byRow, [input], [columns]);
    const byColumn = bench.box('float32', [columns], null);
    bench.backend.kernels.reduce(
      given,
      [columns, rows],
      1,
      byColumn,
      [{ ...input, strides: [1, columns] }],
      [rows],
    );
    const rowSums = new Array<number>(rows).fill(0);
    const columnSums = new Array<number>(columns).fill(0);
    values.forEach((value, i) => {
      rowSums[Math.floor(i / columns)]! += value;
      columnSums[i % columns]! += value;
    });
    compareValues('rows', await bench.result('rows', byRow), rowSums, { rtol: 2e-6, atol: 0 });
    compareValues('columns', await bench.result('columns', byColumn), columnSums, { rtol: 2e-6, atol: 0 });
  }),

  ...(['float16', 'bfloat16'] as const).map((dtype) =>
    benchCase(
      `reduce: ${dtype} accumulates in float32`,
      async (bench) => {
        compareValues('4096 ones', await whole('sum', bench, dtype, new Array<number>(4096).fill(1)), [4096]);
      },
      needs(dtype),
    ),
  ),

  benchCase('reduce: NaN spreads, infinities are kept', async (bench) => {
    const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
    for (const name of ['sum', 'prod', 'amax', 'amin']) {
      for (const at of [0, 3, 6]) {
        const values = [1, 2, 3, 4, 5, 6, 7].with(at, nan);
        compareValues(`${name} with NaN at ${at}`, await whole(name, bench, 'float32', values), [nan]);
      }
    }
    compareValues('sum with inf', await whole('sum', bench, 'float32', [1, inf, 2]), [inf]);
    compareValues('sum of inf - inf', await whole('sum', bench, 'float32', [inf, -inf]), [nan]);
    compareValues('amax of -inf', await whole('amax', bench, 'float32', [-inf, -inf]), [-inf]);
    compareValues('amin of inf', await whole('amin', bench, 'float32', [inf, inf]), [inf]);
    compareValues('any of NaN', await whole('any', bench, 'float32', [0, nan]), [true]);
  }),

  benchCase(
    'reduce: int64 sums are exact beyond 53 bits and wrap beyond 64',
    async (bench) => {
      compareValues('2^60 thrice', await whole('sum', bench, 'int64', [2n ** 60n, 2n ** 60n, 1n]), [
        2n ** 61n + 1n,
      ]);
      compareValues('2^62 twice', await whole('sum', bench, 'int64', [2n ** 62n, 2n ** 62n]), [-(2n ** 63n)]);
    },
    needs('int64'),
  ),

  benchCase('reduce: what follows the combination reads the count', async (bench) => {
    const given = reductionOf(() => mean(blank('float32'), 1));
    const input = bench.box(
      'float32',
      [3, 4],
      Array.from({ length: 12 }, (_, i) => i),
    );
    const output = bench.box('float32', [3], null);
    bench.backend.kernels.reduce(given, [3, 4], 1, output, [input], [4]);
    compareValues('mean', await bench.result('mean', output), [1.5, 5.5, 9.5], allowed('float32'));
  }),

  benchCase('reduce: many small rows, and one result of many dimensions', async (bench) => {
    const shape = [2003, 3];
    const values = Array.from({ length: 6009 }, (_, i) => i % 17);
    const input = bench.box('float32', shape, values);
    const output = bench.box('float32', [2003], null);
    bench.backend.kernels.reduce(reduction('sum', 'float32'), shape, 1, output, [input], [3]);
    const sums = Array.from(
      { length: 2003 },
      (_, i) => values[3 * i]! + values[3 * i + 1]! + values[3 * i + 2]!,
    );
    compareValues('rows of three', await bench.result('rows', output), sums);
    const cube = [5, 4, 3, 2];
    const box = bench.box(
      'float32',
      cube,
      Array.from(indicesOf(cube), (index) => index[0]!),
      { offset: 0, strides: [1, 5, 20, 60] },
    );
    const total = bench.box('float32', [], null);
    bench.backend.kernels.reduce(reduction('sum', 'float32'), cube, 0, total, [box], [120]);
    compareValues('all', await bench.result('all', total), [240]);
  }),
];
