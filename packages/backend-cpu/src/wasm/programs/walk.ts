import type { DType, Program } from '@flambeau/core/backend';
import { type FunctionBuilder, i32 } from '../assembler/index.ts';
import { isOfBytes } from './body.ts';
import { unitsOf } from './memory.ts';

/** How an operand walks along the dimension of the vectors: `mirrored` are neighbours from the last to the first. */
export const Walk = { repeated: 0, neighbours: 1, strided: 2, mirrored: 3 } as const;
export type Walk = (typeof Walk)[keyof typeof Walk];

/** An operand that loops walk along. */
export interface Walker {
  readonly dtype: DType;
  readonly walk: Walk;
  /** Bytes of an element. */
  readonly size: number;
  /** The local that holds the bytes from element to element. */
  readonly step: number;
}

/** Whether vectors can hold sixteen of a loop's elements. */
export const takesBytes = (programs: readonly Program[], walks: readonly Walk[]): boolean =>
  programs.every(isOfBytes) && !walks.includes(Walk.strided);

/** Of walks with the output's first: bit k is set where input k repeats one element. */
export const repeatedInputs = ([, ...inputs]: readonly Walk[]): number =>
  inputs.reduce<number>((bits, walk, k) => bits | (walk === Walk.repeated ? 1 << k : 0), 0);

/** Whether a vector holds several units of an operand. */
export const isNarrow = ({ dtype, walk }: Walker): boolean => walk === Walk.neighbours && unitsOf(dtype) > 1;

/** The bytes from an element to the next, on the stack. */
export function putStep(f: FunctionBuilder, { walk, size, step }: Walker): void {
  if (walk === Walk.neighbours) f.i32(size);
  else if (walk === Walk.mirrored) f.i32(-size);
  else f.get(step);
}

/** Moves the local `at` on by so many elements. */
export function moveOn(f: FunctionBuilder, { walk, size, step }: Walker, at: number, elements: number): void {
  if (walk === Walk.neighbours) f.increase(at, elements * size);
  else if (walk === Walk.mirrored) f.increase(at, -elements * size);
  else if (walk === Walk.strided) f.get(step).i32(elements).op(i32.mul).get(at).op(i32.add).set(at);
}
