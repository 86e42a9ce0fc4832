import {
  byteLengthOf,
  DTYPES,
  type DType,
  type FusedKernel,
  isFloating,
  type TensorOperand,
} from '@flambeau/core/backend';
import { accumulatorDType } from '../../cuda-c/combine.ts';
import { crossEntropySource, lossSource } from '../../cuda-c/fused/cross-entropy.ts';
import type { CudaAllocation } from '../../launch.ts';
import { type Context, Variants } from '../context.ts';
import { pointerTo, writeCount, writeNest } from '../loops.ts';
import { isEmpty, launchRows, type Rows, rowNumber, rowsOf } from './support.ts';

/**
 * Cross entropy with class indices: log-softmax and the losses in one launch, their mean or sum in a second. Losses
 * that are wanted one by one are left to the parts.
 */
export function crossEntropyKernel(context: Context): FusedKernel {
  const { launch } = context;
  const rowKernels = new Variants(launch);
  const lossKernels = new Variants(launch);

  const toLoss = (
    loss: TensorOperand,
    total: TensorOperand,
    dtype: DType,
    mean: boolean,
    rows: number,
    losses: CudaAllocation,
    weights: CudaAllocation,
  ): void => {
    const number = DTYPES[dtype].index * 2 + (mean ? 1 : 0);
    const kernel = lossKernels.get(number, () => lossSource(dtype, mean));
    const args = launch.arguments.reset();
    pointerTo(args, loss, byteLengthOf(dtype));
    pointerTo(args, total, byteLengthOf(total.dtype)).pointer(losses, 0).pointer(weights, 0).i64(rows);
    launch.launch(kernel, [1, 1, 1], [256, 1, 1], 0, args);
  };

  const toRows = (
    logs: TensorOperand,
    { input, target, weight }: Given,
    rows: Rows,
    losses: CudaAllocation,
    weights: CudaAllocation,
    ignored: number,
  ): void => {
    const index = target.dtype === 'int64' ? 'int64' : 'int32';
    const variant = { ...rows.variant, target: index, weight: weight !== undefined } as const;
    const number = (rowNumber(rows.variant) * 2 + (index === 'int64' ? 1 : 0)) * 2 + (weight ? 1 : 0);
    const kernel = rowKernels.get(number, () => crossEntropySource(variant));
    const bytes = byteLengthOf(input.dtype);
    const { wide } = variant;
    const args = launch.arguments.reset();
    pointerTo(args, logs, bytes).pointer(losses, 0).pointer(weights, 0);
    pointerTo(args, input, bytes);
    pointerTo(args, target, byteLengthOf(index));
    pointerTo(args, weight ?? input, bytes).pointer(launch.fault, 0);
    writeCount(args, input.strides.at(-1)!, wide);
    writeCount(args, weight?.strides[0] ?? 0, wide).i64(ignored);
    writeCount(args, rows.rows, wide);
    writeCount(args, rows.count, wide);
    writeNest(args, rows.loops, variant.rank, wide);
    launchRows(launch, kernel, rows);
  };

  return {
    when: ({ input, target, weight }, { reduction }) =>
      isFloating(input!.dtype) &&
      !isEmpty(input!) &&
      input!.shape.length === 2 &&
      (target!.dtype === 'int32' || target!.dtype === 'int64') &&
      (weight === undefined || weight.dtype === input!.dtype) &&
      reduction !== 'none',
    run(outputs, inputs, { ignoreIndex, reduction }) {
      const { input, target } = inputs as { input: TensorOperand; target: TensorOperand };
      const given: Given = { input, target, weight: inputs.weight };
      const classes = { ...target, shape: input.shape, strides: [target.strides[0]!, 0] };
      const rows = rowsOf(context, input.shape, [input, classes]);
      const bytes = byteLengthOf(accumulatorDType(input.dtype));
      const [losses, weights] = [launch.workspace(rows.rows * bytes), launch.workspace(rows.rows * bytes)];
      toRows(outputs.logs!, given, rows, losses, weights, Number(ignoreIndex));
      toLoss(outputs.loss!, outputs.total!, input.dtype, reduction === 'mean', rows.rows, losses, weights);
      launch.release(losses);
      launch.release(weights);
    },
  };
}

interface Given {
  readonly input: TensorOperand;
  readonly target: TensorOperand;
  readonly weight: TensorOperand | undefined;
}
