import { cpu } from '@flambeau/backend-cpu';
import { type Expr, gradcheck, gradgradcheck, pointwise, registerBackend, tensor } from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import { erf, erfc, erfcx, erfinv } from '../../src/expr/functions/error.ts';
import { digamma, lgamma, polygamma } from '../../src/expr/functions/gamma.ts';
import { softplus } from '../../src/expr/functions/logistic.ts';
import { chebyshev, falling, polynomial } from '../../src/expr/functions/polynomial.ts';
import reference from './functions.json' with { type: 'json' };

registerBackend(cpu());

const FUNCTIONS: Readonly<Record<keyof typeof reference, (x: Expr) => Expr>> = {
  erf,
  erfc,
  erfcx,
  erfinv,
  lgamma,
  digamma,
  polygamma1: polygamma(1),
  polygamma2: polygamma(2),
  polygamma4: polygamma(4),
  softplus,
};

const valuesOf = (
  f: (x: Expr) => Expr,
  points: readonly number[],
  dtype: 'float32' | 'float64' = 'float64',
): number[] => {
  const op = pointwise('testFunction', (x: Expr) => f(x));
  return Array.from(op(tensor(points, { dtype })).dataSync(), Number);
};

describe.each(Object.entries(FUNCTIONS))('%s', (name, f) => {
  const table = reference[name as keyof typeof reference] as [number, number][];
  const points = table.map(([x]) => x);

  it('has the digits of float64', () => {
    valuesOf(f, points).forEach((value, i) => {
      const wanted = table[i]![1];
      // Left of 0 two terms of a polygamma cancel.
      const tolerance = name === 'polygamma4' ? 2e-13 : 2e-14;
      expect(Math.abs(value - wanted), `at ${points[i]}: ${value}`).toBeLessThanOrEqual(
        tolerance * Math.abs(wanted),
      );
    });
  });

  it('spreads NaN', () => {
    expect(valuesOf(f, [Number.NaN])).toEqual([Number.NaN]);
  });

  it('has the derivative and the second one that its slope says', async () => {
    const op = pointwise('testFunction', (x: Expr) => f(x));
    const near = points.filter((x) => Math.abs(x) > 0.1 && Math.abs(x) < (name === 'erfinv' ? 0.9 : 3.3));
    const x = tensor(near, { dtype: 'float64', requiresGrad: true });
    await gradcheck(op, [x]);
    await gradgradcheck(op, [x], { rtol: 1e-2 });
  });
});

describe('edges', () => {
  const { POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: minus, NaN: nan } = Number;

  it.each<[name: string, f: (x: Expr) => Expr, at: number[], expected: number[]]>([
    ['erf', erf, [0, inf, minus], [0, 1, -1]],
    ['erfc', erfc, [0, inf, minus, 30], [1, 0, 2, 0]],
    ['erfcx', erfcx, [inf, minus], [0, inf]],
    ['erfinv', erfinv, [-1, 0, 1, 1.5, -2], [minus, 0, inf, nan, nan]],
    ['lgamma', lgamma, [0, -0, -1, -7, inf, minus, 1, 2], [inf, inf, inf, inf, inf, inf, 0, 0]],
    ['digamma', digamma, [0, -0, -1, inf, minus], [minus, inf, nan, inf, nan]],
    ['polygamma(1)', polygamma(1), [0, -1, inf], [inf, inf, 0]],
    ['polygamma(2)', polygamma(2), [0, -1], [minus, minus]],
    ['softplus', softplus, [inf, minus], [inf, 0]],
  ])('%s', (_name, f, at, expected) => {
    expect(valuesOf(f, at).map((value) => value + 0)).toEqual(expected);
  });

  it('nothing overflows in float32', () => {
    expect(valuesOf(erfc, [12, 30], 'float32')).toEqual([0, 0]);
    expect(valuesOf(softplus, [200, -200], 'float32')).toEqual([200, 0]);
    expect(valuesOf(lgamma, [1e10], 'float32')[0]).toBeCloseTo(220258509312, -6);
  });
});

describe('series', () => {
  it('polynomials rise, falling ones fall', () => {
    expect(valuesOf((x) => polynomial(x, [1, 2, 3]), [2])).toEqual([17]);
    expect(valuesOf((x) => falling(x, [1, 2, 3]), [2])).toEqual([11]);
    expect(valuesOf((x) => polynomial(x, []), [2])).toEqual([0]);
  });

  it('Chebyshev series sum as Cephes prints them', () => {
    // 3 T2(x/2) + 2 T1(x/2) + 4/2 with T2(t) = 2t² - 1.
    expect(valuesOf((x) => chebyshev(x, [3, 2, 4]), [1])).toEqual([3 * -0.5 + 2 * 0.5 + 2]);
  });
});
