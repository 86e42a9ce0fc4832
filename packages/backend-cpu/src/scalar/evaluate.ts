import type { Instruction, Parameters, Program } from '@flambeau/core/backend';
import { binaryClosure, castClosure, parameterClosure, unaryClosure } from './closures.ts';
import { literalAs } from './literal.ts';
import type { Value } from './representation.ts';
import { type Block, scheduleOf } from './schedule.ts';

/** Where a program's closures find what they read. The kernel changes it from element to element. */
export interface Frame {
  readonly inputs: Value[];
  readonly index: number[];
  parameters: Parameters;
}

export const frameOf = (inputCount: number): Frame => ({
  inputs: new Array<Value>(inputCount).fill(0),
  index: [],
  parameters: [],
});

/** The value of a program for what the frame holds. */
export type Evaluator = (frame: Frame) => Value;

type Action = (values: Value[], frame: Frame) => void;

/** A program as composed closures. */
export function evaluatorOf(program: Program): Evaluator {
  const { steps } = program;
  const values = new Array<Value>(steps.length).fill(0);
  const { hoisted, body } = scheduleOf(program, 0);
  const actions = [...hoisted.map((i) => actionOf(steps, i)), ...blockActions(steps, body)];
  return (frame) => {
    for (const action of actions) action(values, frame);
    return values[steps.length - 1]!;
  };
}

function blockActions(steps: readonly Instruction[], block: Block): Action[] {
  return block.steps.map(({ step: i, branches }) => {
    const step = steps[i]!;
    if (step.op !== 'select' || branches === null) return actionOf(steps, i);
    const { c, a, b } = step;
    const [then, otherwise] = branches.map((branch) => blockActions(steps, branch)) as [Action[], Action[]];
    return (values, frame) => {
      const taken = values[c] ? then : otherwise;
      for (const action of taken) action(values, frame);
      values[i] = values[values[c] ? a : b]!;
    };
  });
}

function actionOf(steps: readonly Instruction[], i: number): Action {
  const step = steps[i]!;
  switch (step.op) {
    case 'input':
      return (values, frame) => {
        values[i] = frame.inputs[step.slot]!;
      };
    case 'literal': {
      const value = literalAs(step.type, step.value);
      return (values) => {
        values[i] = value;
      };
    }
    case 'parameter': {
      const convert = parameterClosure(step.type);
      return (values, frame) => {
        values[i] = convert(frame.parameters[step.slot]!);
      };
    }
    case 'index':
      return (values, frame) => {
        values[i] = frame.index[step.dim]!;
      };
    case 'select':
      return (values) => {
        values[i] = values[values[step.c] ? step.a : step.b]!;
      };
    case 'cast': {
      const cast = castClosure(steps[step.a]!.type, step.type);
      return (values) => {
        values[i] = cast(values[step.a]!);
      };
    }
    default: {
      const type = steps[step.a]!.type;
      if ('b' in step) {
        const operation = binaryClosure(step.op, type);
        return (values) => {
          values[i] = operation(values[step.a]!, values[step.b]!);
        };
      }
      const operation = unaryClosure(step.op, type);
      return (values) => {
        values[i] = operation(values[step.a]!);
      };
    }
  }
}
