import { cpu } from '@flambeau/backend-cpu';
import {
  type Expr,
  gradcheck,
  gradgradcheck,
  pointwise,
  registerBackend,
  type Tensor,
  tensor,
} from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../src/expr/derive.ts';
import { input, type UnaryIntrinsic } from '../../src/expr/expr.ts';

registerBackend(cpu());

const leaf = (values: readonly number[]): Tensor => tensor(values, { dtype: 'float64', requiresGrad: true });

const ANYWHERE = [-2.3, -1.1, -0.4, 0.3, 0.7, 1.9];
const POSITIVE = [0.2, 0.7, 1.3, 4.1];
const WITHIN_ONE = [-0.9, -0.3, 0.2, 0.8];

/** Functions of floating values and where they are smooth. */
const UNARY: Partial<Record<UnaryIntrinsic, readonly number[]>> = {
  neg: ANYWHERE,
  abs: ANYWHERE,
  sign: ANYWHERE,
  floor: ANYWHERE,
  ceil: ANYWHERE,
  trunc: ANYWHERE,
  round: ANYWHERE,
  sqrt: POSITIVE,
  exp: ANYWHERE,
  exp2: ANYWHERE,
  expm1: ANYWHERE,
  log: POSITIVE,
  log1p: [-0.8, ...POSITIVE],
  log2: POSITIVE,
  log10: POSITIVE,
  sin: ANYWHERE,
  cos: ANYWHERE,
  tan: WITHIN_ONE,
  asin: WITHIN_ONE,
  acos: WITHIN_ONE,
  atan: ANYWHERE,
  sinh: ANYWHERE,
  cosh: ANYWHERE,
  tanh: ANYWHERE,
};

type UnaryMethod = { [K in keyof Expr]: Expr[K] extends () => Expr ? K : never }[keyof Expr];

describe('the derivative of a function of one value is its slope', () => {
  it.each(Object.entries(UNARY))('%s', async (name, points) => {
    const op = pointwise(`test_${name}`, (x: Expr) => x[name as UnaryMethod]().mul(x));
    await gradcheck(op, [leaf(points)]);
    await gradgradcheck(op, [leaf(points)]);
  });
});

const BINARY: Readonly<Record<string, readonly (readonly [a: number, b: number])[]>> = {
  add: [[1.5, -2.5]],
  sub: [[1.5, -2.5]],
  mul: [
    [1.5, -2.5],
    [0, 3],
  ],
  div: [
    [1.5, -2.5],
    [0, 3],
  ],
  truncDiv: [
    [7.3, 2.1],
    [-7.3, 2.1],
  ],
  floorDiv: [
    [7.3, 2.1],
    [-7.3, 2.1],
  ],
  rem: [
    [7.3, 2.1],
    [-7.3, 2.1],
    [7.3, -2.1],
  ],
  mod: [
    [7.3, 2.1],
    [-7.3, 2.1],
    [7.3, -2.1],
  ],
  pow: [
    [1.5, 2.3],
    [0.2, -1.7],
    [3, 0.5],
  ],
  atan2: [
    [1, 2],
    [-1, 0.5],
    [2, -3],
  ],
  min: [
    [1, 2],
    [2, 1],
  ],
  max: [
    [1, 2],
    [2, 1],
  ],
};

type BinaryMethod =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'truncDiv'
  | 'floorDiv'
  | 'rem'
  | 'mod'
  | 'pow'
  | 'atan2'
  | 'min'
  | 'max';

describe('the derivative of a function of two values is its slope in each', () => {
  it.each(Object.entries(BINARY))('%s', async (name, points) => {
    const op = pointwise(`test_${name}`, (x: Expr, y: Expr) => x[name as BinaryMethod](y).mul(x));
    const [a, b] = [points.map(([p]) => p), points.map(([, q]) => q)];
    await gradcheck(op, [leaf(a), leaf(b)]);
    await gradgradcheck(op, [leaf(a), leaf(b)]);
  });
});

describe('where a function has no single slope', () => {
  const gradientsAt = async (build: (x: Expr, y: Expr) => Expr, a: number, b: number): Promise<number[]> => {
    const op = pointwise('test_edge', build);
    const [x, y] = [leaf([a]), leaf([b])];
    op(x, y).sum().backward();
    return [Number(await x.grad!.item()) + 0, Number(await y.grad!.item()) + 0];
  };

  it('ties of min and max share it', async () => {
    expect(await gradientsAt((x, y) => x.max(y), 3, 3)).toEqual([0.5, 0.5]);
    expect(await gradientsAt((x, y) => x.min(y), 3, 3)).toEqual([0.5, 0.5]);
  });

  it('powers of 0 have the slope of their limits', async () => {
    expect(await gradientsAt((x, y) => x.pow(y), 0, 0)).toEqual([0, 0]);
    expect(await gradientsAt((x, y) => x.pow(y), 0, 2)).toEqual([0, 0]);
    expect(await gradientsAt((x, y) => x.pow(y), 0, 1)).toEqual([1, 0]);
  });

  it('the angle of the origin has none', async () => {
    expect(await gradientsAt((x, y) => x.atan2(y), 0, 0)).toEqual([0, 0]);
  });

  it('comparisons and truths pass nothing on', () => {
    const [x, y, dy] = [input(0), input(1), input(2)];
    for (const root of [x.lt(y), x.eq(y).and(x.gt(0)), x.not(), x.isnan(), x.cast('int32')]) {
      expect(differentiate(root.select(1, 0), [x], dy)).toEqual([null]);
    }
  });

  it('a cast between floating types passes all', () => {
    const [x, dy] = [input(0), input(2)];
    expect(differentiate(x.cast('float32'), [x], dy)).toEqual([dy]);
  });
});
