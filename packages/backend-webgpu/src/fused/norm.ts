import {
  collapse,
  contiguousStrides,
  DTYPE_COUNT,
  DTYPES,
  type DType,
  type FusedKernel,
  normAttributes,
  type OptionalKernels,
  sizeOf,
  type TensorOperand,
  vectorStrides,
} from '@flambeau/core/backend';
import { shaderRank } from '../elements/operands.ts';
import { dtypeAt, shaderTable } from '../elements/shaders.ts';
import { numbered } from '../elements/uniforms.ts';
import type { Queue, Shader } from '../queue/types.ts';
import { floatBits } from '../wgsl/literal.ts';
import { alongSource, INNER_RANKS, takesRows } from './norm-rows.ts';
import { launchRows, type RowPlace, type RowText, rowShader } from './rows.ts';

interface Variant {
  readonly dtype: DType;
  readonly centered: boolean;
  readonly weight: boolean;
  readonly bias: boolean;
  readonly rank: number;
  readonly innerRank: number;
}

/** The variant of a number: ranks, the dtype, and which of weight and bias are there. */
function variantOf(code: number, centered: boolean): Variant {
  const rest = Math.floor(code / 4);
  const ranks = Math.floor(rest / DTYPE_COUNT);
  return {
    dtype: dtypeAt(rest % DTYPE_COUNT),
    centered,
    weight: (code & 1) === 1,
    bias: (code & 2) === 2,
    rank: Math.floor(ranks / INNER_RANKS),
    innerRank: ranks % INNER_RANKS,
  };
}

function bodyOf(text: RowText, { centered, weight, bias, innerRank }: Variant): string {
  const { uniforms } = text;
  const inner = weight || bias ? alongSource(uniforms, innerRank) : '';
  const factor = weight ? ` * ${text.loadAt('weight', 'weight_at + along')}` : '';
  const shift = bias ? ` + ${text.loadAt('bias', 'bias_at + along')}` : '';
  const center = centered
    ? `${text.sum('whole', text.load('x'))}
  let center = whole / f32(count);`
    : 'let center = 0f;';
  const deviation = `(${text.load('x')} - center)`;
  return `${center}
  ${text.sum('squares', `${deviation} * ${deviation}`)}
  let scale = 1f / sqrt(squares / f32(count) + bitcast<f32>(${uniforms.at('eps')}));
  ${text.once(`${centered ? `${text.storeAt('mean', 'mean_at', 'center')} ` : ''}${text.storeAt('rstd', 'rstd_at', 'scale')}`)}
  ${text.each(`${inner}
    ${text.store('y', `${deviation} * scale${factor}${shift}`)}`)}`;
}

function shaderOf(variant: Variant, software: boolean): Shader {
  const { dtype, centered, weight, bias, rank, innerRank } = variant;
  const read = (name: string) => ({ name, access: 'read' as const, dtype });
  const written = (name: string, of: DType) => ({ name, access: 'read_write' as const, dtype: of });
  return rowShader({
    key: `norm ${dtype} ${centered} ${weight} ${bias} ${innerRank}`,
    rank,
    software,
    operands: [
      read('x'),
      ...(weight ? [read('weight')] : []),
      ...(bias ? [read('bias')] : []),
      written('y', dtype),
      ...(centered ? [written('mean', 'float32')] : []),
      written('rstd', 'float32'),
    ],
    words: ['eps', ...numbered('inner', innerRank), ...numbered('inner_stride', innerRank)],
    body: (text) => bodyOf(text, variant),
  });
}

/** Normalisations whose statistics are those of rows: layers, groups, instances, roots of mean squares. */
function normKernel(queue: Queue, centered: boolean): FusedKernel {
  const { software } = queue;
  const shaders = shaderTable((code) => shaderOf(variantOf(code, centered), software));
  return {
    when: (inputs, attrs) => takesRows(inputs, attrs, software),
    run(outputs, inputs, attrs) {
      const layout = normAttributes(attrs);
      const outer = layout.view.length - layout.dims.length;
      const [x, weight, bias] = [inputs.x!, inputs.weight, inputs.bias];
      const around = layout.view.slice(0, outer);
      const count = sizeOf(layout.view.slice(outer));
      const met = vectorStrides(layout);
      const inner = collapse(layout.view.slice(outer), [met.slice(outer)]);
      const ranks = shaderRank(outer) * INNER_RANKS + inner.shape.length;
      const vectors = Number(weight !== undefined) + 2 * Number(bias !== undefined);
      const shader = shaders((ranks * DTYPE_COUNT + DTYPES[x.dtype].index) * 4 + vectors);
      const rows = contiguousStrides(around);
      const whole = (operand: TensorOperand): RowPlace => ({
        operand,
        strides: rows.map((stride) => stride * count),
        step: 1,
      });
      const vector = (operand: TensorOperand): RowPlace => ({
        operand,
        strides: met.slice(0, outer),
        step: 0,
      });
      const statistic = (operand: TensorOperand): RowPlace => ({ operand, strides: rows, step: 0 });
      const places = [
        whole(x),
        ...(weight ? [vector(weight)] : []),
        ...(bias ? [vector(bias)] : []),
        whole(outputs.y!),
        ...(centered ? [statistic(outputs.mean!)] : []),
        statistic(outputs.rstd!),
      ];
      launchRows(queue, shader, around, count, places, [
        floatBits(layout.eps),
        ...inner.shape,
        ...inner.strides[0]!,
      ]);
    },
  };
}

export function normKernels(queue: Queue): OptionalKernels {
  const centered = normKernel(queue, true);
  return {
    layerNorm: centered,
    groupNorm: centered,
    instanceNorm: centered,
    rmsNorm: normKernel(queue, false),
  };
}
