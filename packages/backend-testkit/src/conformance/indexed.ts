import { BACKEND_DTYPES, type DType, isFloating, type ScatterMode } from '@flambeau/core/backend';
import {
  type Bench,
  faultOf,
  indicesOf,
  movedLast,
  packed,
  positionOf,
  rowMajor,
  seen,
  sizeOf,
  strided,
} from './bench.ts';
import { type ConformanceCase, ensure } from './case.ts';
import { allowed, compareValues } from './compare.ts';
import type { Value } from './elements.ts';
import { benchCase } from './memory.ts';
import { needs } from './pointwise.ts';
import { type Random, wrapped } from './random.ts';

type IndexDType = 'int32' | 'int64';

const inDType = (dtype: IndexDType, values: readonly number[]): Value[] =>
  dtype === 'int64' ? values.map(BigInt) : [...values];

const randomIndices = (random: Random, count: number, length: number): number[] =>
  Array.from({ length: count }, () => random.integer(0, length - 1));

async function runGather(
  bench: Bench,
  random: Random,
  dtype: DType,
  indexDType: IndexDType,
  shape: readonly number[],
  length: number,
): Promise<void> {
  const last = shape.length - 1;
  const inputShape = shape.with(last, length);
  const inputLayout = strided(random, inputShape, true);
  const indexLayout = strided(random, shape, true);
  const values = random.small(dtype, sizeOf(inputShape));
  const given = inDType(indexDType, randomIndices(random, sizeOf(shape), length));
  const input = bench.box(dtype, inputShape, values, inputLayout);
  const index = bench.box(indexDType, shape, given, indexLayout);
  const output = bench.box(dtype, shape, null, movedLast(random, shape));
  bench.backend.kernels.gather(shape, length, output, input, index);
  const read = seen(inputShape, inputLayout, values);
  const places = seen(shape, indexLayout, given);
  const inputAt = packed(inputShape);
  const expected = Array.from(
    indicesOf(shape),
    (at, i) => read[positionOf(inputAt, at.with(last, Number(places[i])))]!,
  );
  const what = `gather ${dtype} ${JSON.stringify(inputShape)} by ${indexDType} ${JSON.stringify(shape)}`;
  compareValues(what, await bench.result(what, output), expected);
  for (const box of [input, index, output]) bench.free(box.allocation);
}

const gatherCases = BACKEND_DTYPES.map((dtype) =>
  benchCase(
    `gather: ${dtype} at any strides, indices of both dtypes`,
    async (bench, random) => {
      for (let rank = 1; rank <= 8; rank++) {
        for (const indexDType of ['int32', 'int64'] as const) {
          if (!bench.backend.limits.dtypes.includes(indexDType)) continue;
          await runGather(
            bench,
            random,
            dtype,
            indexDType,
            random.shape(rank, rank > 4 ? 2 : 5),
            random.integer(1, 6),
          );
        }
      }
    },
    needs(dtype),
  ),
);

/** What a scatter mode makes of the value in place and a new one. */
function combined(mode: ScatterMode, dtype: DType, present: Value, value: Value): Value {
  switch (mode) {
    case 'assign':
      return value;
    case 'max':
    case 'min':
      if (Number.isNaN(present) || Number.isNaN(value)) return Number.NaN;
      return (mode === 'max' ? value > present : value < present) ? value : present;
    default: {
      if (dtype === 'bool') return mode === 'add' ? present || value : present && value;
      if (isFloating(dtype))
        return mode === 'add' ? Number(present) + Number(value) : Number(present) * Number(value);
      const exact = wrapped(
        dtype,
        mode === 'add' ? BigInt(present) + BigInt(value) : BigInt(present) * BigInt(value),
      );
      return dtype === 'int64' ? exact : Number(exact);
    }
  }
}

interface ScatterRun {
  readonly mode: ScatterMode;
  readonly dtype: DType;
  readonly indexDType: IndexDType;
  readonly shape: readonly number[];
  readonly length: number;
  /** Each row's indices are different ones, so that `assign` has one answer. */
  readonly distinct: boolean;
}

async function runScatter(
  bench: Bench,
  random: Random,
  { mode, dtype, indexDType, shape, length, distinct }: ScatterRun,
): Promise<void> {
  const last = shape.length - 1;
  const outputShape = shape.with(last, length);
  const start = random.small(dtype, sizeOf(outputShape));
  const rows = sizeOf(shape) / shape[last]!;
  const all = Array.from({ length }, (_, i) => i);
  const indices = Array.from({ length: rows }, () =>
    distinct ? random.shuffled(all).slice(0, shape[last]) : randomIndices(random, shape[last]!, length),
  ).flat();
  const output = bench.box(dtype, outputShape, start, strided(random, outputShape));
  const sourceLayout = strided(random, shape, true);
  const values =
    mode === 'mul'
      ? random
          .small(dtype, sizeOf(shape))
          .map((v) => (dtype === 'bool' ? v : Number(v) > 0 ? one(dtype) : two(dtype)))
      : random.small(dtype, sizeOf(shape));
  const source = bench.box(dtype, shape, values, sourceLayout);
  const index = bench.box(indexDType, shape, inDType(indexDType, indices), strided(random, shape));
  bench.backend.kernels.scatter(mode, shape, length, output, source, index);
  const expected = start.slice();
  const read = seen(shape, sourceLayout, values);
  const outputAt = packed(outputShape);
  let i = 0;
  for (const at of indicesOf(shape)) {
    const place = positionOf(outputAt, at.with(last, indices[i]!));
    expected[place] = combined(mode, dtype, expected[place]!, read[i]!);
    i += 1;
  }
  const what = `scatter ${mode} into ${dtype} ${JSON.stringify(outputShape)} by ${indexDType} ${JSON.stringify(shape)}`;
  compareValues(what, await bench.result(what, output), expected, allowed(dtype));
  for (const box of [output, source, index]) bench.free(box.allocation);
}

const one = (dtype: DType): Value => (dtype === 'int64' ? 1n : 1);
const two = (dtype: DType): Value => (dtype === 'int64' ? 2n : 2);

const MODES: readonly ScatterMode[] = ['assign', 'add', 'mul', 'max', 'min'];

const scatterCases = BACKEND_DTYPES.map((dtype) =>
  benchCase(
    `scatter: every mode into ${dtype} at any strides`,
    async (bench, random) => {
      for (const mode of MODES) {
        for (let rank = 1; rank <= 8; rank += rank > 3 ? 2 : 1) {
          for (const indexDType of ['int32', 'int64'] as const) {
            if (!bench.backend.limits.dtypes.includes(indexDType)) continue;
            const shape = random.shape(rank, rank > 4 ? 2 : 4);
            const length = shape.at(-1)! + random.integer(0, 3);
            await runScatter(bench, random, {
              mode,
              dtype,
              indexDType,
              shape,
              length,
              distinct: mode === 'assign',
            });
          }
        }
      }
    },
    needs(dtype),
  ),
);

/** What a kernel with a bad index must leave alone. */
async function harmless(bench: Bench, what: string, run: () => void): Promise<void> {
  const witness = bench.box('float32', [64], new Array<Value>(64).fill(5));
  const fault = await faultOf(bench.backend, run);
  ensure(fault !== undefined, `${what}: no fault was reported, neither at the call nor by synchronize`);
  ensure(
    /index/i.test(fault) && /range|bound/i.test(fault),
    `${what}: the fault must say that an index is out of range; it says: ${fault}`,
  );
  ensure(
    (await faultOf(bench.backend, () => {})) === undefined,
    `${what}: a fault that was thrown once must not be thrown again`,
  );
  compareValues(`${what}: other memory`, await bench.result(what, witness), new Array<Value>(64).fill(5));
}

const BAD = [-1, 3, 1000, -(2 ** 31), 2 ** 31 - 1] as const;

const faults: readonly ConformanceCase[] = [
  benchCase('gather: an index out of range is reported, and harmless', async (bench) => {
    for (const bad of BAD) {
      const input = bench.box('float32', [3], [1, 2, 3]);
      const index = bench.box('int32', [4], [0, bad, 2, 1]);
      const output = bench.box('float32', [4], null);
      await harmless(bench, `gather at ${bad}`, () =>
        bench.backend.kernels.gather([4], 3, output, input, index),
      );
      await bench.result(`gather at ${bad}`, output);
    }
  }),
  ...MODES.map((mode) =>
    benchCase(`scatter: an index out of range is reported, and harmless, by ${mode}`, async (bench) => {
      for (const bad of BAD) {
        const output = bench.box('float32', [2, 3], [1, 1, 1, 1, 1, 1]);
        const source = bench.box('float32', [2, 2], [1, 1, 1, 1]);
        const index = bench.box('int32', [2, 2], [0, bad, 1, 0]);
        const strides = rowMajor([2, 3]);
        await harmless(bench, `scatter ${mode} at ${bad}`, () =>
          bench.backend.kernels.scatter(mode, [2, 2], 3, { ...output, strides }, source, index),
        );
        await bench.result(`scatter ${mode} at ${bad}`, output);
      }
    }),
  ),
  benchCase(
    'gather: an int64 index far out of range is reported',
    async (bench) => {
      for (const bad of [2n ** 32n, 2n ** 40n + 1n, -(2n ** 63n)]) {
        const input = bench.box('float32', [3], [1, 2, 3]);
        const index = bench.box('int64', [2], [0n, bad]);
        const output = bench.box('float32', [2], null);
        await harmless(bench, `gather at ${bad}`, () =>
          bench.backend.kernels.gather([2], 3, output, input, index),
        );
      }
    },
    needs('int64'),
  ),
];

export const indexedCases: readonly ConformanceCase[] = [
  ...gatherCases,
  ...scatterCases,

  benchCase('gather: one index for a whole row', async (bench) => {
    const input = bench.box(
      'float32',
      [4, 3],
      Array.from({ length: 12 }, (_, i) => i),
    );
    const index = bench.box('int32', [2], [2, 0]);
    const output = bench.box('float32', [3, 2], null);
    // Rows 2 and 0 of the input, as the columns of the output: the index repeats along the other dimension.
    bench.backend.kernels.gather(
      [3, 2],
      4,
      output,
      { ...input, strides: [1, 3] },
      { ...index, strides: [0, 1] },
    );
    compareValues('rows', await bench.result('rows', output), [6, 0, 7, 1, 8, 2]);
  }),

  benchCase('gather: values move bit by bit', async (bench) => {
    const special = [Number.NaN, -0, Number.POSITIVE_INFINITY, 1e-45, 3.4e38].map(Math.fround);
    const input = bench.box('float32', [5], special);
    const output = bench.box('float32', [5], null);
    bench.backend.kernels.gather([5], 5, output, input, bench.box('int32', [5], [4, 3, 2, 1, 0]));
    const got = await bench.result('special values', output);
    ensure(
      got.every((value, i) => Object.is(value, special[4 - i])),
      `special values changed: ${got.join(', ')}`,
    );
  }),

  benchCase('scatter: repeated indices are all added', async (bench) => {
    const count = 5000;
    const output = bench.box('float32', [3], [0, 0, 100]);
    const source = bench.box('float32', [count], new Array<Value>(count).fill(1));
    const index = bench.box(
      'int32',
      [count],
      Array.from({ length: count }, (_, i) => (i % 5 === 0 ? 1 : 0)),
    );
    bench.backend.kernels.scatter('add', [count], 3, output, source, index);
    compareValues('counts', await bench.result('counts', output), [4000, 1000, 100]);
  }),

  benchCase('scatter: of repeated indices, assign keeps one of the values', async (bench) => {
    const output = bench.box('float32', [2], [-1, -1]);
    const source = bench.box(
      'float32',
      [1000],
      Array.from({ length: 1000 }, (_, i) => i),
    );
    const index = bench.box('int32', [1000], new Array<Value>(1000).fill(1));
    bench.backend.kernels.scatter('assign', [1000], 2, output, source, index);
    const [untouched, kept] = await bench.result('assign', output);
    ensure(untouched === -1, `an element that no index names became ${untouched}`);
    ensure(
      Number.isInteger(kept) && Number(kept) >= 0 && Number(kept) < 1000,
      `assign gave ${kept}, which is none of the values`,
    );
  }),

  benchCase('scatter: one value for all, and NaN in max and min', async (bench) => {
    const value = bench.box('float32', [], [7]);
    const output = bench.box('float32', [4], [1, 2, 3, 4]);
    bench.backend.kernels.scatter(
      'add',
      [2],
      4,
      output,
      { ...value, strides: [0] },
      bench.box('int32', [2], [0, 3]),
    );
    compareValues('one value', await bench.result('one value', output), [8, 2, 3, 11]);
    const nan = Number.NaN;
    for (const mode of ['max', 'min'] as const) {
      const target = bench.box('float32', [3], [1, nan, 1]);
      bench.backend.kernels.scatter(
        mode,
        [3],
        3,
        target,
        bench.box('float32', [3], [nan, 5, 5]),
        bench.box('int32', [3], [0, 1, 2]),
      );
      compareValues(`NaN in ${mode}`, await bench.result(mode, target), [nan, nan, mode === 'max' ? 5 : 1]);
    }
  }),

  ...faults,
];
