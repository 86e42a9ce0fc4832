import type { Instruction, Parameters, Program } from '@flambeau/core/backend';
import type { Value } from './elements.ts';
import { binary, castTo, settle, unary } from './scalar.ts';

/**
 * Runs a program for one element at a time, from its last step backwards: a step is computed when another asks for
 * it, so that the branch of a `select` that is not taken is never touched.
 */
export class Interpreter {
  /** The elements of the inputs, set by the kernel before `run`. */
  readonly inputs: Value[] = [];
  /** The element's position, set by the kernel before `run`. */
  index: readonly number[] = [];
  private readonly steps: readonly (() => Value)[];
  private readonly values: Value[];
  /** For each step, the run that computed its value. */
  private readonly computedIn: number[];
  private current = 0;

  constructor(program: Program, parameters: Parameters) {
    this.values = new Array<Value>(program.steps.length).fill(0);
    this.computedIn = new Array<number>(program.steps.length).fill(0);
    this.steps = program.steps.map((step) => this.prepare(step, program.steps, parameters));
  }

  run(): Value {
    this.current += 1;
    return this.value(this.steps.length - 1);
  }

  private value(step: number): Value {
    if (this.computedIn[step] !== this.current) {
      this.values[step] = this.steps[step]!();
      this.computedIn[step] = this.current;
    }
    return this.values[step]!;
  }

  private prepare(step: Instruction, steps: readonly Instruction[], parameters: Parameters): () => Value {
    switch (step.op) {
      case 'input':
        return () => this.inputs[step.slot]!;
      case 'literal': {
        const value = settle(step.type)(step.value);
        return () => value;
      }
      case 'parameter': {
        const value = settle(step.type)(parameters[step.slot]!);
        return () => value;
      }
      case 'index':
        return () => this.index[step.dim]!;
      case 'cast': {
        const cast = castTo(step.type);
        return () => cast(this.value(step.a));
      }
      case 'select':
        return () => this.value(this.value(step.c) ? step.a : step.b);
      default: {
        const type = steps[step.a]!.type;
        if ('b' in step) {
          const operation = binary(step.op, type);
          return () => operation(this.value(step.a), this.value(step.b));
        }
        const operation = unary(step.op, type);
        return () => operation(this.value(step.a));
      }
    }
  }
}
