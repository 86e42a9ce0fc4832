import {
  BackendError,
  type FusedKernel,
  isContiguous,
  sizeOf,
  type TensorOperand,
} from '@flambeau/core/backend';
import { bigintsOf, numbersOf } from '../allocation.ts';
import { type Attrs, heapKernel, type Operands, uniform } from './operands.ts';
import type { RowKernels } from './rows.ts';

/** The classes of all rows, checked; -1 for one that counts nothing. */
function classesOf(target: TensorOperand, classes: number, ignoreIndex: number): Int32Array {
  const rows = sizeOf(target.shape);
  const step = target.strides[0] ?? 0;
  const source = target.dtype === 'int64' ? bigintsOf(target) : numbersOf(target);
  const result = new Int32Array(rows);
  for (let i = 0; i < rows; i++) {
    const value = Number(source[target.offset + i * step]!);
    if (value === ignoreIndex) {
      result[i] = -1;
    } else if (value >= 0 && value < classes) {
      result[i] = value;
    } else {
      throw new BackendError(`crossEntropy: index ${value} is out of range for size ${classes}`, {
        op: 'crossEntropy',
        data: { index: value, size: classes },
      });
    }
  }
  return result;
}

/** Cross entropy with class indices: log-softmax along rows, of which one element each makes the loss. */
export function crossEntropyKernel(kernels: RowKernels): FusedKernel {
  const takes = ({ input, target, weight }: Operands): boolean =>
    uniform([input, weight], ['float32', 'float64']) &&
    input!.shape.length <= 2 &&
    isContiguous(input!.shape, input!.strides) &&
    ['int64', 'int32'].includes(target!.dtype) &&
    !target!.shape.includes(0);
  const run = (
    { loss, logs, total }: Readonly<Record<string, TensorOperand>>,
    { input, target, weight }: Operands,
    { ignoreIndex, reduction }: Attrs,
  ): void => {
    const classes = input!.shape.at(-1)!;
    const rows = sizeOf(input!.shape) / classes;
    const picked = classesOf(target!, classes, ignoreIndex as number);
    kernels.run('logSoftmax', rows, classes, { moving: [input!, logs!] }, 0.9);
    const values = numbersOf(logs!);
    const losses = numbersOf(loss!);
    const weights = weight === undefined ? null : numbersOf(weight);
    let sum = 0;
    let counted = 0;
    for (let i = 0; i < rows; i++) {
      const own = picked[i]!;
      const share = own < 0 ? 0 : weights === null ? 1 : weights[weight!.offset + own * weight!.strides[0]!]!;
      const value = own < 0 ? 0 : -values[logs!.offset + i * classes + own]! * share;
      if (reduction === 'none') losses[loss!.offset + i] = value;
      sum += value;
      counted += share;
    }
    if (reduction !== 'none') losses[loss!.offset] = reduction === 'mean' ? sum / counted : sum;
    numbersOf(total!)[total!.offset] = counted;
  };
  return heapKernel(kernels.pool.heap, 'crossEntropy', takes, run);
}
