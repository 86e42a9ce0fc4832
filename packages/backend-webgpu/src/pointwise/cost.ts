import type { Instruction, Program } from '@flambeau/core/backend';
import { isHalf } from '../wgsl/types.ts';

/** Roughly how many instructions a step becomes. */
function costOf(step: Instruction): number {
  switch (step.op) {
    case 'sin':
    case 'cos':
    case 'tan':
    case 'pow':
    case 'atan2':
    case 'rem':
    case 'mod':
    case 'floorDiv':
      return 40;
    case 'exp':
    case 'exp2':
    case 'expm1':
    case 'log':
    case 'log1p':
    case 'log2':
    case 'log10':
    case 'asin':
    case 'acos':
    case 'atan':
    case 'sinh':
    case 'cosh':
    case 'tanh':
      return 20;
    case 'input':
    case 'cast':
      return isHalf(step.type) ? 5 : 1;
    case 'mulHigh':
      return 8;
    default:
      return 1;
  }
}

const HEAVY = 32;

const known: boolean[] = [];

/** Whether a program is long, so that writing it out four times costs more to compile than it saves. */
export function isHeavy(program: Program): boolean {
  return (known[program.id] ??= program.steps.reduce((sum, step) => sum + costOf(step), 0) > HEAVY);
}
