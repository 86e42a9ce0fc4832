import type { BinaryIntrinsic, Instruction, Program, ScalarType } from '@flambeau/core/backend';
import type { RuntimeName } from '../../scalar/arithmetic.ts';
import { kindOf } from './value.ts';

/** Functions of the host that steps call for one lane at a time: those of `arithmetic.ts`, and of Math. */
export type HostName = RuntimeName | 'sin' | 'cos' | 'tan' | 'remainder';

const FLOAT: Partial<Record<string, HostName>> = {
  floorDiv: 'floorDivFloat',
  rem: 'remainder',
  mod: 'modFloat',
  sin: 'sin',
  cos: 'cos',
  tan: 'tan',
};
const INT: Partial<Record<BinaryIntrinsic, HostName>> = {
  div: 'truncDivInt',
  truncDiv: 'truncDivInt',
  floorDiv: 'floorDivInt',
  rem: 'remInt',
  mod: 'modInt',
  pow: 'powInt',
  shiftLeft: 'shiftLeftInt',
  shiftRight: 'shiftRightInt',
};
const UINT32: Partial<Record<BinaryIntrinsic, HostName>> = {
  shiftLeft: 'shiftLeftUint32',
  shiftRight: 'shiftRightUint32',
};
const INT64: Partial<Record<BinaryIntrinsic, HostName>> = {
  div: 'truncDivInt64',
  truncDiv: 'truncDivInt64',
  floorDiv: 'floorDivInt64',
  rem: 'remInt64',
  mod: 'modInt64',
  pow: 'powInt64',
  shiftLeft: 'shiftLeftInt64',
  shiftRight: 'shiftRightInt64',
};

/** The function of the host that an operation on a type calls. */
export function hostOf(op: Instruction['op'], type: ScalarType): HostName | undefined {
  // A step's name indexes tables of the names that have an entry.
  const name = op as BinaryIntrinsic;
  switch (kindOf(type)) {
    case 'f32':
    case 'f64':
      return FLOAT[name];
    case 'i64':
      return INT64[name];
    case 'i32':
      return type === 'uint32' ? UINT32[name] : INT[name];
    case 'mask':
      return undefined;
  }
}

/** A shift by a literal within the type is one instruction. */
export function literalShift({ steps }: Program, step: Instruction): number | undefined {
  if (step.op !== 'shiftLeft' && step.op !== 'shiftRight') return undefined;
  const distance = steps[step.b]!;
  if (distance.op !== 'literal' || kindOf(step.type) === 'mask') return undefined;
  const bits = Number(distance.value);
  return bits >= 0 && bits < (kindOf(step.type) === 'i64' ? 64 : 32) ? bits : undefined;
}

/** The functions of the host that programs call, in a fixed order. */
export function hostsOf(...programs: readonly Program[]): readonly HostName[] {
  const names = new Set<HostName>();
  for (const program of programs) {
    for (const step of program.steps) {
      if (!('a' in step) || step.op === 'cast' || step.op === 'select') continue;
      if (literalShift(program, step) !== undefined) continue;
      const name = hostOf(step.op, program.steps[step.a]!.type);
      if (name !== undefined) names.add(name);
    }
  }
  return [...names];
}
