import {
  DTYPE_COUNT,
  DTYPES,
  type FusedKernel,
  type OptionalKernels,
  sizeOf,
  type TensorOperand,
} from '@flambeau/core/backend';
import { shaderRank } from '../elements/operands.ts';
import { dtypeAt, shaderTable } from '../elements/shaders.ts';
import type { Queue } from '../queue/types.ts';
import { areAlike, areEnough, launchRows, type RowPlace, type RowText, rowShader } from './rows.ts';

/** Names of the inputs and the output, as core declares the operator, and the body for a row. */
interface Kind {
  readonly inputs: readonly string[];
  readonly output: string;
  body(text: RowText): string;
}

const shifted = (text: RowText): string => `${text.load('x')} - top`;

const head = (text: RowText): string => `${text.max('top', text.load('x'))}
  ${text.sum('total', text.library.call('float_exp', shifted(text)))}`;

const KINDS: Readonly<Record<string, Kind>> = {
  softmax: {
    inputs: ['x'],
    output: 'y',
    body: (text) => `${head(text)}
  ${text.each(text.store('y', `${text.library.call('float_exp', shifted(text))} / total`))}`,
  },
  logSoftmax: {
    inputs: ['x'],
    output: 'y',
    body: (text) => `${head(text)}
  let level = ${text.library.call('float_log', 'total')};
  ${text.each(text.store('y', `${shifted(text)} - level`))}`,
  },
  softmaxBackward: {
    inputs: ['dy', 'y'],
    output: 'dx',
    body: (text) => `${text.sum('total', `${text.load('dy')} * ${text.load('y')}`)}
  ${text.each(text.store('dx', `${text.load('y')} * (${text.load('dy')} - total)`))}`,
  },
  logSoftmaxBackward: {
    inputs: ['dy', 'y'],
    output: 'dx',
    body: (text) => `${text.sum('total', text.load('dy'))}
  ${text.each(text.store('dx', `${text.load('dy')} - ${text.library.call('float_exp', text.load('y'))} * total`))}`,
  },
};

const without = (list: readonly number[], dim: number): number[] => list.filter((_, i) => i !== dim);

function kernelOf(queue: Queue, name: string, { inputs: names, output, body }: Kind): FusedKernel {
  const { software } = queue;
  const shaders = shaderTable((code) => {
    const dtype = dtypeAt(code % DTYPE_COUNT);
    const operands = [
      ...names.map((input) => ({ name: input, access: 'read' as const, dtype })),
      { name: output, access: 'read_write' as const, dtype },
    ];
    const rank = Math.floor(code / DTYPE_COUNT);
    return rowShader({ key: `${name} ${dtype}`, rank, software, operands, body });
  });
  return {
    when(inputs, attrs) {
      const { shape } = inputs[names[0]!]!;
      // Core gives a dimension from the front.
      const count = shape[attrs.dim as number];
      return count !== undefined && areAlike(inputs) && areEnough(sizeOf(shape) / count, count, software);
    },
    run(outputs, inputs, attrs) {
      const dim = attrs.dim as number;
      const y = outputs[output]!;
      const place = (operand: TensorOperand): RowPlace => ({
        operand,
        strides: without(operand.strides, dim),
        step: operand.strides[dim]!,
      });
      const around = without(y.shape, dim);
      const shader = shaders(shaderRank(around.length) * DTYPE_COUNT + DTYPES[y.dtype].index);
      launchRows(queue, shader, around, y.shape[dim]!, [
        ...names.map((input) => place(inputs[input]!)),
        place(y),
      ]);
    },
  };
}

/** Softmax and its logarithm along any dimension, and their gradients, each in one launch. */
export const softmaxKernels = (queue: Queue): OptionalKernels =>
  Object.fromEntries(Object.entries(KINDS).map(([name, kind]) => [name, kernelOf(queue, name, kind)]));
