import type { Program } from '../expr/program.ts';
import type { Tensor } from '../graph/tensor.ts';
import { broadcastStrides, collapse, sameShape, sizeOf } from '../shape.ts';
import type { Operand, Parameters } from '../storage/contract.ts';
import { flatOperand, isUniform, operandWith } from './operands.ts';
import { kernelsOf } from './seams.ts';

const REPEATED = [0];

/**
 * Runs a program over the elements of `output`. Operands that lie in row-major order, or repeat one element, are
 * walked flat; all else with the fewest dimensions that serve every operand.
 */
export function launchPointwise(
  program: Program,
  output: Tensor,
  inputs: readonly Tensor[],
  parameters: Parameters,
): void {
  if (sizeOf(output.shape) === 0) return;
  if (!program.usesIndex && output.rowMajor && allWalkFlat(inputs, output.shape)) {
    launchFlat(program, output, inputs, parameters);
    return;
  }
  const kernels = kernelsOf(output.storage.entry);
  const strides = inputs.map((x) => broadcastStrides(x.shape, x.strides, output.shape));
  if (program.usesIndex) {
    const operands = inputs.map((x, i) => operandWith(x, strides[i]!));
    kernels.pointwise(program, output.shape, operandWith(output, output.strides), operands, parameters);
    return;
  }
  const nest = collapse(output.shape, [output.strides, ...strides]);
  const operands = inputs.map((x, i) => operandWith(x, nest.strides[i + 1]!));
  kernels.pointwise(program, nest.shape, operandWith(output, nest.strides[0]!), operands, parameters);
}

/** The shape of a tensor laid flat. */
const flatShape = ({ shape }: Tensor, size: number): readonly number[] =>
  shape.length === 1 ? shape : [size];

function allWalkFlat(inputs: readonly Tensor[], shape: readonly number[]): boolean {
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i]!;
    if (!(x.rowMajor && sameShape(x.shape, shape)) && !isUniform(x)) return false;
  }
  return true;
}

/** Runs a program over tensors that lie in row-major order in the output's shape, or repeat one value. */
export function launchFlat(
  program: Program,
  output: Tensor,
  inputs: readonly Tensor[],
  parameters: Parameters = NO_PARAMETERS,
): void {
  const size = sizeOf(output.shape);
  if (size === 0) return;
  const operands = new Array<Operand>(inputs.length);
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i]!;
    operands[i] = x.rowMajor && sizeOf(x.shape) === size ? flatOperand(x) : operandWith(x, REPEATED);
  }
  kernelsOf(output.storage.entry).pointwise(
    program,
    flatShape(output, size),
    flatOperand(output),
    operands,
    parameters,
  );
}

const NO_PARAMETERS: Parameters = [];
