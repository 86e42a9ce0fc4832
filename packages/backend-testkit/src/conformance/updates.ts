import { type Device, noGrad, setKernelInterceptor, type Tensor, tensor, update } from '@flambeau/core';
import { type DType, sizeOf, type Update } from '@flambeau/core/backend';
import type { Box } from './bench.ts';
import type { ConformanceCase, ConformanceContext } from './case.ts';
import { compareValues } from './compare.ts';
import { FLOATING } from './elements.ts';
import { benchCase } from './memory.ts';
import { needs } from './pointwise.ts';
import type { Random } from './random.ts';

/** It makes a local, reads what a step before wrote, and keeps to values that every floating dtype holds exactly. */
const probe = update('probe', {
  operands: ['x', 'g', 'average'],
  numbers: ['rate', 'kept'],
  locals: ['way'],
  steps: {
    way: ({ x, g, kept }) => g.mul(2).add(x.mul(kept)),
    average: ({ average, way, kept }) => average.mul(kept).add(way),
    x: ({ x, average, rate }) => x.sub(average.mul(rate)),
  },
});
const NUMBERS = { rate: 0.5, kept: 0.5 };

type Row<T> = readonly [x: T, g: T, average: T];

/** What `probe` makes of a row's values. */
function expected([x, g, average]: Row<readonly number[]>): Row<readonly number[]> {
  const newAverage = average.map((value, i) => value * NUMBERS.kept + g[i]! * 2 + x[i]! * NUMBERS.kept);
  return [x.map((value, i) => value - newAverage[i]! * NUMBERS.rate), g, newAverage];
}

const LENGTHS = [1, 2, 3, 4, 5, 16, 17, 31, 64, 100, 1027, 5000] as const;

const row = <T>(make: (operand: number) => T): Row<T> => [make(0), make(1), make(2)];

const randomRow = (random: Random, length: number): Row<readonly number[]> =>
  row(() => Array.from({ length }, () => random.integer(-2, 2)));

/** The update as kernels see it: what core hands to the device's kernel, which is not run. */
function probeFor(device: Device, dtypes: Row<DType>): Update | undefined {
  let found: Update | undefined;
  const before = setKernelInterceptor(({ kernel, args }, launch) => {
    if (kernel === 'update') found = args[0] as Update;
    else launch();
  });
  try {
    noGrad(() => probe([row((k) => tensor([1, 2, 3, 4], { dtype: dtypes[k]!, device }))], NUMBERS));
  } finally {
    setKernelInterceptor(before);
  }
  return found;
}

const hasKernel = ({ backend }: ConformanceContext): string | undefined =>
  backend.kernels.update === undefined ? 'it has no kernel for updates, which core takes apart' : undefined;

const kernelCase = (dtypes: Row<DType>): ConformanceCase =>
  benchCase(
    `updates: rows of ${dtypes.join(', ')} in one call, with nothing around them touched`,
    async (bench, random, { device }) => {
      const kernel = bench.backend.kernels.update!;
      const probed = probeFor(device, dtypes);
      if (probed === undefined) return;
      const rows: { readonly boxes: Row<Box>; readonly values: Row<readonly number[]> }[] = [];
      for (const length of LENGTHS) {
        for (const offset of [0, 4, 3]) {
          const values = randomRow(random, length);
          const boxes = row((k) => bench.box(dtypes[k]!, [length], values[k]!, { offset, strides: [1] }));
          if (kernel.when?.(probed, { length, operands: boxes }) !== false) rows.push({ boxes, values });
        }
      }
      const operands = rows.map(({ boxes }) => ({ length: sizeOf(boxes[0].shape), operands: boxes }));
      kernel.run(probed, operands, Object.values(NUMBERS));
      for (const [i, { boxes, values }] of rows.entries()) {
        for (const [k, wanted] of expected(values).entries())
          compareValues(`row ${i}, operand ${k}`, await bench.result(`row ${i}`, boxes[k]!), wanted);
      }
    },
    (context) => needs(...new Set(dtypes))(context) ?? hasKernel(context),
  );

/** Rows that no launch can take together: memory that is shared, other layouts. */
const operatorCase: ConformanceCase = {
  name: 'updates: rows of every kind come out as if one came after the other',
  run: async ({ device }) => {
    const memory = Array.from({ length: 16 }, (_, i) => (i % 5) - 2);
    const shared = tensor(memory, { device });
    const part = (from: number): Tensor => shared.narrow(0, from, 4);
    const first = row((k) => [1 - k, 2, k - 2, 0]);
    const once = expected(first);
    const own = row((k) => tensor([...first[k]!], { device }));
    const grid = [
      [1, 2],
      [-1, 0],
    ];
    const flat = grid.flat();
    const cases: readonly { tensors: Row<Tensor>; values: Row<readonly number[]> }[] = [
      { tensors: own, values: once },
      // The same tensors again: it reads what the first row wrote.
      { tensors: own, values: expected(once) },
      {
        tensors: [part(0), tensor(flat, { device }), part(4)],
        values: expected([memory.slice(0, 4), flat, memory.slice(4, 8)]),
      },
      // The gradient is the parameter itself, in a view of its own.
      {
        tensors: [part(8), part(8), part(12)],
        values: expected([memory.slice(8, 12), memory.slice(8, 12), memory.slice(12)]),
      },
      {
        tensors: row(() => tensor(grid, { device }).t()),
        values: expected(row(() => [1, -1, 2, 0])),
      },
    ];
    noGrad(() =>
      probe(
        cases.map(({ tensors }) => tensors),
        NUMBERS,
      ),
    );
    for (const [i, { tensors, values }] of cases.entries()) {
      for (const k of i === 0 ? [] : [0, 2])
        compareValues(`row ${i}, operand ${k}`, await tensors[k]!.data(), values[k]!);
    }
  },
};

export const updateCases: readonly ConformanceCase[] = [
  ...FLOATING.map((dtype) => kernelCase([dtype, dtype, dtype])),
  kernelCase(['float16', 'float32', 'float32']),
  kernelCase(['float32', 'bfloat16', 'float32']),
  operatorCase,
];
