import { add, arange, clone, type Expr, eye, gt, mul, pointwise } from '@flambeau/core';
import { BACKEND_DTYPES, byteLengthOf, type DType, type Program } from '@flambeau/core/backend';
import { type Bench, type Box, indicesOf, rowMajor, seen, sizeOf, strided } from './bench.ts';
import { type ConformanceCase, type ConformanceContext, ensure } from './case.ts';
import { compareValues } from './compare.ts';
import type { Value } from './elements.ts';
import { benchCase } from './memory.ts';
import { blank, program } from './programs.ts';
import type { Random } from './random.ts';

/** Says that a backend does not have a dtype. */
export const needs =
  (...dtypes: readonly DType[]) =>
  ({ backend }: ConformanceContext): string | undefined => {
    const missing = dtypes.find((dtype) => !backend.limits.dtypes.includes(dtype));
    return missing === undefined ? undefined : `it has no ${missing}`;
  };

const copying = (dtype: DType): Program => program(`copy ${dtype}`, () => clone(blank(dtype)));

/** Runs a program over operands laid out at random, and compares with what `expected` says of each index. */
async function runStrided(
  bench: Bench,
  random: Random,
  given: Program,
  shape: readonly number[],
  expected: (elements: readonly Value[]) => Value,
  parameters: readonly number[] = [],
): Promise<void> {
  const size = sizeOf(shape);
  const columns = given.inputs.map((dtype) => {
    const layout = strided(random, shape, true);
    const values = random.small(dtype, size);
    return { box: bench.box(dtype, shape, values, layout), values: seen(shape, layout, values) };
  });
  const output = bench.box(given.output, shape, null, strided(random, shape));
  const what = `${given.output} ${JSON.stringify(shape)}, output strides ${JSON.stringify(output.strides)}`;
  bench.backend.kernels.pointwise(
    given,
    shape,
    output,
    columns.map(({ box }) => box),
    parameters,
  );
  const wanted = Array.from({ length: size }, (_, i) => expected(columns.map(({ values }) => values[i]!)));
  compareValues(what, await bench.result(what, output), wanted);
  for (const { box } of columns) bench.free(box.allocation);
  bench.free(output.allocation);
}

const stridedCases = BACKEND_DTYPES.map((dtype) =>
  benchCase(
    `pointwise: ${dtype} at any strides, ranks 0 to 8`,
    async (bench, random) => {
      for (let rank = 0; rank <= 8; rank++) {
        for (let round = 0; round < 3; round++) {
          await runStrided(bench, random, copying(dtype), random.shape(rank, rank > 4 ? 3 : 6), ([x]) => x!);
        }
      }
      const comparing = program(`gt ${dtype}`, () => gt(blank(dtype), blank(dtype)));
      for (let rank = 0; rank <= 6; rank += 2) {
        await runStrided(bench, random, comparing, random.shape(rank, 4), ([x, y]) => x! > y!);
      }
    },
    needs(dtype),
  ),
);

const fma = (): Program => {
  const operator = pointwise('conformanceFma', (x, y, z) => x.mul(y).add(z));
  return program('fma float32', () => operator(blank('float32'), blank('float32'), blank('float32')));
};

/** An operand that lies in the memory of another. */
const within = (box: Box, shape: readonly number[], offset: number, strides = rowMajor(shape)): Box => ({
  ...box,
  shape,
  offset,
  strides,
});

export const pointwiseCases: readonly ConformanceCase[] = [
  ...stridedCases,

  benchCase('pointwise: three operands', async (bench, random) => {
    for (let rank = 0; rank <= 5; rank++) {
      await runStrided(
        bench,
        random,
        fma(),
        random.shape(rank),
        ([x, y, z]) => Number(x) * Number(y) + Number(z),
      );
    }
  }),

  benchCase('pointwise: large shapes, flat and transposed', async (bench) => {
    const [rows, columns] = [317, 523];
    const size = rows * columns;
    const values = Array.from({ length: size }, (_, i) => i % 1009);
    const x = bench.box('float32', [rows, columns], values);
    const flat = bench.box('float32', [size], null);
    bench.backend.kernels.pointwise(copying('float32'), [size], flat, [{ ...x, strides: [1] }], []);
    compareValues('flat', await bench.result('flat', flat), values);
    const turned = bench.box('float32', [columns, rows], null);
    bench.backend.kernels.pointwise(
      copying('float32'),
      [columns, rows],
      turned,
      [{ ...x, strides: [1, columns] }],
      [],
    );
    const expected = Array.from(indicesOf([columns, rows]), ([i, j]) => values[j! * columns + i!]!);
    compareValues('transposed', await bench.result('transposed', turned), expected);
  }),

  benchCase('pointwise: an output that is one of the inputs', async (bench, random) => {
    const adding = program('add float32', () => add(blank('float32'), blank('float32')));
    for (let rank = 0; rank <= 5; rank++) {
      const shape = random.shape(rank);
      const size = sizeOf(shape);
      const layout = strided(random, shape);
      const [a, b] = [random.small('float32', size), random.small('float32', size)];
      const x = bench.box('float32', shape, a, layout);
      const y = bench.box('float32', shape, b);
      bench.backend.kernels.pointwise(adding, shape, x, [x, y], []);
      bench.backend.kernels.pointwise(adding, shape, x, [y, x], []);
      const expected = a.map((value, i) => Number(value) + 2 * Number(b[i]));
      compareValues(`in place, ${JSON.stringify(shape)}`, await bench.result('in place', x), expected);
    }
  }),

  benchCase('pointwise: operands and output in parts of one allocation', async (bench) => {
    const memory = bench.box('float32', [12], [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0]);
    const output = within(memory, [4], 8);
    bench.backend.kernels.pointwise(
      fma(),
      [4],
      output,
      [within(memory, [4], 0), within(memory, [4], 4), within(memory, [4], 2)],
      [],
    );
    compareValues('x * y + z', (await bench.values(memory)).slice(8), [8, 16, 26, 38]);
  }),

  benchCase('pointwise: one element repeated, and one repeated along a dimension', async (bench) => {
    const scalar = bench.box('float32', [], [10]);
    const row = bench.box('float32', [3], [1, 2, 3]);
    const output = bench.box('float32', [2, 3], null);
    const inputs = [
      { ...row, strides: [0, 1] },
      { ...scalar, strides: [0, 0] },
      { ...row, strides: [0, 0], offset: 2 },
    ];
    bench.backend.kernels.pointwise(fma(), [2, 3], output, inputs, []);
    compareValues('rows', await bench.result('rows', output), [13, 23, 33, 13, 23, 33]);
  }),

  benchCase('pointwise: parameters change nothing that was compiled', async (bench) => {
    const scaling = program('mul float32 by a parameter', () => mul(blank('float32'), 3));
    const x = bench.box('float32', [3], [1, -2, 3]);
    for (const factor of [0, -1, 2.5, 1e30, Number.POSITIVE_INFINITY]) {
      const y = bench.box('float32', [3], null);
      bench.backend.kernels.pointwise(scaling, [3], y, [x], [factor]);
      compareValues(
        `x * ${factor}`,
        await bench.result('scaled', y),
        [1, -2, 3].map((v) => Math.fround(v * Math.fround(factor))),
      );
    }
  }),

  benchCase(
    'pointwise: int64 parameters of more than 53 bits',
    async (bench) => {
      const adding = program('add int64 and a parameter', () => add(blank('int64'), 3));
      const x = bench.box('int64', [2], [1n, -1n]);
      const y = bench.box('int64', [2], null);
      bench.backend.kernels.pointwise(adding, [2], y, [x], [2n ** 60n + 1n]);
      compareValues('x + 2^60 + 1', await bench.result('sum', y), [2n ** 60n + 2n, 2n ** 60n]);
    },
    needs('int64'),
  ),

  benchCase("pointwise: programs without inputs that read the element's index", async (bench, random) => {
    const ramp = program('arange float32', () => arange(5, 9, 2, { dtype: 'float32', device: 'meta' }));
    const y = bench.box('float32', [1000], null);
    ensure(ramp.parameterCount === 2, 'arange has two parameters: start and step');
    bench.backend.kernels.pointwise(ramp, [1000], y, [], [3, 0.5]);
    compareValues(
      '3 + i / 2',
      await bench.result('ramp', y),
      Array.from({ length: 1000 }, (_, i) => 3 + i / 2),
    );
    const diagonal = program('eye float32', () => eye(2, 3, { dtype: 'float32', device: 'meta' }));
    for (const shape of [
      [4, 4],
      [3, 7],
      [1, 5],
    ]) {
      const box = bench.box('float32', shape, null, strided(random, shape));
      bench.backend.kernels.pointwise(diagonal, shape, box, [], []);
      const expected = Array.from(indicesOf(shape), ([i, j]) => (i === j ? 1 : 0));
      compareValues(`eye ${JSON.stringify(shape)}`, await bench.result('eye', box), expected);
    }
  }),

  benchCase('pointwise: a branch that is not taken does no harm', async (bench) => {
    const guarded = pointwise('conformanceGuarded', (x, y) => y.eq(0).select(-1, x.floorDiv(y)));
    const dividing = program('guarded int32', () => guarded(blank('int32'), blank('int32')));
    const x = bench.box('int32', [4], [7, -7, 5, 9]);
    const y = bench.box('int32', [4], [2, 2, 0, 3]);
    const output = bench.box('int32', [4], null);
    bench.backend.kernels.pointwise(dividing, [4], output, [x, y], []);
    compareValues('guarded', await bench.result('guarded', output), [3, -4, -1, 3]);
    const logarithm = pointwise('conformanceLog', (v) => v.gt(0).select(v.log(), 0));
    const masked = program('masked log float32', () => logarithm(blank('float32')));
    const z = bench.box('float32', [3], null);
    bench.backend.kernels.pointwise(masked, [3], z, [bench.box('float32', [3], [-1, 0, 1])], []);
    compareValues('masked', await bench.result('masked', z), [0, 0, 0]);
  }),

  benchCase('pointwise: a long program', async (bench) => {
    const steps = pointwise('conformanceLong', (x) => {
      let y: Expr = x;
      for (let i = 1; i <= 150; i++) y = y.mul(i % 2 === 0 ? 0.5 : 2).add(x);
      return y;
    });
    const long = program('long float32', () => steps(blank('float32')));
    const reference = (x: number): number => {
      let y = x;
      for (let i = 1; i <= 150; i++) y = Math.fround(Math.fround(y * (i % 2 === 0 ? 0.5 : 2)) + x);
      return y;
    };
    const x = bench.box('float32', [5], [-2, -1, 0, 1, 3]);
    const y = bench.box('float32', [5], null);
    bench.backend.kernels.pointwise(long, [5], y, [x], []);
    compareValues('150 steps', await bench.result('long', y), [-2, -1, 0, 1, 3].map(reference), {
      rtol: 1e-5,
      atol: 0,
    });
  }),

  benchCase('pointwise: many small calls', async (bench) => {
    const x = bench.box('float32', [1], [0]);
    const counting = program('add float32 and a parameter', () => add(blank('float32'), 3));
    for (let i = 0; i < 500; i++) bench.backend.kernels.pointwise(counting, [1], x, [x], [1]);
    compareValues('500 times one more', await bench.result('count', x), [500]);
  }),

  benchCase('pointwise: offsets that are aligned to the element alone', async (bench) => {
    for (const dtype of ['bool', 'uint8', 'int16', 'float16', 'float32'] as const) {
      if (!bench.backend.limits.dtypes.includes(dtype)) continue;
      const values: Value[] = dtype === 'bool' ? [true, false, true] : [1, 2, 3];
      for (let offset = 0; offset < 16 / byteLengthOf(dtype); offset++) {
        const x = bench.box(dtype, [3], values, { offset, strides: [1] });
        const y = bench.box(dtype, [3], null, { offset: offset + 1, strides: [1] });
        bench.backend.kernels.pointwise(copying(dtype), [3], y, [x], []);
        compareValues(`${dtype} at ${offset}`, await bench.result(`${dtype} at ${offset}`, y), values);
      }
    }
  }),

  benchCase('pointwise: neighbours narrower than a word are kept', async (bench) => {
    for (const dtype of ['bool', 'uint8', 'int8', 'int16'] as const) {
      if (!bench.backend.limits.dtypes.includes(dtype)) continue;
      const memory = bench.box(dtype, [16], new Array<Value>(16).fill(dtype === 'bool' ? false : 0));
      const one = bench.box(dtype, [], [dtype === 'bool' ? true : 1]);
      for (let i = 1; i < 16; i += 3) {
        const place: Box = { ...memory, shape: [], strides: [], offset: i };
        bench.backend.kernels.pointwise(copying(dtype), [], place, [one], []);
      }
      const expected = Array.from({ length: 16 }, (_, i) =>
        dtype === 'bool' ? i % 3 === 1 : Number(i % 3 === 1),
      );
      compareValues(dtype, await bench.values(memory), expected);
    }
  }),
];
