import type { Expr } from '@flambeau/core';
import type { DType } from '@flambeau/core/backend';
import type { ConformanceCase } from './case.ts';
import { allowed, compareValues } from './compare.ts';
import { bfloat16, bfloat16Bits, FLOATING, float16, float16Bits } from './elements.ts';
import { apply, callOn, expression, pairs } from './expression.ts';
import { benchCase } from './memory.ts';
import { needs } from './pointwise.ts';

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

export const floatingCases: readonly ConformanceCase[] = [...floatingUnary, ...floatingBinary];
