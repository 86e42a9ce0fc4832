import type { Program } from '@flambeau/core/backend';
import { arrayOf } from '../allocation.ts';
import { loadClosure, storeClosure } from '../scalar/closures.ts';
import { evaluatorOf, frameOf } from '../scalar/evaluate.ts';
import { Odometer } from '../walk.ts';
import type { PointwiseLoop } from './source.ts';

/** The loop of a program without compiling source. */
export function closureLoop(program: Program): PointwiseLoop {
  const evaluate = evaluatorOf(program);
  const loads = program.inputs.map(loadClosure);
  const store = storeClosure(program.output);
  const frame = frameOf(loads.length);
  return (shape, output, inputs, parameters) => {
    frame.parameters = parameters;
    const target = arrayOf(output);
    const sources = inputs.map(arrayOf);
    const walk = new Odometer(shape, shape.length, [output, ...inputs]);
    do {
      for (let k = 0; k < loads.length; k++) frame.inputs[k] = loads[k]!(sources[k]![walk.offsets[k + 1]!]!);
      for (let dim = 0; dim < shape.length; dim++) frame.index[dim] = walk.counters[dim]!;
      target[walk.offsets[0]!] = store(evaluate(frame));
    } while (walk.next());
  };
}
