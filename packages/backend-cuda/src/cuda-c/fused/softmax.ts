import type { KernelSource } from '../../launch.ts';
import { accumulatorDType } from '../combine.ts';
import { Preamble } from '../preamble.ts';
import { stored, storedType } from '../types.ts';
import { type RowText, type RowVariant, rowEntry, wideLoad } from './rows.ts';

export type SoftmaxKind = 'softmax' | 'logSoftmax' | 'softmaxBackward' | 'logSoftmaxBackward';

/** Softmax along rows, its logarithm, and their gradients, each in one reading of the row. */
export function softmaxSource(kind: SoftmaxKind, variant: RowVariant): KernelSource {
  const { dtype, rank, wide, cached } = variant;
  return {
    key: `${kind} ${dtype} ${rank} ${wide} ${cached}`,
    entry: kind,
    source: () =>
      kind === 'softmax' || kind === 'logSoftmax' ? forwardText(kind, variant) : backwardText(kind, variant),
  };
}

/** The functions of doubles have no suffix. */
const suffixOf = ({ dtype }: RowVariant): string => (accumulatorDType(dtype) === 'float64' ? '' : 'f');

function forwardText(kind: 'softmax' | 'logSoftmax', variant: RowVariant): string {
  const { dtype } = variant;
  const preamble = new Preamble();
  const cell = storedType(dtype);
  const f = suffixOf(variant);
  preamble.use(f === 'f' ? 'maxF' : 'maxD');
  const max = f === 'f' ? 'maxF' : 'maxD';
  const value = kind === 'softmax' ? `exp${f}(x - top) / total` : 'x - top - total';
  const store = stored(preamble, dtype, value);
  const cache = wideLoad(preamble, dtype, 'in[i * step]');
  return rowEntry(kind, variant, preamble, {
    parameters: [`${cell}* out`, `const ${cell}* in`, `${variant.wide ? 'long long' : 'int'} step`],
    operands: ['in'],
    cache,
    body: (text: RowText) => `out += (long long)row * count;
${text.type} top = -(${text.type})(1.0 / 0.0), total = 0;
${text.each(`top = ${max}(top, x);`)}
top = ${text.combine('top', `${max}(a, b)`)};
${text.each(`total += exp${f}(x - top);`)}
total = ${text.combine('total', 'a + b')};
${kind === 'logSoftmax' ? `total = log${f}(total);` : ''}
${text.each(`out[i] = ${store};`)}`,
  });
}

function backwardText(kind: 'softmaxBackward' | 'logSoftmaxBackward', variant: RowVariant): string {
  const { dtype } = variant;
  const preamble = new Preamble();
  const cell = storedType(dtype);
  const f = suffixOf(variant);
  const y = wideLoad(preamble, dtype, 'y[i * yStep]');
  const plain = kind === 'softmaxBackward';
  const store = stored(preamble, dtype, plain ? `${y} * (x - total)` : `x - exp${f}(${y}) * total`);
  const index = variant.wide ? 'long long' : 'int';
  return rowEntry(kind, variant, preamble, {
    parameters: [`${cell}* dx`, `const ${cell}* dy`, `const ${cell}* y`, `${index} step`, `${index} yStep`],
    operands: ['dy', 'y'],
    cache: wideLoad(preamble, dtype, 'dy[i * step]'),
    body: (text) => `dx += (long long)row * count;
${text.type} total = 0;
${text.each(plain ? `total += x * ${y};` : 'total += x;')}
total = ${text.combine('total', 'a + b')};
${text.each(`dx[i] = ${store};`)}`,
  });
}
