import type { Parameters, Program, ScalarType } from '@flambeau/core/backend';
import { parameterAs } from '../../scalar/arithmetic.ts';
import { literalAs } from '../../scalar/literal.ts';
import { type FunctionBuilder, i8x16, i32x4, v128 } from '../assembler/index.ts';
import type { Lanes } from '../lanes/lanes.ts';
import { BYTES, isWide, kindIn, kindOf, type Value, value, zeroOf } from './value.ts';

/**
 * What a kernel is told lies in a frame of the heap: words of 32 bits, then the parameters, eight bytes each. A
 * kernel is a function of the frame's address alone, so that any thread can run any part of the work.
 */

/** A parameter in the type of one step. */
export interface Parameter {
  readonly slot: number;
  readonly type: ScalarType;
}

/** The parameters of some programs, each type of each once. */
export function parametersOf(...programs: readonly Program[]): readonly Parameter[] {
  const found: Parameter[] = [];
  for (const { steps } of programs) {
    for (const step of steps) {
      if (step.op !== 'parameter') continue;
      if (!found.some(({ slot, type }) => slot === step.slot && type === step.type)) found.push(step);
    }
  }
  return found;
}

/** The local in which a kernel is given the address of its frame. */
export const FRAME = 0;

/** Where the parameters begin, in bytes, behind `words` words. */
const parameterOffset = (words: number): number => (words * 4 + 7) & -8;

/** A parameter in every lane, read from the frame. */
export function loadParameter(
  lanes: Lanes,
  parameters: readonly Parameter[],
  frame: number,
  words: number,
  slot: number,
  type: ScalarType,
): Value {
  const at = parameters.findIndex((parameter) => parameter.slot === slot && parameter.type === type);
  const kind = kindIn(lanes, type);
  const bytes = lanes.unit === BYTES;
  const splat = bytes ? v128.load8Splat : isWide(kind) ? v128.load64Splat : v128.load32Splat;
  lanes.f.get(frame).memory(splat, parameterOffset(words) + at * 8);
  const reg = lanes.keep();
  if (kind === 'mask') return value('mask', lanes.apply(bytes ? i8x16.ne : i32x4.ne, reg, zeroOf(lanes)));
  return value(kind, ...(isWide(kind) ? [reg, reg] : [reg]));
}

/** A word of the frame, on the stack. */
export const loadWord = (f: FunctionBuilder, frame: number, word: number): FunctionBuilder =>
  f.get(frame).memory(0x28, word * 4);

/** Views of the memory that frames are written through. */
export interface FrameViews {
  readonly words: Int32Array;
  readonly bytes: DataView;
}

/** Writes the parameters into the frame at `address`. */
export function writeParameters(
  { bytes }: FrameViews,
  address: number,
  words: number,
  parameters: readonly Parameter[],
  given: Parameters,
): void {
  let at = address + parameterOffset(words);
  for (const { slot, type } of parameters) {
    const parameter = given[slot]!;
    switch (kindOf(type)) {
      case 'f32':
        // Rounded to a half where that is the type.
        bytes.setFloat32(at, Number(literalAs(type, parameterAs.number(parameter))), true);
        break;
      case 'f64':
        bytes.setFloat64(at, parameterAs.number(parameter), true);
        break;
      case 'i64':
        bytes.setBigInt64(at, parameterAs.int64(parameter), true);
        break;
      case 'mask':
        bytes.setInt32(at, parameterAs.bool(parameter) ? 1 : 0, true);
        break;
      case 'i32':
        bytes.setInt32(at, Number(literalAs(type, parameterAs.int32(parameter))), true);
        break;
    }
    at += 8;
  }
}
