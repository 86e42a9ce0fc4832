import {
  collapse,
  contiguousStrides,
  DTYPE_COUNT,
  DTYPES,
  type DType,
  type FusedKernel,
  type NormAttributes,
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
import { alongSource, INNER_RANKS, takesRows } from './norm-rows.ts';
import { partWalkOf, read, vectorGradients, written } from './norm-vectors.ts';
import { launchRows, type Operands, type RowPlace, type RowText, rowShader } from './rows.ts';

/** Defines `scale` and, with a mean, `center`: the statistics of the row. */
const statistics = (text: RowText, centered: boolean): string =>
  `let scale = ${text.loadAt('rstd', 'rstd_at')};
  let center = ${centered ? text.loadAt('mean', 'mean_at') : '0f'};`;

interface InputForm {
  readonly dtype: DType;
  readonly centered: boolean;
  readonly weight: boolean;
  readonly rank: number;
  readonly innerRank: number;
}

/** The gradient of a row of the input: `scale · (g - mean g - xhat · mean(g · xhat))`, `g` being `dy · weight`. */
function inputShader({ dtype, centered, weight, rank, innerRank }: InputForm, software: boolean): Shader {
  return rowShader({
    key: `normBackward ${dtype} ${centered} ${weight} ${innerRank}`,
    rank,
    software,
    operands: [
      read('dy', dtype),
      read('x', dtype),
      ...(weight ? [read('weight', dtype)] : []),
      ...(centered ? [read('mean', 'float32')] : []),
      read('rstd', 'float32'),
      written('dx'),
    ],
    words: [...numbered('inner', innerRank), ...numbered('inner_stride', innerRank)],
    body(text) {
      const factor = weight ? ` * ${text.loadAt('weight', 'weight_at + along')}` : '';
      const element = `${weight ? alongSource(text.uniforms, innerRank) : ''}
    let g = ${text.load('dy')}${factor};
    let xhat = (${text.load('x')} - center) * scale;`;
      return `${statistics(text, centered)}
  ${text.sums({ ...(centered ? { level: 'g' } : {}), slope: 'g * xhat' }, element)}
  let part = 1f / f32(count);
  ${text.each(`${element}
    ${text.store('dx', `scale * (g${centered ? ' - level * part' : ''} - xhat * (slope * part))`)}`)}`;
    },
  });
}

/** The gradients of normalisations over rows: a launch for the input's, and one or two for those of weight and bias. */
function gradientKernel(queue: Queue, centered: boolean): FusedKernel {
  const { software } = queue;
  const inputShaders = shaderTable((code) => {
    const rest = Math.floor(code / 2);
    const ranks = Math.floor(rest / DTYPE_COUNT);
    const [rank, innerRank] = [Math.floor(ranks / INNER_RANKS), ranks % INNER_RANKS];
    const dtype = dtypeAt(rest % DTYPE_COUNT);
    return inputShader({ dtype, centered, weight: code % 2 === 1, rank, innerRank }, software);
  });
  const runVectors = vectorGradients(queue, centered);

  const runInput = (dx: TensorOperand, { dy, x, weight, mean, rstd }: Operands, layout: NormAttributes) => {
    const outer = layout.view.length - layout.dims.length;
    const around = layout.view.slice(0, outer);
    const count = sizeOf(layout.view.slice(outer));
    const met = vectorStrides(layout);
    const inner = collapse(layout.view.slice(outer), [met.slice(outer)]);
    const ranks = shaderRank(outer) * INNER_RANKS + inner.shape.length;
    const code = (ranks * DTYPE_COUNT + DTYPES[x!.dtype].index) * 2 + Number(weight !== undefined);
    const rows = contiguousStrides(around);
    const whole = (operand: TensorOperand): RowPlace => ({
      operand,
      strides: rows.map((stride) => stride * count),
      step: 1,
    });
    const places = [
      whole(dy!),
      whole(x!),
      ...(weight ? [{ operand: weight, strides: met.slice(0, outer), step: 0 }] : []),
      ...[mean, rstd].flatMap((operand) => (operand ? [{ operand, strides: rows, step: 0 }] : [])),
      whole(dx),
    ];
    const words = [...inner.shape, ...inner.strides[0]!];
    launchRows(queue, inputShaders(code), around, count, places, words);
  };

  return {
    when: (inputs, attrs) =>
      takesRows(inputs, attrs, software) && partWalkOf(normAttributes(attrs), software) !== null,
    run({ dx, dweight, dbias }, inputs, attrs) {
      const layout = normAttributes(attrs);
      runInput(dx!, inputs, layout);
      // `when` has seen that there is one.
      runVectors([dweight!, dbias!], inputs, partWalkOf(layout, software)!);
    },
  };
}

export function normGradientKernels(queue: Queue): OptionalKernels {
  const centered = gradientKernel(queue, true);
  return {
    layerNormBackward: centered,
    groupNormBackward: centered,
    instanceNormBackward: centered,
    rmsNormBackward: gradientKernel(queue, false),
  };
}
