import type { Operand, Program, RequiredKernels } from '@flambeau/core/backend';
import { arrayOf, setArray, type TypedArray } from '../allocation.ts';
import { compileSource } from '../policy.ts';
import { closureLoop } from './closures.ts';
import { copiedInput, entrySource, nestSource, type PointwiseLoop, repeatedSource } from './source.ts';

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
  const runs: PointwiseLoop[] = [];
  const nests: PointwiseLoop[][] = [];
  const copied = copiedInput(program);
  const other: PointwiseLoop = (shape, output, inputs, parameters) => {
    const rank = shape.length;
    const repeated = repeatedInputs(rank - 1, output, inputs);
    if (repeated === 0 && rank === 1 && copied >= 0) {
      const source = inputs[copied]!;
      copyRun(arrayOf(output), output.offset, arrayOf(source), source.offset, shape[0]!);
      return;
    }
    const loop =
      repeated >= 0 && rank === 1
        ? (runs[repeated] ??= compileSource<PointwiseLoop>(repeatedSource(program, repeated)))
        : ((nests[rank] ??= [])[repeated + 1] ??= compileSource<PointwiseLoop>(
            nestSource(program, rank, repeated),
          ));
    loop(shape, output, inputs, parameters);
  };
  return compileSource<(other: PointwiseLoop) => PointwiseLoop>(entrySource(program))(other);
}

/** Past this many inputs not every pattern of repeated ones gets a loop of its own. */
const MANY_INPUTS = 6;

/** Which inputs repeat one element along a dimension, as bits; -1 where an operand has another stride than 1. */
function repeatedInputs(dim: number, output: Operand, inputs: readonly Operand[]): number {
  if (output.strides[dim] !== 1 || inputs.length > MANY_INPUTS) return -1;
  let bits = 0;
  for (let k = 0; k < inputs.length; k++) {
    const stride = inputs[k]!.strides[dim];
    if (stride === 0) bits |= 1 << k;
    else if (stride !== 1) return -1;
  }
  return bits;
}

function copyRun(target: TypedArray, to: number, source: TypedArray, from: number, count: number): void {
  setArray(target, source.subarray(from, from + count), to);
}
