import {
  byteLengthOf,
  collapse,
  contiguousStrides,
  DTYPE_COUNT,
  DTYPES,
  type DType,
  type FusedKernel,
  isFloating,
  sizeOf,
  type TensorOperand,
} from '@flambeau/core/backend';
import { own } from '../bound-buffers.ts';
import { shaderRank } from '../elements/operands.ts';
import { dtypeAt, shaderTable } from '../elements/shaders.ts';
import type { Multiply } from '../matmul/matmul.ts';
import type { Queue, Shader } from '../queue/types.ts';
import { floatBits } from '../wgsl/literal.ts';
import { MASKS, type MaskKind, maskDType, maskKind, takesMask } from './attention-form.ts';
import { type Matrices, met } from './attention-operands.ts';
import { areEnough, launchRows, type Operands, type RowOperand, type RowText, rowShader } from './rows.ts';

/** The score `i` of a row: -Infinity where a mask says that it may not be seen. */
function scoreOf(text: RowText, mask: MaskKind): string {
  const scaled = `${text.load('scores')} * bitcast<f32>(${text.uniforms.at('scale')})`;
  switch (mask) {
    case 'none':
    case 'causal':
      return scaled;
    case 'truths':
      return `select(${text.library.call('from_bits', '0xff800000u')}, ${scaled}, ${text.load('mask')})`;
    case 'scores':
      return `${scaled} + ${text.load('mask')}`;
  }
}

function bodyOf(text: RowText, mask: MaskKind, rank: number): string {
  const score = scoreOf(text, mask);
  const weight = text.library.call('float_exp', `${score} - level`);
  // A row that may see nothing gives zeros.
  const seen = `${text.max('top', score)}
  let level = select(top, 0f, bitcast<u32>(top) == 0xff800000u);
  ${text.sum('total', weight)}
  let part = select(1f / total, 0f, total == 0f);
  ${text.each(text.store('y', `${weight} * part`))}`;
  if (mask !== 'causal') return seen;
  const query = `c${rank - 1}`;
  return `let keys = count;
  {
  let count = min(keys, ${query} + 1u);
  ${seen}
  }
  ${text.each(`if (i > ${query}) { ${text.store('y', '0f')} }`)}`;
}

function weightsShader(dtype: DType, mask: MaskKind, rank: number, software: boolean): Shader {
  const seen = maskDType(mask, dtype);
  const masked: readonly RowOperand[] = seen === null ? [] : [{ name: 'mask', access: 'read', dtype: seen }];
  return rowShader({
    key: `attentionWeights ${dtype} ${mask}`,
    rank,
    software,
    operands: [
      { name: 'scores', access: 'read', dtype },
      ...masked,
      { name: 'y', access: 'read_write', dtype },
    ],
    words: ['scale'],
    body: (text) => bodyOf(text, mask, rank),
  });
}

/**
 * The weights of attention in two launches: a product, and the softmax of its rows, scaled and masked. It takes floats of
 * one dtype, any strides, and a mask of truths or of that dtype, where rows are no longer than softmax takes.
 */
export function attentionWeightsKernel(queue: Queue, multiply: Multiply): FusedKernel {
  const { software } = queue;
  const shaders = shaderTable((code) => {
    const rest = Math.floor(code / MASKS.length);
    const [dtype, rank] = [dtypeAt(rest % DTYPE_COUNT), Math.floor(rest / DTYPE_COUNT)];
    return weightsShader(dtype, MASKS[code % MASKS.length]!, rank, software);
  });
  const product = (query: TensorOperand, key: TensorOperand, scores: TensorOperand): void => {
    const batch = scores.shape.slice(0, -2);
    const [m, n] = scores.shape.slice(-2) as [number, number];
    const [a, b, y] = [query, key, scores].map((x) => met(x, batch)) as [Matrices, Matrices, Matrices];
    const nest = collapse(
      batch,
      [a, b, y].map(({ around }) => around),
    );
    multiply({
      size: { batch: nest.shape, m, k: query.shape.at(-1)!, n },
      output: { ...scores, strides: [...nest.strides[2]!, y.row, y.step] },
      a: { ...query, strides: [...nest.strides[0]!, a.row, a.step] },
      b: { ...key, strides: [...nest.strides[1]!, b.step, b.row] },
    });
  };
  return {
    when({ query, key, attnMask }: Operands) {
      const { dtype } = query!;
      const keys = key!.shape.at(-2)!;
      return (
        isFloating(dtype) &&
        key!.dtype === dtype &&
        takesMask(attnMask, dtype) &&
        [query!, key!].every(({ shape }) => sizeOf(shape) > 0) &&
        areEnough(sizeOf(query!.shape.slice(0, -1)), keys, software)
      );
    },
    run({ y }, inputs, attrs) {
      const { query, key, attnMask } = inputs;
      const { dtype, shape } = y!;
      const byteLength = Math.ceil((sizeOf(shape) * byteLengthOf(dtype)) / 4) * 4;
      const scores = { ...y!, offset: 0, allocation: queue.workspace(byteLength) };
      product(query!, key!, scores);
      const around = shape.slice(0, -1);
      const mask = maskKind(inputs, attrs);
      const code = (shaderRank(around.length) * DTYPE_COUNT + DTYPES[dtype].index) * MASKS.length;
      const rows = contiguousStrides(shape).slice(0, -1);
      const seen = attnMask && met(attnMask, shape.slice(0, -2));
      launchRows(
        queue,
        shaders(code + MASKS.indexOf(mask)),
        around,
        shape.at(-1)!,
        [
          { operand: scores, strides: rows, step: 1 },
          ...(seen ? [{ operand: seen.operand, strides: [...seen.around, seen.row], step: seen.step }] : []),
          { operand: y!, strides: rows, step: 1 },
        ],
        // Core declares the operator: it gives a number.
        [floatBits(attrs.scale as number)],
      );
      queue.release(own(scores));
    },
  };
}
