import { faultCode } from '../../fault.ts';
import type { KernelSource } from '../../launch.ts';
import { accumulatorDType, accumulatorType } from '../combine.ts';
import { entrySource } from '../entry.ts';
import type { IndexDType } from '../indexed.ts';
import { Preamble } from '../preamble.ts';
import { stored, storedType } from '../types.ts';
import { type RowVariant, rowEntry, wideLoad } from './rows.ts';

export interface CrossEntropyVariant extends RowVariant {
  readonly target: IndexDType;
  readonly weight: boolean;
}

/** Log-softmax of each row, and the loss and the weight of its class; a row whose class is ignored counts nothing. */
export function crossEntropySource(variant: CrossEntropyVariant): KernelSource {
  const { dtype, rank, wide, cached, target, weight } = variant;
  return {
    key: `crossEntropy ${dtype} ${rank} ${wide} ${cached} ${target} ${weight}`,
    entry: 'crossEntropy',
    source: () => textOf(variant),
  };
}

function textOf(variant: CrossEntropyVariant): string {
  const { dtype, target, weight } = variant;
  const preamble = new Preamble();
  const cell = storedType(dtype);
  const type = accumulatorType(dtype);
  const double = accumulatorDType(dtype) === 'float64';
  const f = double ? '' : 'f';
  const max = double ? 'maxD' : 'maxF';
  preamble.use(max);
  const index = variant.wide ? 'long long' : 'int';
  const raise = preamble.call('raise', 'fault', String(faultCode('crossEntropy')), 'place', 'count');
  const store = stored(preamble, dtype, 'x - top - total');
  return rowEntry('crossEntropy', variant, preamble, {
    parameters: [
      `${cell}* logs`,
      `${type}* losses`,
      `${type}* weights`,
      `const ${cell}* in`,
      `const ${storedType(target)}* target`,
      `const ${cell}* weight`,
      'int* fault',
      `${index} step`,
      `${index} weightStep`,
      'long long ignored',
    ],
    operands: ['in', 'target'],
    cache: wideLoad(preamble, dtype, 'in[i * step]'),
    body: (text) => `logs += (long long)row * count;
${type} top = -(${type})(1.0 / 0.0), total = 0;
${text.each(`top = ${max}(top, x);`)}
top = ${text.combine('top', `${max}(a, b)`)};
${text.each(`total += exp${f}(x - top);`)}
total = log${f}(${text.combine('total', 'a + b')});
${text.each(`logs[i] = ${store};`)}
if (threadIdx.x == 0) {
const long long place = target[0];
${type} own = 0, loss = 0;
if (place != ignored) {
if (place < 0 || place >= count) ${raise};
else {
own = ${weight ? wideLoad(preamble, dtype, 'weight[place * weightStep]') : '1'};
loss = -own * (${wideLoad(preamble, dtype, 'in[place * step]')} - top - total);
}
}
losses[row] = loss; weights[row] = own;
}`,
  });
}

/** The sum of the rows' losses, divided by that of their weights where a mean is asked for, and the sum of the weights: one block. */
export function lossSource(dtype: RowVariant['dtype'], mean: boolean): KernelSource {
  return {
    key: `crossEntropyLoss ${dtype} ${mean}`,
    entry: 'crossEntropyLoss',
    source: () => {
      const preamble = new Preamble();
      const type = accumulatorType(dtype);
      const store = stored(preamble, dtype, mean ? 'sums[0] / shares[0]' : 'sums[0]');
      const body = `__shared__ ${type} sums[256], shares[256];
const int t = threadIdx.x;
${type} sum = 0, share = 0;
for (long long base = 0; base < rows; base += 256 * 32) {
${type} some = 0, part = 0;
for (int u = 0; u < 32; u++) {
const long long i = base + u * 256 + t;
if (i < rows) { some += losses[i]; part += weights[i]; }
}
sum += some; share += part;
}
sums[t] = sum; shares[t] = share;
for (int half = 128; half > 0; half >>= 1) {
__syncthreads();
if (t < half) { sums[t] += sums[t + half]; shares[t] += shares[t + half]; }
}
if (t == 0) { loss[0] = ${store}; total[0] = shares[0]; }`;
      return entrySource(
        'crossEntropyLoss',
        [
          `${storedType(dtype)}* loss`,
          `${type}* total`,
          `const ${type}* losses`,
          `const ${type}* weights`,
          'long long rows',
        ],
        body,
        preamble.text,
        256,
      );
    },
  };
}
