import { type Expr, pointwise } from '@flambeau/core';
import type { DType, Program } from '@flambeau/core/backend';
import type { Bench } from './bench.ts';
import type { ConformanceCase } from './case.ts';
import { allowed, compareValues } from './compare.ts';
import {
  ALL,
  bfloat16,
  bfloat16Bits,
  FLOATING,
  float16,
  float16Bits,
  INTEGERS,
  type Value,
} from './elements.ts';
import { benchCase } from './memory.ts';
import { needs } from './pointwise.ts';
import { blank, program } from './programs.ts';
import { wrapped } from './random.ts';

type Build = (...inputs: Expr[]) => Expr;

/** A program of an expression over operands of given dtypes. */
export function expression(name: string, build: Build, inputs: readonly DType[], output?: DType): Program {
  return program(`${name} ${inputs.join()}>${output ?? ''}`, () => {
    // The number of operands is the builder's; here it is known by its dtypes only.
    const operator = pointwise(
      `conformance ${name}`,
      withLength(build, inputs.length),
      output === undefined ? {} : { output },
    );
    return (operator as (...operands: unknown[]) => unknown)(...inputs.map((dtype) => blank(dtype)));
  });
}

/** `pointwise` counts a builder's parameters, which a rest parameter hides. */
function withLength(build: Build, length: number): Build {
  const builders: readonly Build[] = [
    () => build(),
    (x: Expr) => build(x),
    (x: Expr, y: Expr) => build(x, y),
    (x: Expr, y: Expr, z: Expr) => build(x, y, z),
  ] as readonly Build[];
  return builders[length]!;
}

/** Runs a program over contiguous columns of values. */
async function apply(bench: Bench, given: Program, columns: readonly (readonly Value[])[]): Promise<Value[]> {
  const shape = [columns[0]!.length];
  const inputs = columns.map((values, k) => bench.box(given.inputs[k]!, shape, values));
  const output = bench.box(given.output, shape, null);
  bench.backend.kernels.pointwise(given, shape, output, inputs, []);
  return bench.result(given.key, output);
}

/** Names of `Expr`'s functions of one value, what they compute, and between which bounds they are asked. */
const UNARY: readonly (readonly [keyof Expr & string, (x: number) => number, low: number, high: number])[] = [
  ['neg', (x) => -x, -9, 9],
  ['abs', Math.abs, -9, 9],
  ['sign', (x) => (x > 0 ? 1 : x < 0 ? -1 : 0), -2, 2],
  ['floor', Math.floor, -9, 9],
  ['ceil', Math.ceil, -9, 9],
  ['trunc', Math.trunc, -9, 9],
  ['round', roundEven, -9, 9],
  ['sqrt', Math.sqrt, 0, 90],
  ['exp', Math.exp, -9, 9],
  ['exp2', (x) => 2 ** x, -9, 9],
  ['expm1', Math.expm1, -4, 4],
  ['log', Math.log, 0.001, 90],
  ['log1p', Math.log1p, -0.9, 9],
  ['log2', Math.log2, 0.001, 90],
  ['log10', Math.log10, 0.001, 90],
  ['sin', Math.sin, -7, 7],
  ['cos', Math.cos, -7, 7],
  ['tan', Math.tan, -1.4, 1.4],
  ['asin', Math.asin, -1, 1],
  ['acos', Math.acos, -1, 1],
  ['atan', Math.atan, -9, 9],
  ['sinh', Math.sinh, -5, 5],
  ['cosh', Math.cosh, -5, 5],
  ['tanh', Math.tanh, -9, 9],
];

function roundEven(x: number): number {
  const up = Math.round(x);
  return up - x === 0.5 && up % 2 !== 0 ? up - 1 : up;
}

/** Calls one of `Expr`'s functions by its name. */
const callOn = (name: string, x: Expr, ...others: Expr[]): Expr =>
  (x[name as 'add'] as (...args: Expr[]) => Expr).apply(x, others);

const grid = (low: number, high: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));

/** Halves of whole numbers, where rounding has ties. */
const TIES = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5];

/** What each function gives at the edges: values whose results are exact whatever the device's accuracy. */
const EDGES: readonly (readonly [keyof Expr & string, readonly number[], readonly number[]])[] = [
  [
    'exp',
    [Number.NEGATIVE_INFINITY, 0, 2000, Number.POSITIVE_INFINITY, Number.NaN],
    [0, 1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NaN],
  ],
  [
    'log',
    [0, 1, -1, Number.POSITIVE_INFINITY, Number.NaN],
    [Number.NEGATIVE_INFINITY, 0, Number.NaN, Number.POSITIVE_INFINITY, Number.NaN],
  ],
  [
    'sqrt',
    [0, 1, 4, -1, Number.POSITIVE_INFINITY, Number.NaN],
    [0, 1, 2, Number.NaN, Number.POSITIVE_INFINITY, Number.NaN],
  ],
  [
    'tanh',
    [Number.NEGATIVE_INFINITY, 0, 100, Number.POSITIVE_INFINITY, Number.NaN],
    [-1, 0, 1, 1, Number.NaN],
  ],
  ['abs', [Number.NEGATIVE_INFINITY, Number.NaN, -0], [Number.POSITIVE_INFINITY, Number.NaN, 0]],
  [
    'floor',
    [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NaN, 2 ** 70],
    [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NaN, 2 ** 70],
  ],
  ['isnan', [Number.NaN, 0, Number.POSITIVE_INFINITY], [1, 0, 0]],
  ['isinf', [Number.NaN, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], [0, 0, 1, 1]],
  ['reciprocal', [0, -0, Number.POSITIVE_INFINITY], [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]],
];

const floatingUnary = FLOATING.map((dtype) =>
  benchCase(
    `arithmetic: functions of one ${dtype}`,
    async (bench) => {
      const exact = rounder(dtype);
      for (const [name, f, low, high] of UNARY) {
        const given = [...grid(low, high, 61), ...TIES.filter((x) => x >= low && x <= high)].map(exact);
        const got = await apply(
          bench,
          expression(name, (x) => callOn(name, x), [dtype]),
          [given],
        );
        compareValues(`${name} of ${dtype}`, got, given.map(f), allowed(dtype));
      }
      for (const [name, given, expected] of EDGES) {
        if (given.some((x) => Number.isFinite(x) && exact(x) !== x)) continue;
        const got = await apply(
          bench,
          expression(name, (x) => callOn(name, x), [dtype]),
          [given],
        );
        compareValues(`${name} of ${dtype} at its edges`, got, expected);
      }
    },
    needs(dtype),
  ),
);

/** A number as a floating dtype holds it. */
function rounder(dtype: DType): (x: number) => number {
  switch (dtype) {
    case 'float64':
      return (x) => x;
    case 'float16':
      return (x) => float16(float16Bits(x));
    case 'bfloat16':
      return (x) => bfloat16(bfloat16Bits(x));
    default:
      return Math.fround;
  }
}

const FLOATS = [-7.5, -3, -2, -1, -0.5, 0, 0.25, 1, 2, 3, 5.5];

const mod = (x: number, y: number): number => {
  const rest = x % y;
  return rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest;
};

const BINARY: readonly (readonly [keyof Expr & string, (x: number, y: number) => number])[] = [
  ['add', (x, y) => x + y],
  ['sub', (x, y) => x - y],
  ['mul', (x, y) => x * y],
  ['div', (x, y) => x / y],
  ['truncDiv', (x, y) => Math.trunc(x / y)],
  ['floorDiv', (x, y) => Math.floor(x / y)],
  ['rem', (x, y) => x % y],
  ['mod', mod],
  ['pow', (x, y) => x ** y],
  ['atan2', Math.atan2],
  ['min', Math.min],
  ['max', Math.max],
];

const ROUNDED_QUOTIENTS = new Set<string>(['truncDiv', 'floorDiv', 'rem', 'mod']);

const pairs = <T>(values: readonly T[]): [T[], T[]] => {
  const all = values.flatMap((x) => values.map((y) => [x, y] as const));
  return [all.map(([x]) => x), all.map(([, y]) => y)];
};

const floatingBinary = FLOATING.map((dtype) =>
  benchCase(
    `arithmetic: functions of two ${dtype}`,
    async (bench) => {
      const [left, right] = pairs(FLOATS);
      for (const [name, f] of BINARY) {
        // What rounding makes of a quotient by zero differs between languages.
        const kept = left
          .map((x, i) => [x, right[i]!] as const)
          .filter(([, y]) => y !== 0 || !ROUNDED_QUOTIENTS.has(name));
        const [a, b] = [kept.map(([x]) => x), kept.map(([, y]) => y)];
        const got = await apply(
          bench,
          expression(name, (x, y) => callOn(name, x!, y!), [dtype, dtype]),
          [a, b],
        );
        compareValues(
          `${name} of ${dtype}`,
          got,
          a.map((x, i) => f(x, b[i]!)),
          allowed(dtype),
        );
      }
      const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
      for (const name of ['min', 'max'] as const) {
        const got = await apply(
          bench,
          expression(name, (x, y) => callOn(name, x!, y!), [dtype, dtype]),
          [
            [nan, 1, nan, inf, -inf],
            [1, nan, nan, nan, 1],
          ],
        );
        compareValues(`${name} spreads NaN`, got, [nan, nan, nan, nan, name === 'min' ? -inf : 1]);
      }
      const powers = await apply(
        bench,
        expression('pow', (x, y) => x!.pow(y!), [dtype, dtype]),
        [
          [1, 0, 0, -1, -1, 2, nan, -8, 0],
          [nan, 0, -1, inf, 3, -2, 0, 1.5, 2],
        ],
      );
      compareValues('pow at its edges', powers, [1, 1, inf, 1, -1, 0.25, 1, nan, 0], allowed(dtype));
    },
    needs(dtype),
  ),
);

const comparisons: readonly (readonly [keyof Expr & string, (x: Value, y: Value) => boolean])[] = [
  ['eq', (x, y) => x === y],
  ['ne', (x, y) => x !== y],
  ['lt', (x, y) => x < y],
  ['le', (x, y) => x <= y],
  ['gt', (x, y) => x > y],
  ['ge', (x, y) => x >= y],
];

const compared = ALL.map((dtype) =>
  benchCase(
    `arithmetic: comparisons of ${dtype}`,
    async (bench) => {
      const [left, right] = pairs(extremes(dtype));
      for (const [name, f] of comparisons) {
        const got = await apply(
          bench,
          expression(name, (x, y) => callOn(name, x!, y!), [dtype, dtype]),
          [left, right],
        );
        compareValues(
          `${name} of ${dtype}`,
          got,
          left.map((x, i) => f(x, right[i]!)),
        );
      }
    },
    needs(dtype),
  ),
);

/** Values from the whole range of a dtype, its ends among them. */
function extremes(dtype: DType): Value[] {
  if (dtype === 'bool') return [false, true];
  if (FLOATING.includes(dtype))
    return [Number.NEGATIVE_INFINITY, -2, -0, 0, 0.5, 3, Number.POSITIVE_INFINITY, Number.NaN];
  const ends = [wrapped(dtype, 0n), wrapped(dtype, 1n), wrapped(dtype, 5n)];
  if (dtype === 'uint8') ends.push(128n, 254n, 255n);
  else {
    const bits = { int8: 7n, int16: 15n, int32: 31n, int64: 63n }[dtype as string]!;
    ends.push(-(2n ** bits), 2n ** bits - 1n, -1n, -5n, 100n);
  }
  return dtype === 'int64' ? ends : ends.map(Number);
}

const floorDivision = (x: bigint, y: bigint): bigint =>
  x / y - (x % y !== 0n && x % y < 0n !== y < 0n ? 1n : 0n);

const INTEGER: readonly (readonly [
  keyof Expr & string,
  (x: bigint, y: bigint) => bigint,
  divides?: boolean,
])[] = [
  ['add', (x, y) => x + y],
  ['sub', (x, y) => x - y],
  ['mul', (x, y) => x * y],
  ['min', (x, y) => (x < y ? x : y)],
  ['max', (x, y) => (x > y ? x : y)],
  ['bitAnd', (x, y) => x & y],
  ['bitOr', (x, y) => x | y],
  ['bitXor', (x, y) => x ^ y],
  ['truncDiv', (x, y) => x / y, true],
  ['floorDiv', floorDivision, true],
  ['rem', (x, y) => x % y, true],
  ['mod', (x, y) => x - floorDivision(x, y) * y, true],
];

const integers = INTEGERS.map((dtype) =>
  benchCase(
    `arithmetic: ${dtype} is exact and wraps`,
    async (bench) => {
      const inDType = (value: bigint): Value =>
        dtype === 'int64' ? wrapped(dtype, value) : Number(wrapped(dtype, value));
      const [left, right] = pairs(extremes(dtype).map((value) => BigInt(value)));
      for (const [name, f, divides] of INTEGER) {
        // Division by zero is a fault, and the least integer by -1 has no quotient of its dtype.
        const kept = left
          .map((x, i) => [x, right[i]!] as const)
          .filter(([, y]) => !divides || (y !== 0n && y !== -1n));
        const columns = [kept.map(([x]) => inDType(x)), kept.map(([, y]) => inDType(y))];
        const got = await apply(
          bench,
          expression(name, (x, y) => callOn(name, x!, y!), [dtype, dtype]),
          columns,
        );
        compareValues(
          `${name} of ${dtype}`,
          got,
          kept.map(([x, y]) => inDType(f(x, y))),
        );
      }
      const values = extremes(dtype);
      const one = async (name: keyof Expr & string, f: (x: bigint) => bigint): Promise<void> => {
        const got = await apply(
          bench,
          expression(name, (x) => callOn(name, x!), [dtype]),
          [values],
        );
        compareValues(
          `${name} of ${dtype}`,
          got,
          values.map((value) => inDType(f(BigInt(value)))),
        );
      };
      await one('neg', (x) => -x);
      await one('abs', (x) => (x < 0n ? -x : x));
      await one('sign', (x) => (x > 0n ? 1n : x < 0n ? -1n : 0n));
      await one('bitNot', (x) => ~x);
      const bits = dtype === 'uint8' ? 8 : Number(dtype.slice(3));
      const distances = [0, 1, bits - 1];
      const shifted = values.flatMap((x) => distances.map((by) => [BigInt(x), BigInt(by)] as const));
      for (const [name, f] of [
        ['shiftLeft', (x: bigint, by: bigint) => x << by],
        ['shiftRight', (x: bigint, by: bigint) => x >> by],
      ] as const) {
        const columns = [shifted.map(([x]) => inDType(x)), shifted.map(([, by]) => inDType(by))];
        const got = await apply(
          bench,
          expression(name, (x, y) => callOn(name, x!, y!), [dtype, dtype]),
          columns,
        );
        compareValues(
          `${name} of ${dtype}`,
          got,
          shifted.map(([x, by]) => inDType(f(x, by))),
        );
      }
    },
    needs(dtype),
  ),
);

const words = [0, 1, 2, 3, 0x7fff, 0x10000, 0x12345678, 0x7fffffff, -1, -2, -0x80000000, 0x55555555];
const word = (value: number): bigint => BigInt.asUintN(32, BigInt(value));

const UINT32: readonly (readonly [string, (x: Expr, y: Expr) => Expr, (x: bigint, y: bigint) => bigint])[] = [
  ['add', (x, y) => x.add(y), (x, y) => x + y],
  ['sub', (x, y) => x.sub(y), (x, y) => x - y],
  ['mul', (x, y) => x.mul(y), (x, y) => x * y],
  ['mulHigh', (x, y) => x.mulHigh(y), (x, y) => (x * y) >> 32n],
  ['bitAnd', (x, y) => x.bitAnd(y), (x, y) => x & y],
  ['bitOr', (x, y) => x.bitOr(y), (x, y) => x | y],
  ['bitXor', (x, y) => x.bitXor(y), (x, y) => x ^ y],
  ['shiftRight 7', (x) => x.shiftRight(7), (x) => x >> 7n],
  ['shiftLeft 9', (x) => x.shiftLeft(9), (x) => x << 9n],
  ['less', (x, y) => x.lt(y).select(x, y), (x, y) => (x < y ? x : y)],
];

/** From one dtype to another, whole numbers that both hold. */
const casts = ALL.map((from) =>
  benchCase(
    `arithmetic: casts of ${from}`,
    async (bench) => {
      for (const to of ALL) {
        if (!bench.backend.limits.dtypes.includes(to)) continue;
        const cast = expression('cast', (x) => x!.cast(to), [from], to);
        const numbers =
          from === 'bool'
            ? [0, 1]
            : from === 'uint8'
              ? [0, 1, 5, 100]
              : [0, 1, 5, 100, ...(to === 'uint8' ? [] : [-1, -7, -100])];
        const given: Value[] = numbers.map((x) => as(from, x));
        compareValues(
          `${from} to ${to}`,
          await apply(bench, cast, [given]),
          numbers.map((x) => as(to, x)),
        );
        if (!FLOATING.includes(from) || FLOATING.includes(to)) continue;
        const fractions =
          to === 'uint8' || to === 'bool' ? [0.5, 1.75, 3.25] : [0.5, 1.75, -0.5, -1.75, 3.25];
        const cut = fractions.map((x) => as(to, to === 'bool' ? x : Math.trunc(x)));
        compareValues(`fractions of ${from} to ${to}`, await apply(bench, cast, [fractions]), cut);
      }
    },
    needs(from),
  ),
);

const as = (dtype: DType, x: number): Value =>
  dtype === 'bool' ? x !== 0 : dtype === 'int64' ? BigInt(x) : x;

const halves = (['float16', 'bfloat16'] as const).map((dtype) =>
  benchCase(
    `arithmetic: float32 is rounded to the nearest ${dtype}, halves to even`,
    async (bench) => {
      const decode = dtype === 'float16' ? float16 : bfloat16;
      const infinity = dtype === 'float16' ? 0x7c00 : 0x7f80;
      const patterns = Array.from({ length: 1200 }, (_, i) => (i * 53) % infinity);
      const exact = patterns.map(decode);
      const between = patterns.map((bits) => (decode(bits) + decode(Math.min(bits + 1, infinity - 1))) / 2);
      const near = between.flatMap((x) => [x, x * (1 + 2 ** -20), x * (1 - 2 ** -20)]);
      const largest = decode(infinity - 1);
      const given = [...exact, ...near, largest * 1.0001, largest * 2, Number.POSITIVE_INFINITY].map(
        Math.fround,
      );
      const signed = [...given, ...given.map((x) => -x), Number.NaN];
      const narrow = expression('cast', (x) => x!.cast(dtype), ['float32'], dtype);
      const bits = dtype === 'float16' ? float16Bits : bfloat16Bits;
      compareValues(
        `float32 to ${dtype}`,
        await apply(bench, narrow, [signed]),
        signed.map((x) => decode(bits(x))),
      );
      const all = Array.from({ length: 65536 }, (_, i) => decode(i));
      const widen = expression('cast', (x) => x!.cast('float32'), [dtype], 'float32');
      const numbers = all.filter((x) => !Number.isNaN(x));
      compareValues(`${dtype} to float32`, await apply(bench, widen, [numbers]), numbers);
    },
    needs(dtype),
  ),
);

export const arithmeticCases: readonly ConformanceCase[] = [
  ...floatingUnary,
  ...floatingBinary,
  ...compared,
  ...integers,
  benchCase('arithmetic: the internal uint32', async (bench) => {
    const [left, right] = pairs(words);
    for (const [name, build, f] of UINT32) {
      const given = expression(
        `uint32 ${name}`,
        (x, y) => build(x!.cast('uint32'), y!.cast('uint32')).cast('int32'),
        ['int32', 'int32'],
        'int32',
      );
      const expected = left.map((x, i) => Number(BigInt.asIntN(32, f(word(x), word(right[i]!)))));
      compareValues(`${name} of uint32`, await apply(bench, given, [left, right]), expected);
    }
    const widen = expression(
      'uint32 to float32',
      (x) => x!.cast('uint32').shiftRight(8).cast('float32'),
      ['int32'],
      'float32',
    );
    compareValues(
      '24 bits as float32',
      await apply(bench, widen, [words]),
      words.map((x) => Number(word(x) >> 8n)),
    );
  }),
  benchCase('arithmetic: logic and select', async (bench) => {
    const [left, right] = pairs<Value>([false, true]);
    for (const [name, f] of [
      ['and', (x: Value, y: Value) => x && y],
      ['or', (x: Value, y: Value) => x || y],
      ['xor', (x: Value, y: Value) => x !== y],
    ] as const) {
      const got = await apply(
        bench,
        expression(name, (x, y) => callOn(name, x!, y!), ['bool', 'bool']),
        [left, right],
      );
      compareValues(
        name,
        got,
        left.map((x, i) => f(x, right[i]!)),
      );
    }
    compareValues(
      'not',
      await apply(
        bench,
        expression('not', (x) => x!.not(), ['bool']),
        [[true, false]],
      ),
      [false, true],
    );
    const choosing = expression(
      'select',
      (c, x, y) => c!.select(x!, y!),
      ['bool', 'float32', 'float32'],
      'float32',
    );
    compareValues(
      'select',
      await apply(bench, choosing, [
        [true, false],
        [1, Number.NaN],
        [Number.NaN, 2],
      ]),
      [1, 2],
    );
  }),
  ...casts,
  ...halves,
];
