import { cpu } from '@flambeau/backend-cpu';
import { pointwise, registerBackend, tensor } from '@flambeau/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Expr, index, input, literal, parameter, scalarFunction } from '../../src/expr/expr.ts';

registerBackend(cpu());

const x = input(0);
const y = input(1);

describe('one meaning is one object', () => {
  it('whichever way it was built', () => {
    expect(input(0)).toBe(x);
    expect(x.mul(y).add(2)).toBe(input(0).mul(input(1)).add(literal(2)));
    expect(parameter(0)).toBe(parameter(0));
    expect(index(1)).toBe(index(1));
    expect(x.cast('int32')).toBe(x.cast('int32'));
    expect(x.sigmoid()).toBe(input(0).sigmoid());
  });

  it('and another meaning another', () => {
    expect(x.sub(y)).not.toBe(y.sub(x));
    expect(parameter(0)).not.toBe(input(0));
    expect(x.cast('int32')).not.toBe(x.cast('int64'));
    expect(literal(1)).not.toBe(literal(true));
    expect(literal(0)).not.toBe(literal(-0));
    expect(literal(0)).not.toBe(literal(false));
    expect(literal(Number.NaN)).toBe(literal(Number.NaN));
    expect(index(0)).not.toBe(index(1));
  });

  it('of functions with one name and other bodies', () => {
    const once = scalarFunction('testScale', (a: Expr) => a.mul(2));
    const twice = scalarFunction('testScale', (a: Expr) => a.mul(4));
    expect(once(x)).not.toBe(twice(x));
    expect(once(x)).toBe(once(input(0)));
  });
});

describe('simplification', () => {
  const cases: readonly (readonly [name: string, got: Expr, expected: Expr])[] = [
    ['x + 0', x.add(0), x],
    ['0 + x', literal(0).add(x), x],
    ['x - 0', x.sub(0), x],
    ['0 - x', literal(0).sub(x), x.neg()],
    ['x * 1', x.mul(1), x],
    ['1 * x', literal(1).mul(x), x],
    ['x * -1', x.mul(-1), x.neg()],
    ['x / 1', x.div(1), x],
    ['-(-x)', x.neg().neg(), x],
    ['not not (x < y)', x.lt(y).not().not(), x.lt(y)],
    ['c ? x : x', y.gt(0).select(x, x), x],
    ['true ? x : y', literal(true).select(x, y), x],
    ['false ? x : y', literal(false).select(x, y), y],
    ['1 ? x : y', literal(1).select(x, y), x],
    ['0 ? x : y', literal(0).select(x, y), y],
    ['2 + 3', literal(2).add(3), literal(5)],
    ['2 * 3 - 1', literal(2).mul(3).sub(1), literal(5)],
    ['a cast twice', x.cast('int32').cast('int32'), x.cast('int32')],
    ['(c ? x : 0) + (c ? 0 : y)', y.gt(0).select(x, 0).add(y.gt(0).select(0, y)), y.gt(0).select(x, y)],
  ];

  it.each(cases)('%s', (_name, got, expected) => {
    expect(got).toBe(expected);
  });

  it('keeps what would lose a NaN, an infinity or a type', () => {
    expect(x.mul(0).kind).toBe('mul');
    expect(x.sub(x).kind).toBe('sub');
    expect(x.div(x).kind).toBe('div');
    expect(x.eq(x).kind).toBe('eq');
    expect(x.not().not().kind).toBe('not');
    expect(literal(1).div(3).kind).toBe('div');
  });
});

/** A tree that can be built both as an expression and by JavaScript's own arithmetic. */
interface Tree {
  readonly build: (a: Expr, b: Expr) => Expr;
  readonly run: (a: number, b: number) => number;
}

const leaves: fc.Arbitrary<Tree> = fc.oneof(
  fc.constant<Tree>({ build: (a) => a, run: (a) => a }),
  fc.constant<Tree>({ build: (_a, b) => b, run: (_a, b) => b }),
  fc.constantFrom(0, 1, -1, 2, 0.5).map((value): Tree => ({ build: () => literal(value), run: () => value })),
);

const spreading = (pick: (p: number, q: number) => number) => (p: number, q: number) =>
  Number.isNaN(p) || Number.isNaN(q) ? Number.NaN : pick(p, q);

const binaries = {
  add: (p: number, q: number) => p + q,
  sub: (p: number, q: number) => p - q,
  mul: (p: number, q: number) => p * q,
  min: spreading(Math.min),
  max: spreading(Math.max),
} as const;

const trees: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaves,
    fc
      .tuple(
        fc.constantFrom(...(Object.keys(binaries) as (keyof typeof binaries)[])),
        tie('tree'),
        tie('tree'),
      )
      .map(
        ([kind, l, r]): Tree => ({
          build: (a, b) => l.build(a, b)[kind](r.build(a, b)),
          run: (a, b) => binaries[kind](l.run(a, b), r.run(a, b)),
        }),
      ),
    tie('tree').map((t): Tree => ({ build: (a, b) => t.build(a, b).neg(), run: (a, b) => -t.run(a, b) })),
    fc.tuple(tie('tree'), tie('tree'), tie('tree')).map(
      ([c, l, r]): Tree => ({
        build: (a, b) => c.build(a, b).gt(0).select(l.build(a, b), r.build(a, b)),
        run: (a, b) => (c.run(a, b) > 0 ? l.run(a, b) : r.run(a, b)),
      }),
    ),
  ),
})).tree;

const VALUES = [0, 1, -1, 2.5, -3, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
const PAIRS = VALUES.flatMap((a) => VALUES.map((b) => [a, b] as const));

describe('any expression', () => {
  const first = tensor(
    PAIRS.map(([a]) => a),
    { dtype: 'float64' },
  );
  const second = tensor(
    PAIRS.map(([, b]) => b),
    { dtype: 'float64' },
  );

  it('has the value that its parts have', () => {
    fc.assert(
      fc.property(trees, (tree) => {
        const op = pointwise('testTree', (a: Expr, b: Expr) => tree.build(a, b));
        const got = Array.from(op(first, second).dataSync(), Number);
        // Simplification does not tell 0 from -0: `x + 0` is `x`.
        const wrong = PAIRS.filter(([p, q], i) => !Object.is(got[i]! + 0, tree.run(p, q) + 0));
        expect(wrong).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('is one object however often it is built', () => {
    fc.assert(
      fc.property(trees, (tree) => tree.build(x, y) === tree.build(input(0), input(1))),
      { numRuns: 100 },
    );
  });
});
