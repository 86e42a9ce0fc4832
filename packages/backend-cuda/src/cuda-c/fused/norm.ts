import type { KernelSource } from '../../launch.ts';
import { accumulatorDType, accumulatorType } from '../combine.ts';
import { NestSource } from '../nest.ts';
import { Preamble } from '../preamble.ts';
import { stored, storedType } from '../types.ts';
import { type RowVariant, rowEntry, wideLoad } from './rows.ts';

export interface NormVariant extends RowVariant {
  /** Subtracts the mean; without it the mean of squares is that about zero. */
  readonly centered: boolean;
  readonly weight: boolean;
  readonly bias: boolean;
  /** Rank class of the dimensions within a row. */
  readonly innerRank: number;
}

/**
 * Normalisation of rows by their own statistics: `y = (x - mean) · rstd · weight + bias`, with mean and rstd written
 * for the gradient. Weight and bias have strides both along rows and within them.
 */
export function normSource(variant: NormVariant): KernelSource {
  const { dtype, rank, wide, cached, centered, weight, bias, innerRank } = variant;
  return {
    key: `norm ${dtype} ${rank} ${innerRank} ${wide} ${cached} ${centered} ${weight} ${bias}`,
    entry: 'norm',
    source: () => textOf(variant),
  };
}

function textOf(variant: NormVariant): string {
  const { dtype, centered, weight, bias } = variant;
  const preamble = new Preamble();
  const cell = storedType(dtype);
  const type = accumulatorType(dtype);
  const f = accumulatorDType(dtype) === 'float64' ? '' : 'f';
  const inner = new NestSource('r', variant.innerRank, ['w'], variant);
  const factors = `${weight ? ` * ${wideLoad(preamble, dtype, 'weight[at]')}` : ''}${bias ? ` + ${wideLoad(preamble, dtype, 'bias[at]')}` : ''}`;
  const store = stored(preamble, dtype, `(x - center) * scale${factors}`);
  const affine = weight || bias;
  return rowEntry('norm', variant, preamble, {
    parameters: [
      `${cell}* y`,
      ...(centered ? [`${type}* mean`] : []),
      `${type}* rstd`,
      `const ${cell}* x0`,
      `const ${cell}* weight`,
      `const ${cell}* bias`,
      `${type} eps`,
      ...inner.parameters,
    ],
    operands: ['weight', 'bias'],
    cache: wideLoad(preamble, dtype, 'x0[(long long)row * count + i]'),
    body: (text) => `y += (long long)row * count;
${type} total = 0, center = 0;
${centered ? `${text.each('total += x;')}\ncenter = ${text.combine('total', 'a + b')} / count; total = 0;` : ''}
${text.each(`const ${type} d = x - center; total += d * d;`)}
total = ${text.combine('total', 'a + b')};
const ${type} scale = 1 / sqrt${f}(total / count + eps);
if (threadIdx.x == 0) { ${centered ? 'mean[row] = center; ' : ''}rstd[row] = scale; }
${text.each(`${affine ? `${inner.decode('i')} const ${text.index} at = ${inner.offset('w')};` : ''}
y[i] = ${store};`)}`,
  });
}
