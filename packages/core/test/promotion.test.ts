import { cpu } from '@flambeau/backend-cpu';
import * as core from '@flambeau/core';
import {
  add,
  type DType,
  DTypeError,
  ones,
  registerBackend,
  type Tensor,
  tensor,
  where,
} from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import { resultType, type Scalar } from '../src/dtype.ts';
import table from './promotion.json' with { type: 'json' };

registerBackend(cpu());

const SCALARS: Readonly<Record<string, Scalar>> = { true: true, '2': 2, '2.5': 2.5 };

/** `float32` is a tensor with a dimension, `float32 []` one without, `2.5` a number. */
function operand(name: string): Tensor | Scalar {
  const scalar = SCALARS[name];
  if (scalar !== undefined) return scalar;
  const [dtype, zeroDim] = name.split(' ');
  return ones(zeroDim === undefined ? [2] : [], { dtype: dtype as DType });
}

describe("two operands promote to PyTorch's dtype", () => {
  it.each(Object.entries(table.pairs))('%s with each', (name, results) => {
    const wrong: string[] = [];
    results.forEach((expected, i) => {
      if (expected === null) return;
      const [a, b] = [operand(name), operand(table.operands[i]!)];
      const given = `${name}, ${table.operands[i]}`;
      if (resultType([a, b]) !== expected)
        wrong.push(`resultType(${given}) is ${resultType([a, b])}, not ${expected}`);
      if (add(a, b).dtype !== expected) wrong.push(`add(${given}) is ${add(a, b).dtype}, not ${expected}`);
    });
    expect(wrong).toEqual([]);
  });
});

const camel = (name: string): string =>
  name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const RENAMED: Readonly<Record<string, string>> = { var: 'variance' };

type Operator = (...args: unknown[]) => unknown;
const operator = (name: string): Operator => {
  const ours = RENAMED[name] ?? camel(name);
  const found: unknown = Reflect.get(core, ours);
  if (typeof found !== 'function') throw new Error(`there is no operator ${ours}`);
  return found as Operator;
};

/** The dtype of a result, or `refused`; anything else than a refusal of the dtype is an error. */
function dtypeOf(call: () => unknown): string {
  try {
    return (call() as Tensor).dtype;
  } catch (error) {
    if (error instanceof DTypeError) return 'refused';
    throw error;
  }
}

const INTEGERS = new Set(['uint8', 'int8', 'int16', 'int32', 'int64']);
/** Indices and sums of narrow integers are int32 here, int64 in PyTorch. */
const same = (got: string, expected: string): boolean =>
  got === expected || (expected === 'int64' && INTEGERS.has(got));

/** Where this project does otherwise, and why. */
const OTHERWISE: Readonly<Record<string, string>> = {
  // A truth is a truth whatever was asked.
  'all uint8': 'bool',
  // There is no reason against these.
  'median bool': 'bool',
  'clamp_min bool with true': 'bool',
  // PyTorch takes an exponent of 1 for a copy before it looks at the dtype.
  'pow bool with true': 'refused',
};

describe("an operator of one dtype gives PyTorch's, or refuses it as PyTorch does", () => {
  const along = new Set(['cumsum', 'logsumexp', 'softmax']);

  it.each(Object.entries(table.ofOne))('%s', (name, results) => {
    const call = operator(name);
    const wrong = Object.entries(results).flatMap(([dtype, theirs]) => {
      const expected = OTHERWISE[`${name} ${dtype}`] ?? theirs;
      const x = ones([2], { dtype: dtype as DType });
      const got = dtypeOf(() => (along.has(name) ? call(x, 0) : call(x)));
      return same(got, expected) ? [] : [`${dtype}: ${got}, not ${expected}`];
    });
    expect(wrong).toEqual([]);
  });

  it.each(Object.entries(table.ofTwo))('%s', (name, results) => {
    const call = operator(name);
    const wrong = Object.entries(results).flatMap(([dtype, theirs]) => {
      const expected = OTHERWISE[`${name} ${dtype}`] ?? theirs;
      const x = ones([2], { dtype: dtype as DType });
      const got = dtypeOf(() => call(x, x));
      return got === expected ? [] : [`${dtype}: ${got}, not ${expected}`];
    });
    expect(wrong).toEqual([]);
  });
});

describe("an operator of a tensor and a number gives PyTorch's dtype", () => {
  it.each(Object.entries(table.withScalar))('%s', (name, results) => {
    const call = operator(name);
    const wrong = Object.entries(results).flatMap(([dtype, theirs]) =>
      theirs.flatMap((their, i) => {
        const given = `${dtype} with ${table.scalars[i]}`;
        const expected = OTHERWISE[`${name} ${given}`] ?? their;
        const got = dtypeOf(() => call(ones([2], { dtype: dtype as DType }), SCALARS[table.scalars[i]!]));
        return got === expected ? [] : [`${given}: ${got}, not ${expected}`];
      }),
    );
    expect(wrong).toEqual([]);
  });
});

describe('a number stands on either side', () => {
  const x = tensor([1, 2, 4]);

  it.each<[name: string, got: () => Tensor, expected: number[]]>([
    ['add', () => core.add(2, x), [3, 4, 6]],
    ['sub', () => core.sub(2, x), [1, 0, -2]],
    ['mul', () => core.mul(2, x), [2, 4, 8]],
    ['div', () => core.div(8, x), [8, 4, 2]],
    ['pow', () => core.pow(2, x), [2, 4, 16]],
    ['remainder', () => core.remainder(7, x), [0, 1, 3]],
    ['floorDivide', () => core.floorDivide(7, x), [7, 3, 1]],
    ['maximum', () => core.maximum(2, x), [2, 2, 4]],
    ['atan2', () => core.atan2(0, x), [0, 0, 0]],
    ['xlogy', () => core.xlogy(0, x), [0, 0, 0]],
  ])('%s', async (_name, got, expected) => {
    expect(await got().toArray()).toEqual(expected);
  });

  it('and its value is no part of what is compiled', async () => {
    for (const value of [3, 0.5, -2, Number.NaN]) {
      expect(await add(x, value).toArray()).toEqual([1 + value, 2 + value, 4 + value]);
    }
  });

  it('as a boolean, and as a bigint beyond 2^53', async () => {
    expect(add(x, true).dtype).toBe('float32');
    expect(await add(tensor([1n]), 2n ** 60n).data()).toEqual(new BigInt64Array([2n ** 60n + 1n]));
    expect(core.mul(tensor([true]), true).dtype).toBe('bool');
  });

  it('on both sides of a choice', () => {
    const condition = tensor([true, false]);
    expect(where(condition, 1.5, 0).dtype).toBe('float32');
    expect(where(condition, x.to({ dtype: 'int32' }).narrow(0, 0, 2), 0.5).dtype).toBe('float32');
    expect(where(condition, true, false).dtype).toBe('bool');
  });
});
