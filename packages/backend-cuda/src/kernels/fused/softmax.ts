import { byteLengthOf, type FusedKernel, type TensorOperand } from '@flambeau/core/backend';
import { type SoftmaxKind, softmaxSource } from '../../cuda-c/fused/softmax.ts';
import { type Context, Variants } from '../context.ts';
import { pointerTo, writeCount, writeNest } from '../loops.ts';
import { areFloating, launchRows, rowNumber, rowsOf } from './support.ts';

/** Softmax and its relatives along the last dimension; along another the parts are as fast. */
function softmaxKernel(
  context: Context,
  kind: SoftmaxKind,
  input: string,
  output: string,
  other: string | null,
): FusedKernel {
  const { launch } = context;
  const variants = new Variants(launch);
  return {
    when: (inputs, { dim }) => {
      const { shape } = inputs[input]!;
      return areFloating(inputs) && shape.length > 0 && dim === shape.length - 1;
    },
    run(outputs, inputs) {
      const y = outputs[output]!;
      const operands = [inputs[input]!, ...(other === null ? [] : [inputs[other]!])] as TensorOperand[];
      const rows = rowsOf(context, y.shape, operands);
      const { variant } = rows;
      const kernel = variants.get(rowNumber(variant), () => softmaxSource(kind, variant));
      const bytes = byteLengthOf(y.dtype);
      const args = launch.arguments.reset();
      for (const operand of [y, ...operands]) pointerTo(args, operand, bytes);
      for (const operand of operands) writeCount(args, operand.strides.at(-1)!, variant.wide);
      writeCount(args, rows.rows, variant.wide);
      writeCount(args, rows.count, variant.wide);
      writeNest(args, rows.loops, variant.rank, variant.wide);
      launchRows(launch, kernel, rows);
    },
  };
}

export const softmaxKernels = (context: Context): Readonly<Record<SoftmaxKind, FusedKernel>> => ({
  softmax: softmaxKernel(context, 'softmax', 'x', 'y', null),
  logSoftmax: softmaxKernel(context, 'logSoftmax', 'x', 'y', null),
  softmaxBackward: softmaxKernel(context, 'softmaxBackward', 'dy', 'dx', 'y'),
  logSoftmaxBackward: softmaxKernel(context, 'logSoftmaxBackward', 'dy', 'dx', 'y'),
});
