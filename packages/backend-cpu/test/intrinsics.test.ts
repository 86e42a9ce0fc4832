import type { BinaryIntrinsic, DType, UnaryIntrinsic } from '@flambeau/core/backend';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runtime } from '../src/scalar/arithmetic.ts';
import { apply, backends, faultOf, program, type Value } from './support.ts';

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

const unary = (op: UnaryIntrinsic, type: DType, result: DType = type) =>
  program([type], result, (s) => s.unary(op, s.input(0, type)));
const binary = (op: BinaryIntrinsic, type: DType, result: DType = type) =>
  program([type, type], result, (s) => s.binary(op, s.input(0, type), s.input(1, type)));

/** All pairs of the values, as two columns. */
const pairs = <T>(values: readonly T[]): [T[], T[]] => {
  const a = values.flatMap((x) => values.map(() => x));
  const b = values.flatMap(() => [...values]);
  return [a, b];
};

const FLOATS = [
  0,
  -0,
  1,
  -1,
  0.3,
  -0.3,
  0.5,
  1.5,
  2.5,
  -0.5,
  -2.5,
  3,
  -7.5,
  88,
  1e10,
  -1e10,
  1e-30,
  1e30,
  inf,
  -inf,
  nan,
];

/** Gaps between a float's neighbours, in which approximations are allowed to be off. */
const ULPS = 2;
const gap = (x: number, type: DType): number => {
  const [digits, least] = type === 'float32' ? [23, -126] : [52, -1022];
  return 2 ** (Math.max(Math.floor(Math.log2(Math.abs(x))), least) - digits);
};

/** What approximates must come within two ulps, and be exact where the result is 0, an infinity or NaN. */
function expectNear(got: readonly Value[], expected: readonly number[], type: DType, exact: boolean): void {
  if (exact) {
    expect(got).toEqual(expected);
    return;
  }
  const settled = got.map((y, i) => {
    const x = expected[i]!;
    return Number.isFinite(x) && x !== 0 && Math.abs(Number(y) - x) <= ULPS * gap(x, type) ? x : y;
  });
  expect(settled).toEqual(expected);
}

describe.each(backends)('intrinsics by %s', (name, backend) => {
  const inJavaScript = !name.startsWith('WebAssembly');
  const MATH = [
    'abs',
    'floor',
    'ceil',
    'trunc',
    'sqrt',
    'exp',
    'expm1',
    'log',
    'log1p',
    'log2',
    'log10',
    'sin',
    'cos',
    'tan',
    'asin',
    'acos',
    'atan',
    'sinh',
    'cosh',
    'tanh',
  ] as const;

  it.each(MATH)('%s is that of Math', (op) => {
    const run = (type: DType, x: number[]): Value[] => apply(backend, unary(op, type), [x]);
    const reference = FLOATS.map((x) => Math[op](x));
    expectNear(run('float64', FLOATS), reference, 'float64', inJavaScript);
    const single = FLOATS.map(Math.fround);
    const rounded = single.map((x) => Math.fround(Math[op](x)));
    expectNear(run('float32', single), rounded, 'float32', inJavaScript);
  });

  it('neg, sign, exp2 and isnan on special values', () => {
    expect(apply(backend, unary('neg', 'float64'), [FLOATS])).toEqual(FLOATS.map((x) => -x));
    // As in PyTorch, the sign of NaN is 0.
    expect(apply(backend, unary('sign', 'float64'), [[3, -2, 0, -0, nan, inf, -inf]])).toEqual([
      1, -1, 0, 0, 0, 1, -1,
    ]);
    expect(apply(backend, unary('exp2', 'float64'), [[0, 1, -1, 10, inf, -inf, nan]])).toEqual([
      1,
      2,
      0.5,
      1024,
      inf,
      0,
      nan,
    ]);
    expect(apply(backend, unary('isnan', 'float32', 'bool'), [[1, nan, inf]])).toEqual([false, true, false]);
  });

  it('round takes halves to even', () => {
    const x = [
      0.5,
      1.5,
      2.5,
      3.5,
      -0.5,
      -1.5,
      -2.5,
      0.49999999999999994,
      1.2,
      -1.7,
      4503599627370495.5,
      1e300,
      inf,
      -inf,
      nan,
      -0,
    ];
    const y = [0, 2, 2, 4, -0, -2, -2, 0, 1, -2, 4503599627370496, 1e300, inf, -inf, nan, -0];
    expect(apply(backend, unary('round', 'float64'), [x])).toEqual(y);
  });

  const plain: [BinaryIntrinsic, (a: number, b: number) => number][] = [
    ['add', (a, b) => a + b],
    ['sub', (a, b) => a - b],
    ['mul', (a, b) => a * b],
    ['div', (a, b) => a / b],
    ['rem', (a, b) => a % b],
    ['atan2', Math.atan2],
  ];
  it.each(['min', 'max'] as const)('%s on pairs of special values, of two zeros either', (op) => {
    const [a, b] = pairs(FLOATS);
    const plus = (y: number): number => (y === 0 ? 0 : y);
    const reference = a.map((x, i) => plus(Math[op](x, b[i]!)));
    for (const type of ['float64', 'float32'] as const)
      expect(apply(backend, binary(op, type), [a, b]).map((y) => plus(Number(y)))).toEqual(
        reference.map(type === 'float32' ? Math.fround : Number),
      );
  });
  it.each(plain)('%s on pairs of special values', (op, reference) => {
    const [a, b] = pairs(FLOATS);
    const exact = inJavaScript || op !== 'atan2';
    const double = a.map((x, i) => reference(x, b[i]!));
    expectNear(apply(backend, binary(op, 'float64'), [a, b]), double, 'float64', exact);
    const [c, d] = pairs(FLOATS.map(Math.fround));
    const single = c.map((x, i) => Math.fround(reference(x, d[i]!)));
    expectNear(apply(backend, binary(op, 'float32'), [c, d]), single, 'float32', exact);
  });

  it('compares as IEEE 754 says', () => {
    const [a, b] = pairs([0, -0, 1, nan, inf, -inf]);
    for (const [op, reference] of [
      ['eq', (x: number, y: number) => x === y],
      ['ne', (x: number, y: number) => x !== y],
      ['lt', (x: number, y: number) => x < y],
      ['le', (x: number, y: number) => x <= y],
      ['gt', (x: number, y: number) => x > y],
      ['ge', (x: number, y: number) => x >= y],
    ] as const) {
      expect(apply(backend, binary(op, 'float32', 'bool'), [a, b])).toEqual(
        a.map((x, i) => reference(x, b[i]!)),
      );
    }
  });

  it('divides float32 as float64 does, next to whole quotients and far from them', () => {
    const x: number[] = [];
    const y: number[] = [];
    const near = fc.tuple(
      fc.integer({ min: -(2 ** 29), max: 2 ** 29 }),
      fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(-1e20), max: Math.fround(1e20) }),
      fc.integer({ min: -2, max: 2 }),
    );
    for (const [k, divisor, ulps] of fc.sample(near, { seed: 1, numRuns: 4000 })) {
      const product = Math.fround(k * divisor);
      x.push(Math.fround(product + ulps * gap(product || 1e-30, 'float32')));
      y.push(divisor);
    }
    for (const [op, reference] of [
      ['rem', (a: number, b: number) => a % b],
      ['mod', runtime.modFloat],
      ['floorDiv', runtime.floorDivFloat],
    ] as const)
      expect(apply(backend, binary(op, 'float32'), [x, y])).toEqual(
        x.map((a, i) => Math.fround(reference(a, y[i]!))),
      );
  });

  // Rows and columns of what PyTorch 2.13 gives for these dividends and divisors.
  const dividends = [5, -5, 0, -0, inf, -inf, nan, 7.5, -7.5];
  const divisors = [3, -3, 0, -0, inf, -inf, nan, 2.5];
  const tables: [BinaryIntrinsic, number[][]][] = [
    [
      'floorDiv',
      [
        [1, -2, inf, -inf, 0, -1, nan, 2],
        [-2, 1, -inf, inf, -1, 0, nan, -2],
        [0, -0, nan, nan, 0, -0, nan, 0],
        [-0, 0, nan, nan, -0, 0, nan, -0],
        [nan, nan, inf, -inf, nan, nan, nan, nan],
        [nan, nan, -inf, inf, nan, nan, nan, nan],
        [nan, nan, nan, nan, nan, nan, nan, nan],
        [2, -3, inf, -inf, 0, -1, nan, 3],
        [-3, 2, -inf, inf, -1, 0, nan, -3],
      ],
    ],
    [
      'truncDiv',
      [
        [1, -1, inf, -inf, 0, -0, nan, 2],
        [-1, 1, -inf, inf, -0, 0, nan, -2],
        [0, -0, nan, nan, 0, -0, nan, 0],
        [-0, 0, nan, nan, -0, 0, nan, -0],
        [inf, -inf, inf, -inf, nan, nan, nan, inf],
        [-inf, inf, -inf, inf, nan, nan, nan, -inf],
        [nan, nan, nan, nan, nan, nan, nan, nan],
        [2, -2, inf, -inf, 0, -0, nan, 3],
        [-2, 2, -inf, inf, -0, 0, nan, -3],
      ],
    ],
    [
      'mod',
      [
        [2, -1, nan, nan, 5, -inf, nan, 0],
        [1, -2, nan, nan, inf, -5, nan, -0],
        [0, 0, nan, nan, 0, 0, nan, 0],
        [-0, -0, nan, nan, -0, -0, nan, -0],
        [nan, nan, nan, nan, nan, nan, nan, nan],
        [nan, nan, nan, nan, nan, nan, nan, nan],
        [nan, nan, nan, nan, nan, nan, nan, nan],
        [1.5, -1.5, nan, nan, 7.5, -inf, nan, 0],
        [1.5, -1.5, nan, nan, inf, -7.5, nan, -0],
      ],
    ],
    [
      'rem',
      [
        [2, 2, nan, nan, 5, 5, nan, 0],
        [-2, -2, nan, nan, -5, -5, nan, -0],
        [0, 0, nan, nan, 0, 0, nan, 0],
        [-0, -0, nan, nan, -0, -0, nan, -0],
        [nan, nan, nan, nan, nan, nan, nan, nan],
        [nan, nan, nan, nan, nan, nan, nan, nan],
        [nan, nan, nan, nan, nan, nan, nan, nan],
        [1.5, 1.5, nan, nan, 7.5, 7.5, nan, 0],
        [-1.5, -1.5, nan, nan, -7.5, -7.5, nan, -0],
      ],
    ],
  ];
  it.each(tables)('%s divides floats as PyTorch does', (op, table) => {
    const a = dividends.flatMap((x) => divisors.map(() => x));
    const b = dividends.flatMap(() => divisors);
    expect(apply(backend, binary(op, 'float64'), [a, b])).toEqual(table.flat());
    expect(apply(backend, binary(op, 'float32'), [a, b])).toEqual(table.flat());
  });

  it('pow of floats is that of C', () => {
    const bases = [1, -1, nan, 0, -0];
    const exponents = [nan, inf, -inf, 0, -1, -2];
    const expected = [
      [1, 1, 1, 1, 1, 1],
      [nan, 1, 1, 1, -1, 1],
      [nan, nan, nan, 1, nan, nan],
      [nan, 0, inf, 1, inf, inf],
      [nan, 0, inf, 1, -inf, inf],
    ];
    const a = bases.flatMap((x) => exponents.map(() => x));
    const b = bases.flatMap(() => exponents);
    expect(apply(backend, binary('pow', 'float64'), [a, b])).toEqual(expected.flat());
    const powers = apply(backend, binary('pow', 'float64'), [
      [3, 2, -8, 4],
      [2, 0.5, 1 / 3, -0.5],
    ]);
    expectNear(powers, [9, 2 ** 0.5, nan, 0.5], 'float64', inJavaScript);
  });

  describe.each(['int8', 'int16', 'int32', 'uint8', 'int64'] as const)('%s', (type) => {
    const bits = { int8: 8, int16: 16, int32: 32, uint8: 8, int64: 64 }[type];
    const wrap = (x: bigint): Value => {
      const wrapped = type === 'uint8' ? BigInt.asUintN(8, x) : BigInt.asIntN(bits, x);
      return type === 'int64' ? wrapped : Number(wrapped);
    };
    const least = type === 'uint8' ? 0n : -(1n << BigInt(bits - 1));
    const most = type === 'uint8' ? 255n : (1n << BigInt(bits - 1)) - 1n;
    const values = [least, least + 1n, -7n, -2n, -1n, 0n, 1n, 2n, 3n, 100n, most - 1n, most].filter(
      (x) => x >= least,
    );
    const [a, b] = pairs(values);
    const run = (
      op: BinaryIntrinsic,
      x: readonly bigint[],
      y: readonly bigint[],
      result: DType = type,
    ): Value[] => apply(backend, binary(op, type, result), [x.map(wrap), y.map(wrap)]);
    const floorDiv = (x: bigint, y: bigint): bigint =>
      x % y !== 0n && x < 0n !== y < 0n ? x / y - 1n : x / y;

    const exact: [BinaryIntrinsic, (x: bigint, y: bigint) => bigint][] = [
      ['add', (x, y) => x + y],
      ['sub', (x, y) => x - y],
      ['mul', (x, y) => x * y],
      ['min', (x, y) => (x < y ? x : y)],
      ['max', (x, y) => (x > y ? x : y)],
      ['bitAnd', (x, y) => x & y],
      ['bitOr', (x, y) => x | y],
      ['bitXor', (x, y) => x ^ y],
    ];
    it.each(exact)('%s wraps as C does', (op, reference) => {
      expect(run(op, a, b)).toEqual(a.map((x, i) => wrap(reference(x, b[i]!))));
    });

    const divisions: [BinaryIntrinsic, (x: bigint, y: bigint) => bigint][] = [
      ['truncDiv', (x, y) => x / y],
      ['div', (x, y) => x / y],
      ['floorDiv', floorDiv],
      ['rem', (x, y) => x % y],
      ['mod', (x, y) => x - y * floorDiv(x, y)],
    ];
    it.each(divisions)('%s rounds as it should', (op, reference) => {
      const keep = b.map((y, i) => [a[i]!, y] as const).filter(([, y]) => y !== 0n);
      expect(
        run(
          op,
          keep.map(([x]) => x),
          keep.map(([, y]) => y),
        ),
      ).toEqual(keep.map(([x, y]) => wrap(reference(x, y))));
    });

    it('says that it cannot divide by zero', () => {
      for (const [op, name] of [
        ['floorDiv', 'floorDivide'],
        ['truncDiv', 'div'],
        ['div', 'div'],
        ['rem', 'fmod'],
        ['mod', 'remainder'],
      ] as const) {
        expect(faultOf(() => run(op, [1n, 5n], [1n, 0n]))).toBe(`${name}: integer division by zero`);
      }
    });

    it('pow is exact, and of negative exponents the truncated reciprocal', () => {
      const exponents = [0n, 1n, 2n, 3n, 7n, 40n];
      const x = values.flatMap((v) => exponents.map(() => v));
      const y = values.flatMap(() => exponents);
      expect(run('pow', x, y)).toEqual(x.map((v, i) => wrap(v ** y[i]!)));
      if (type === 'uint8') return;
      expect(run('pow', [2n, 1n, -1n, -1n, 0n, -1n, 5n], [-1n, -1n, -1n, -2n, -1n, -3n, -2n])).toEqual(
        [0n, 1n, -1n, 1n, 0n, -1n, 0n].map(wrap),
      );
    });

    it('shifts lose what leaves the type', () => {
      const distances = [0n, 1n, 3n, BigInt(bits - 1), BigInt(bits), 100n];
      const x = values.flatMap((v) => distances.map(() => v));
      const y = values.flatMap(() => distances);
      expect(run('shiftLeft', x, y)).toEqual(x.map((v, i) => wrap(v << y[i]!)));
      expect(run('shiftRight', x, y)).toEqual(x.map((v, i) => wrap(v >> y[i]!)));
      if (type === 'uint8') return;
      // PyTorch: a negative distance shifts everything out.
      expect(run('shiftLeft', [1n], [-1n])).toEqual([wrap(0n)]);
      expect(run('shiftRight', [100n, -100n], [-1n, -1n])).toEqual([wrap(0n), wrap(-1n)]);
    });

    it('compares', () => {
      expect(run('lt', a, b, 'bool')).toEqual(a.map((x, i) => x < b[i]!));
      expect(run('ge', a, b, 'bool')).toEqual(a.map((x, i) => x >= b[i]!));
      expect(run('eq', a, b, 'bool')).toEqual(a.map((x, i) => x === b[i]!));
      expect(run('ne', a, b, 'bool')).toEqual(a.map((x, i) => x !== b[i]!));
    });

    it('neg, abs, sign and bitNot', () => {
      const one = (op: UnaryIntrinsic): Value[] => apply(backend, unary(op, type), [values.map(wrap)]);
      expect(one('neg')).toEqual(values.map((x) => wrap(-x)));
      expect(one('abs')).toEqual(values.map((x) => wrap(x < 0n ? -x : x)));
      expect(one('sign')).toEqual(values.map((x) => wrap(x > 0n ? 1n : x < 0n ? -1n : 0n)));
      expect(one('bitNot')).toEqual(values.map((x) => wrap(~x)));
    });
  });

  it('arithmetic on truths stays within 0 and 1', () => {
    const [a, b] = pairs([false, true]);
    const run = (op: BinaryIntrinsic): Value[] => apply(backend, binary(op, 'bool'), [a, b]);
    const either = [false, true, true, true];
    const both = [false, false, false, true];
    const differ = [false, true, true, false];
    for (const op of ['add', 'max', 'or', 'bitOr'] as const) expect(run(op)).toEqual(either);
    for (const op of ['mul', 'min', 'and', 'bitAnd'] as const) expect(run(op)).toEqual(both);
    for (const op of ['sub', 'xor', 'bitXor', 'ne'] as const) expect(run(op)).toEqual(differ);
    expect(run('eq')).toEqual([true, false, false, true]);
    expect(run('lt')).toEqual([false, true, false, false]);
    expect(run('le')).toEqual([true, true, false, true]);
    expect(run('gt')).toEqual([false, false, true, false]);
    expect(run('ge')).toEqual([true, false, true, true]);
    expect(run('pow')).toEqual([true, false, true, true]);
    expect(run('shiftLeft')).toEqual([false, false, true, true]);
    expect(run('shiftRight')).toEqual([false, false, true, false]);
    expect(
      apply(backend, binary('floorDiv', 'bool'), [
        [true, false],
        [true, true],
      ]),
    ).toEqual([true, false]);
    expect(faultOf(() => apply(backend, binary('mod', 'bool'), [[true], [false]]))).toBe(
      'remainder: integer division by zero',
    );
    expect(apply(backend, unary('not', 'bool'), [[true, false]])).toEqual([false, true]);
  });

  it('uint32 inside a program is exact', () => {
    const words = [0, 1, 2, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xd2511f53, 0xcd9e8d57, 0xffffffff];
    const [a, b] = pairs(words);
    const int64s = [a.map(BigInt), b.map(BigInt)];
    const run = (op: BinaryIntrinsic): Value[] =>
      apply(
        backend,
        program(['int64', 'int64'], 'int64', (s) => {
          const x = s.cast(s.input(0, 'int64'), 'uint32');
          s.cast(s.binary(op, x, s.cast(s.input(1, 'int64'), 'uint32')), 'int64');
        }),
        int64s,
      );
    const wrap = (x: bigint): bigint => BigInt.asUintN(32, x);
    const expected = (f: (x: bigint, y: bigint) => bigint): bigint[] =>
      a.map((x, i) => wrap(f(BigInt(x), BigInt(b[i]!))));
    expect(run('add')).toEqual(expected((x, y) => x + y));
    expect(run('sub')).toEqual(expected((x, y) => x - y));
    expect(run('mul')).toEqual(expected((x, y) => x * y));
    expect(run('mulHigh')).toEqual(expected((x, y) => (x * y) >> 32n));
    expect(run('bitXor')).toEqual(expected((x, y) => x ^ y));
    expect(run('bitAnd')).toEqual(expected((x, y) => x & y));
    expect(run('bitOr')).toEqual(expected((x, y) => x | y));
    expect(run('max')).toEqual(expected((x, y) => (x > y ? x : y)));
    expect(run('shiftLeft')).toEqual(expected((x, y) => (y < 32n ? x << y : 0n)));
    expect(run('shiftRight')).toEqual(expected((x, y) => (y < 32n ? x >> y : 0n)));
  });

  it('uint32 shifts by a literal, and becomes a float as it is', () => {
    const uniform = program(['int32'], 'float32', (s) => {
      const word = s.cast(s.input(0, 'int32'), 'uint32');
      const bits = s.binary('shiftRight', word, s.literal(8, 'uint32'));
      s.binary('mul', s.cast(bits, 'float32'), s.literal(2 ** -24, 'float32'));
    });
    expect(apply(backend, uniform, [[-1, 0, -(2 ** 31)]])).toEqual([1 - 2 ** -24, 0, 0.5]);
    const left = program(['int32'], 'float64', (s) => {
      const word = s.cast(s.input(0, 'int32'), 'uint32');
      s.cast(s.binary('shiftLeft', word, s.literal(31, 'uint32')), 'float64');
    });
    expect(apply(backend, left, [[1, 2, 3]])).toEqual([2 ** 31, 0, 2 ** 31]);
  });
});
