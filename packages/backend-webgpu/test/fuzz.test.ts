import { cpu } from '@flambeau/backend-cpu';
import type { WebGpuBackend } from '@flambeau/backend-webgpu';
import * as core from '@flambeau/core';
import { type Device, type DType, registerBackend, slice, type Tensor, tensor } from '@flambeau/core';
import { isFloating } from '@flambeau/core/backend';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { anyDriver, describeOn, webgpuOn } from './support/device.ts';

/**
 * Random operators over random shapes, layouts and dtypes, on WebGPU and on the CPU. The seeds are fixed, so that a
 * failure comes again.
 */

type Family = 'any' | 'number' | 'float' | 'integer';

interface Op {
  readonly name: string;
  readonly arity: 1 | 2 | 3;
  readonly family: Family;
  readonly run: (...operands: readonly Tensor[]) => Tensor;
}

type Operator = (...operands: readonly unknown[]) => Tensor;
/** An operator of core by its name. */
const named = (name: string): Operator => Reflect.get(core, name) as Operator;

const plain = (names: string, arity: 1 | 2 | 3, family: Family): Op[] =>
  names.split(' ').map((name) => ({ name, arity, family, run: (...operands) => named(name)(...operands) }));

/** Along a dimension of the first operand; tensors without dimensions get one. */
const along = (names: string, family: Family, ...rest: readonly unknown[]): Op[] =>
  names.split(' ').map((name) => ({
    name: `${name} along the last dimension`,
    arity: 1,
    family,
    run: (x) => named(name)(x!.shape.length === 0 ? x!.reshape([1]) : x, -1, ...rest),
  }));

const OPS: readonly Op[] = [
  ...plain('neg abs sign square', 1, 'number'),
  ...plain('exp sigmoid tanh sin cos floor ceil round relu gelu silu erf softplus log1p', 1, 'float'),
  ...plain('logicalNot isnan clone', 1, 'any'),
  ...plain('add mul sub maximum minimum', 2, 'number'),
  ...plain('div atan2 hypot', 2, 'float'),
  ...plain('eq ne lt ge logicalAnd logicalXor', 2, 'any'),
  ...plain('bitwiseAnd bitwiseOr bitwiseXor', 2, 'integer'),
  ...plain('sum amax amin', 1, 'number'),
  ...plain('mean', 1, 'float'),
  ...plain('any all', 1, 'any'),
  ...along('sum cumsum argmax argmin amax', 'number'),
  ...along('softmax logSoftmax logsumexp mean', 'float'),
  ...along('any all', 'any'),
  { name: 'where', arity: 3, family: 'number', run: (c, a, b) => core.where(c!.ne(0), a!, b!) },
  { name: 'matmul', arity: 1, family: 'number', run: (x) => core.matmul(flat(x!), flat(x!).transpose(0, 1)) },
  { name: 'sum over the first', arity: 1, family: 'number', run: (x) => core.sum(flat(x!), 0) },
  { name: 'sort', arity: 1, family: 'number', run: (x) => core.sort(flat(x!), -1).values },
  { name: 'flip', arity: 1, family: 'any', run: (x) => core.flip(flat(x!), [1]) },
  { name: 'batchNorm', arity: 1, family: 'float', run: (x) => normalized(flat(x!)) },
  {
    name: 'scaledDotProductAttention',
    arity: 1,
    family: 'float',
    run: (x) => core.scaledDotProductAttention(flat(x!), flat(x!), flat(x!)),
  },
  { name: 'cat', arity: 1, family: 'any', run: (x) => core.cat([flat(x!), flat(x!)], 1) },
];

/** Of a matrix whose columns have more than one element. */
const normalized = (x: Tensor): Tensor =>
  core.batchNorm(x.shape[0] === 1 ? core.cat([x, x]) : x, null, null, null, null, { training: true });

/** A tensor as a matrix: its first dimension, and the rest. */
const flat = (x: Tensor): Tensor => x.reshape([x.shape[0] ?? 1, -1]);

const DTYPES: readonly DType[] = [
  'float32',
  'float16',
  'bfloat16',
  'int32',
  'int16',
  'int8',
  'uint8',
  'bool',
];

const fits = (family: Family, dtype: DType): boolean => {
  switch (family) {
    case 'any':
      return true;
    case 'number':
      return dtype !== 'bool';
    case 'float':
      return isFloating(dtype);
    case 'integer':
      return !isFloating(dtype);
  }
};

/** How a tensor lies in memory: taken out of a larger one, turned, or repeated. */
type Layout = 'packed' | 'turned' | 'cut' | 'stepped' | 'repeated';
const LAYOUTS: readonly Layout[] = ['packed', 'turned', 'cut', 'stepped', 'repeated'];

interface Operand {
  readonly layout: Layout;
  readonly seed: number;
}

interface Case {
  readonly op: Op;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly operands: readonly Operand[];
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    op: fc.constantFrom(...OPS),
    dtype: fc.constantFrom(...DTYPES),
    shape: fc.array(fc.constantFrom(1, 2, 3, 4, 5, 8, 17), { maxLength: 4 }),
    operands: fc.array(fc.record({ layout: fc.constantFrom(...LAYOUTS), seed: fc.nat(9999) }), {
      minLength: 3,
      maxLength: 3,
    }),
  })
  .filter(({ op, dtype }) => fits(op.family, dtype));

/** Small whole numbers and, for floats, quarters; now and then zero of either sign, infinity or NaN. */
function valueAt(seed: number, i: number, dtype: DType): number {
  const random = (Math.imul(seed + 1, 2654435761) ^ Math.imul(i + 1, 40503)) >>> 0;
  const small = (random >>> 8) % 15;
  if (dtype === 'bool') return small & 1;
  if (dtype === 'uint8') return small;
  if (!isFloating(dtype)) return small - 7;
  if (random % 97 === 0)
    return [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0][random % 4]!;
  return (small - 7) / 4;
}

function made({ layout, seed }: Operand, dtype: DType, shape: readonly number[], device: Device): Tensor {
  const memory =
    layout === 'turned'
      ? shape.toReversed()
      : layout === 'cut'
        ? shape.map((n) => n + 2)
        : layout === 'stepped'
          ? shape.map((n) => 2 * n)
          : layout === 'repeated'
            ? shape.map((n, dim) => (dim % 2 === 0 ? 1 : n))
            : shape;
  const size = memory.reduce((product, n) => product * n, 1);
  const values = Array.from({ length: size }, (_, i) => valueAt(seed, i, dtype));
  let x = tensor(values, { device, dtype }).reshape([...memory]);
  if (layout === 'cut') for (const [dim, n] of shape.entries()) x = x.narrow(dim, 1, n);
  if (layout === 'stepped' && shape.length > 0) x = x.index(...shape.map((n) => slice(0, 2 * n, 2)));
  if (layout === 'turned') x = x.permute(shape.map((_, dim) => shape.length - 1 - dim));
  return layout === 'repeated' ? x.expand([...shape]) : x;
}

/** The table of tolerances for results, by dtype; sums of many halves allow a rounding for each. */
const TOLERANCE: Partial<Record<DType, readonly [relative: number, absolute: number]>> = {
  float32: [1e-4, 1e-5],
  float16: [2e-3, 1e-3],
  bfloat16: [1.6e-2, 1e-2],
};

function firstDifference(
  got: readonly unknown[],
  expected: readonly unknown[],
  dtype: DType,
): string | undefined {
  const [relative, absolute] = TOLERANCE[dtype] ?? [0, 0];
  const at = expected.findIndex((wanted, i) => {
    const [a, b] = [Number(got[i]), Number(wanted)];
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return false;
    return !(Math.abs(a - b) <= absolute + relative * Math.abs(b));
  });
  return at < 0 && got.length === expected.length
    ? undefined
    : `element ${at} is ${got[at]}, not ${expected[at]}`;
}

const flatValues = async (x: Tensor): Promise<unknown[]> => (await x.reshape([-1]).toArray()) as unknown[];

async function check({ op, dtype, shape, operands }: Case): Promise<void> {
  const run = (device: Device): Tensor =>
    op.run(...operands.slice(0, op.arity).map((operand) => made(operand, dtype, shape, device)));
  const [got, expected] = [run('webgpu'), run('cpu')];
  expect([got.dtype, got.shape]).toEqual([expected.dtype, expected.shape]);
  const difference = firstDifference(await flatValues(got), await flatValues(expected), got.dtype);
  if (difference !== undefined)
    throw new Error(`${op.name} of ${dtype} [${shape.join(', ')}]: ${difference}`);
}

const RUNS = 500;

describeOn(anyDriver, 'random operators agree with the CPU', () => {
  let backend: WebGpuBackend;
  beforeAll(async () => {
    registerBackend(cpu());
    backend = await webgpuOn(anyDriver);
    registerBackend(backend);
  });
  afterAll(() => backend.destroy());

  it.each([1, 2, 3, 4])(`seed %i, ${RUNS} cases`, { timeout: 300_000 }, async (seed) => {
    // Shrinking would compile shaders for each try; the counterexample is small as it is.
    await fc.assert(fc.asyncProperty(cases, check), { seed, numRuns: RUNS, endOnFailure: true });
  });
});
