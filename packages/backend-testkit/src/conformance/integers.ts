import type { Expr } from '@flambeau/core';
import type { DType } from '@flambeau/core/backend';
import { BACKEND_DTYPES } from '@flambeau/core/backend';
import type { ConformanceCase } from './case.ts';
import { compareValues } from './compare.ts';
import { FLOATING, INTEGERS, type Value } from './elements.ts';
import { apply, callOn, expression, pairs } from './expression.ts';
import { benchCase } from './memory.ts';
import { needs } from './pointwise.ts';
import { wrapped } from './random.ts';

const comparisons: readonly (readonly [keyof Expr & string, (x: Value, y: Value) => boolean])[] = [
  ['eq', (x, y) => x === y],
  ['ne', (x, y) => x !== y],
  ['lt', (x, y) => x < y],
  ['le', (x, y) => x <= y],
  ['gt', (x, y) => x > y],
  ['ge', (x, y) => x >= y],
];

const compared = BACKEND_DTYPES.map((dtype) =>
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

export const integerCases: readonly ConformanceCase[] = [
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
];
