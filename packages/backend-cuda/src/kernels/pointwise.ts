import {
  byteLengthOf,
  type Operand,
  type Parameters,
  type Program,
  type RequiredKernels,
  sizeOf,
} from '@flambeau/core/backend';
import { faults, type ParameterSlot, parameterSlots } from '../cuda-c/body.ts';
import { pointwiseSource } from '../cuda-c/pointwise.ts';
import { type Context, Variants, writeParameters } from './context.ts';
import { arrange, classOf, gridFor, isWide, type Loops, pointerTo, writeCount, writeNest } from './loops.ts';

/** Past this many inputs the pattern of repeated ones makes no kernel of its own. */
const MANY_INPUTS = 8;
/** Bytes that one thread moves at once. */
const VECTOR_BYTES = 16;

/** The `pointwise` kernel. */
export function pointwiseKernel(context: Context): RequiredKernels['pointwise'] {
  const compiled: PointwiseProgram[] = [];
  return (program, shape, output, inputs, parameters) => {
    const one = (compiled[program.id] ??= new PointwiseProgram(context, program));
    one.run(shape, output, inputs, parameters);
  };
}

class PointwiseProgram {
  private readonly context: Context;
  private readonly program: Program;
  private readonly slots: readonly ParameterSlot[];
  private readonly withFault: boolean;
  private readonly variants: Variants;
  /** Bytes of an element: of the output, then of each input. */
  private readonly bytes: readonly number[];
  /** Elements that one thread takes where all lie side by side. */
  private readonly vector: number;

  constructor(context: Context, program: Program) {
    this.context = context;
    this.program = program;
    this.slots = parameterSlots([program]);
    this.withFault = faults(program);
    this.variants = new Variants(context.launch);
    this.bytes = [program.output, ...program.inputs].map(byteLengthOf);
    this.vector = Math.min(8, VECTOR_BYTES / Math.max(...this.bytes));
  }

  run(shape: readonly number[], output: Operand, inputs: readonly Operand[], parameters: Parameters): void {
    const { program, context, bytes } = this;
    const { launch } = context;
    const loops = this.loopsOf(shape, output, inputs);
    const wide = isWide(loops, context.narrowLimit);
    const repeated = this.repeatedInputs(loops, output, inputs);
    const vector = repeated < 0 ? 1 : this.vector;
    // A program that reads indices keeps its dimensions; any other is padded to its class.
    const rank = program.usesIndex ? Math.max(shape.length, 1) : classOf(loops);
    const variant = (((repeated + 1) * 9 + rank) << 1) | (wide ? 1 : 0);
    const kernel = this.variants.get(variant, () =>
      pointwiseSource(program, { rank, wide, vector, repeated }),
    );
    const count = sizeOf(loops.shape);
    const args = launch.arguments.reset();
    pointerTo(args, output, bytes[0]!);
    for (let k = 0; k < inputs.length; k++) pointerTo(args, inputs[k]!, bytes[k + 1]!);
    if (this.withFault) args.pointer(launch.fault, 0);
    writeCount(args, count, wide);
    writeNest(args, vector > 1 ? inVectors(loops, vector) : loops, rank, wide);
    writeParameters(args, this.slots, parameters);
    const { blocks, size } = gridFor(Math.ceil(count / vector));
    launch.launch(kernel, [blocks, 1, 1], [size, 1, 1], 0, args);
  }

  private loopsOf(shape: readonly number[], output: Operand, inputs: readonly Operand[]): Loops {
    const strides = [output.strides, ...inputs.map((input) => input.strides)];
    if (shape.length === 1 || (this.program.usesIndex && shape.length > 0)) return { shape, strides };
    return arrange({ shape, strides });
  }

  /**
   * Bit k is set where input k is one element along the innermost dimension; -1 where the kernel must go element by
   * element, as an operand's neighbours do not lie side by side or not where a vector can be loaded.
   */
  private repeatedInputs({ shape, strides }: Loops, output: Operand, inputs: readonly Operand[]): number {
    const { vector, bytes } = this;
    const last = shape.length - 1;
    if (vector === 1 || inputs.length > MANY_INPUTS || (last > 0 && shape[last]! % vector !== 0)) return -1;
    // A loop of one dimension with an index counts along it; with more, the index of a vector's elements would differ.
    if (this.program.usesIndex && last > 0) return -1;
    let bits = 0;
    for (let k = 0; k < strides.length; k++) {
      const walk = strides[k]!;
      const operand = k === 0 ? output : inputs[k - 1]!;
      const step = walk[last]!;
      if (k > 0 && step === 0) {
        bits |= 1 << (k - 1);
        continue;
      }
      if (step !== 1 && shape[last] !== 1) return -1;
      if (step !== 1) return -1;
      if (operand.offset % vector !== 0 || bytes[k]! * vector > VECTOR_BYTES) return -1;
      for (let dim = 0; dim < last; dim++) if (walk[dim]! % vector !== 0) return -1;
    }
    return bits;
  }
}

/** The loops in which a step along the innermost dimension takes a whole vector. */
function inVectors({ shape, strides }: Loops, vector: number): Loops {
  const last = shape.length - 1;
  return {
    shape: shape.with(last, Math.ceil(shape[last]! / vector)),
    strides: strides.map((walk) => walk.with(last, walk[last]! * vector)),
  };
}
