import type { Operand, Program, RequiredKernels } from '@flambeau/core/backend';
import { arrayOf, setArray, type TypedArray } from '../allocation.ts';
import { compileSource } from '../policy.ts';
import { closureLoop } from './closures.ts';
import { entrySource, isCopy, nestSource, type PointwiseLoop, repeatedSource } from './source.ts';

/** The `pointwise` kernel. What it compiled lies in an array by the program's id. */
export function pointwiseKernel(bySource: boolean): RequiredKernels['pointwise'] {
  const loops: PointwiseLoop[] = [];
  const prepare = (program: Program): PointwiseLoop => {
    const loop = bySource ? sourceLoop(program) : closureLoop(program);
    loops[program.id] = loop;
    return loop;
  };
  return (program, shape, output, inputs, parameters) => {
    (loops[program.id] ?? prepare(program))(shape, output, inputs, parameters);
  };
}

/** A program's loops by layout, each compiled when it is first needed, so that each sees one kind of arrays. */
function sourceLoop(program: Program): PointwiseLoop {
  const repeatedLoops = new Map<number, PointwiseLoop>();
  const nests: PointwiseLoop[] = [];
  const copies = isCopy(program);
  const other: PointwiseLoop = (shape, output, inputs, parameters) => {
    const rank = shape.length;
    const repeated = rank === 1 ? repeatedInputs(output, inputs) : -1;
    if (repeated === 0 && copies) {
      copyRun(arrayOf(output), output.offset, arrayOf(inputs[0]!), inputs[0]!.offset, shape[0]!);
      return;
    }
    let loop = repeated >= 0 ? repeatedLoops.get(repeated) : nests[rank];
    if (loop === undefined) {
      if (repeated >= 0)
        repeatedLoops.set(repeated, (loop = compileSource<PointwiseLoop>(repeatedSource(program, repeated))));
      else nests[rank] = loop = compileSource<PointwiseLoop>(nestSource(program, rank));
    }
    loop(shape, output, inputs, parameters);
  };
  return compileSource<(other: PointwiseLoop) => PointwiseLoop>(entrySource(program))(other);
}

/** Which inputs repeat one element along the one dimension, as bits; -1 where an operand has another stride. */
function repeatedInputs(output: Operand, inputs: readonly Operand[]): number {
  if (output.strides[0] !== 1 || inputs.length > 30) return -1;
  let bits = 0;
  for (let k = 0; k < inputs.length; k++) {
    const stride = inputs[k]!.strides[0];
    if (stride === 0) bits |= 1 << k;
    else if (stride !== 1) return -1;
  }
  return bits;
}

function copyRun(target: TypedArray, to: number, source: TypedArray, from: number, count: number): void {
  setArray(target, source.subarray(from, from + count), to);
}
