import type { DType, Operand } from '@flambeau/core/backend';
import { bigintsOf, KIND_OF, type NumberArray, numbersOf } from '../allocation.ts';
import { perKind } from '../policy.ts';

/**
 * Elements as unsigned integers that sort the same way: NaN above all, -0 equal to 0. `high` decides before
 * `low`, which only 64-bit dtypes fill.
 */
export interface Keys {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
}

/** How many of the lowest bytes of `high` differ between elements, and whether `low` counts. */
export function keyBytes(dtype: DType): { readonly high: number; readonly wide: boolean } {
  switch (dtype) {
    case 'bool':
    case 'uint8':
    case 'int8':
      return { high: 1, wide: false };
    case 'int16':
    case 'float16':
    case 'bfloat16':
      return { high: 2, wide: false };
    case 'int32':
    case 'float32':
      return { high: 4, wide: false };
    case 'int64':
    case 'float64':
    case 'complex64':
      return { high: 4, wide: true };
  }
}

/** Fills the keys of `count` elements from `start` on. */
export type KeyFiller = (keys: Keys, start: number, step: number, count: number) => void;

/** What makes the fillers: for each class of integer arrays it has a loop of its own. */
export function keyFillers(bySource: boolean): (input: Operand, longest: number) => KeyFiller {
  const biased = perKind(fillBiased, bySource);
  return (input, longest) => keyFiller(input, longest, biased(KIND_OF[input.dtype]));
}

/** What fills the keys of an operand; `longest` is the length of its rows. */
function keyFiller(input: Operand, longest: number, biased: typeof fillBiased): KeyFiller {
  const fillInt = (bias: number): KeyFiller => {
    const x = numbersOf(input);
    return ({ high }, start, step, count) => biased(high, x, start, step, count, bias);
  };
  switch (input.dtype) {
    case 'float32':
      return fillFloat32(numbersOf(input), longest);
    case 'float64':
    case 'complex64':
      return fillFloat64(numbersOf(input), longest);
    case 'int64':
      return fillInt64(bigintsOf(input));
    case 'float16':
      return fillHalf(numbersOf(input), 0x7c00);
    case 'bfloat16':
      return fillHalf(numbersOf(input), 0x7f80);
    case 'int32':
      return fillInt(0x80000000);
    case 'int16':
      return fillInt(0x8000);
    case 'int8':
      return fillInt(0x80);
    case 'uint8':
    case 'bool':
      return fillInt(0);
  }
}

/** Self-contained: there is a copy for each class of arrays. */
function fillBiased(
  high: Uint32Array,
  x: NumberArray,
  start: number,
  step: number,
  count: number,
  bias: number,
): void {
  for (let i = 0, at = start; i < count; i++, at += step) high[i] = x[at]! + bias;
}

/** Negative floats are turned round, positive ones put above them. */
function fillHalf(x: NumberArray, infinity: number): KeyFiller {
  return ({ high }, start, step, count) => {
    for (let i = 0, at = start; i < count; i++, at += step) {
      const bits = x[at]!;
      const magnitude = bits & 0x7fff;
      if (magnitude > infinity) high[i] = 0xffff;
      else if (magnitude === 0) high[i] = 0x8000;
      else high[i] = bits === magnitude ? bits + 0x8000 : 0xffff - bits;
    }
  };
}

function fillFloat32(x: NumberArray, longest: number): KeyFiller {
  const row = new Float32Array(longest);
  const bitsOf = new Uint32Array(row.buffer);
  return ({ high }, start, step, count) => {
    for (let i = 0, at = start; i < count; i++, at += step) row[i] = x[at]!;
    for (let i = 0; i < count; i++) {
      const bits = bitsOf[i]!;
      const magnitude = bits & 0x7fffffff;
      if (magnitude > 0x7f800000) high[i] = 0xffffffff;
      else if (magnitude === 0) high[i] = 0x80000000;
      else high[i] = bits < 0x80000000 ? bits + 0x80000000 : ~bits;
    }
  };
}

function fillFloat64(x: NumberArray, longest: number): KeyFiller {
  const row = new Float64Array(longest);
  const words = new Uint32Array(row.buffer);
  // Which of two words holds the sign depends on the machine.
  row[0] = -1;
  const highWord = words[1] === 0 ? 0 : 1;
  return ({ high, low }, start, step, count) => {
    // Adding 0 turns -0 into 0.
    for (let i = 0, at = start; i < count; i++, at += step) row[i] = x[at]! + 0;
    for (let i = 0; i < count; i++) {
      const top = words[2 * i + highWord]!;
      const bottom = words[2 * i + 1 - highWord]!;
      const nan = Number.isNaN(row[i]);
      const negative = top >= 0x80000000;
      high[i] = nan ? 0xffffffff : negative ? ~top : top + 0x80000000;
      low[i] = nan ? 0xffffffff : negative ? ~bottom : bottom;
    }
  };
}

function fillInt64(x: BigInt64Array): KeyFiller {
  return ({ high, low }, start, step, count) => {
    for (let i = 0, at = start; i < count; i++, at += step) {
      const value = x[at]!;
      high[i] = Number(BigInt.asIntN(32, value >> 32n)) + 0x80000000;
      low[i] = Number(BigInt.asUintN(32, value));
    }
  };
}
