import {
  DTYPES,
  type DType,
  type FusedKernel,
  isFloating,
  sizeOf,
  type TensorOperand,
} from '@flambeau/core/backend';
import { dtypeAt, shaderTable } from '../elements/shaders.ts';
import type { GpuAllocation } from '../memory/allocation.ts';
import type { Queue, Shader } from '../queue/types.ts';
import { areEnough, launchRows, type RowPlace, type RowText, rowShader } from './rows.ts';

/** Log-softmax of a row, the loss of its class and that class's weight; a row whose class is ignored counts nothing. */
function rowBody(text: RowText, weighted: boolean): string {
  const { uniforms, library } = text;
  const ofClass = (name: string): string =>
    text.loadAt(name, `${name}_at + u32(picked) * ${uniforms.at(`${name}_step`)}`);
  const shifted = `${text.load('input')} - top`;
  return `${text.max('top', text.load('input'))}
  ${text.sum('total', library.call('float_exp', shifted))}
  let level = ${library.call('float_log', 'total')};
  ${text.each(text.store('logs', `${shifted} - level`))}
  ${text.once(`let picked = ${text.loadAt('classes', 'classes_at')};
    var share = 0f;
    var loss = 0f;
    if (picked != bitcast<i32>(${uniforms.at('ignored')})) {
      if (picked < 0 || u32(picked) >= count) {
        report_fault(${uniforms.at('fault')}, picked);
      } else {
        share = ${weighted ? ofClass('weight') : '1f'};
        loss = -share * (${ofClass('input')} - top - level);
      }
    }
    ${text.storeAt('losses', 'losses_at', 'loss')}
    ${text.storeAt('shares', 'shares_at', 'share')}`)}`;
}

function rowsShader(dtype: DType, weighted: boolean, software: boolean): Shader {
  const read = (name: string, of: DType) => ({ name, access: 'read' as const, dtype: of });
  const written = (name: string, of: DType) => ({ name, access: 'read_write' as const, dtype: of });
  return rowShader({
    key: `crossEntropy ${dtype} ${weighted}`,
    rank: 1,
    software,
    operands: [
      read('input', dtype),
      read('classes', 'int32'),
      ...(weighted ? [read('weight', dtype)] : []),
      written('logs', dtype),
      written('losses', 'float32'),
      written('shares', 'float32'),
    ],
    faults: true,
    words: ['ignored'],
    body: (text) => rowBody(text, weighted),
  });
}

/** The sum of the losses, over that of the weights where a mean is asked for, and the sum of the weights. */
const lossShader = (dtype: DType, mean: boolean, software: boolean): Shader =>
  rowShader({
    key: `crossEntropyLoss ${dtype} ${mean}`,
    rank: 0,
    software,
    operands: [
      { name: 'losses', access: 'read', dtype: 'float32' },
      { name: 'shares', access: 'read', dtype: 'float32' },
      { name: 'loss', access: 'read_write', dtype },
      { name: 'total', access: 'read_write', dtype: 'float32' },
    ],
    body: (text) => `${text.sum('whole', text.load('losses'))}
  ${text.sum('all', text.load('shares'))}
  ${text.once(`${text.storeAt('loss', 'loss_at', mean ? 'whole / all' : 'whole')}
    ${text.storeAt('total', 'total_at', 'all')}`)}`,
  });

/** Rows up to which one invocation adds the losses up. */
const MOST_ROWS = 2 ** 16;
const INT32 = 2 ** 31;

/** Cross entropy with classes of `[batch, classes]`: one launch for the rows, one for their mean or sum. */
export function crossEntropyKernel(queue: Queue): FusedKernel {
  const { software } = queue;
  const rowShaders = shaderTable((code) => rowsShader(dtypeAt(code >> 1), (code & 1) === 1, software));
  const lossShaders = shaderTable((code) => lossShader(dtypeAt(code >> 1), (code & 1) === 1, software));
  return {
    when({ input, target, weight }, { reduction, ignoreIndex }) {
      const { shape, dtype } = input!;
      const [rows, count] = shape;
      return (
        reduction !== 'none' &&
        shape.length === 2 &&
        isFloating(dtype) &&
        sizeOf(shape) > 0 &&
        target!.dtype === 'int32' &&
        (weight === undefined || weight.dtype === dtype) &&
        Math.abs(Number(ignoreIndex)) < INT32 &&
        rows! <= MOST_ROWS &&
        areEnough(rows!, count!, software)
      );
    },
    run({ loss, logs, total }, inputs, { ignoreIndex, reduction }) {
      const { input, target } = inputs as { input: TensorOperand; target: TensorOperand };
      const { weight } = inputs;
      const [rows, count] = input.shape as [number, number];
      const dtype = DTYPES[input.dtype].index;
      const [losses, shares] = [queue.workspace(rows * 4), queue.workspace(rows * 4)];
      const ofRows = (operand: TensorOperand): RowPlace => ({
        operand,
        strides: [operand.strides[0]!],
        step: operand.strides[1] ?? 0,
      });
      const column = (allocation: GpuAllocation): TensorOperand => ({
        allocation,
        dtype: 'float32',
        offset: 0,
        shape: [rows],
        strides: [1],
      });
      const weighted = weight !== undefined;
      launchRows(
        queue,
        rowShaders(dtype * 2 + Number(weighted)),
        [rows],
        count,
        [
          ofRows(input),
          ofRows(target),
          ...(weighted ? [{ operand: weight, strides: [0], step: weight.strides[0]! }] : []),
          ofRows(logs!),
          ofRows(column(losses)),
          ofRows(column(shares)),
        ],
        [queue.faultSite('crossEntropy', count), Number(ignoreIndex)],
        true,
      );
      const mean = reduction === 'mean';
      const along = (operand: TensorOperand): RowPlace => ({ operand, strides: [], step: 1 });
      launchRows(queue, lossShaders(dtype * 2 + Number(mean)), [], rows, [
        along(column(losses)),
        along(column(shares)),
        along(loss!),
        along(total!),
      ]);
      queue.release(losses);
      queue.release(shares);
    },
  };
}
