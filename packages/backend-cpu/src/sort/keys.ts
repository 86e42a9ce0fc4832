import type { DType, Operand } from '@flambeau/core/backend';
import { ArrayKind, bigintsOf, KIND_OF, type NumberArray, numbersOf, viewOf } from '../allocation.ts';
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
export function keyFillers(bySource: boolean): (input: Operand) => KeyFiller {
  const biased = perKind(fillBiased, bySource);
  return (input) => keyFiller(input, biased(KIND_OF[input.dtype]));
}

/** What fills the keys of an operand. */
function keyFiller(input: Operand, biased: typeof fillBiased): KeyFiller {
  const fillInt = (bias: number): KeyFiller => {
    const x = numbersOf(input);
    return ({ high }, start, step, count) => biased(high, x, start, step, count, bias);
  };
  switch (input.dtype) {
    case 'float32':
      return fillFloat32(wordsOf(input));
    case 'float64':
    case 'complex64':
      return fillFloat64(wordsOf(input));
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

/** The memory of floats as whole numbers: their bits. */
const wordsOf = (input: Operand): Int32Array =>
  // This kind is an Int32Array by construction.
  viewOf(input, ArrayKind.int32) as Int32Array;

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

function fillFloat32(bitsOf: Int32Array): KeyFiller {
  return ({ high }, start, step, count) => {
    for (let i = 0, at = start; i < count; i++, at += step) {
      const bits = bitsOf[at]!;
      const magnitude = bits & 0x7fffffff;
      if (magnitude > 0x7f800000) high[i] = 0xffffffff;
      else if (magnitude === 0) high[i] = 0x80000000;
      else high[i] = bits < 0 ? ~bits : bits ^ 0x80000000;
    }
  };
}

/** Which of the two words of a float64 holds the sign. */
const SIGN_WORD = new Int32Array(Float64Array.of(-1).buffer)[1] === 0 ? 0 : 1;

function fillFloat64(words: Int32Array): KeyFiller {
  return ({ high, low }, start, step, count) => {
    for (let i = 0, at = start * 2; i < count; i++, at += step * 2) {
      const top = words[at + SIGN_WORD]!;
      const bottom = words[at + 1 - SIGN_WORD]!;
      const magnitude = top & 0x7fffffff;
      if (magnitude > 0x7ff00000 || (magnitude === 0x7ff00000 && bottom !== 0)) {
        high[i] = 0xffffffff;
        low[i] = 0xffffffff;
      } else if (top < 0 && (magnitude | bottom) !== 0) {
        high[i] = ~top;
        low[i] = ~bottom;
      } else {
        high[i] = magnitude ^ 0x80000000;
        low[i] = bottom;
      }
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
