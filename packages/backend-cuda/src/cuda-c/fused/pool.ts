import type { DType } from '@flambeau/core/backend';
import type { KernelSource } from '../../launch.ts';
import { accumulatorType, identitySource } from '../combine.ts';
import { entrySource } from '../entry.ts';
import { Preamble } from '../preamble.ts';
import { loaded, representationOf, stored, storedType, valueType } from '../types.ts';

/** Pools over windows of three dimensions; fewer are padded in front. A thread makes one element of the output. */

/** Parameters that pools share, in the order in which they are written. */
const GEOMETRY = ['kernel', 'stride', 'padding', 'dilation', 'size', 'output'].flatMap((name) =>
  [0, 1, 2].map((dim) => `int ${name}${dim}`),
);
const STRIDES = ['xs0', 'xs1', 'xs2', 'xs3', 'xs4'].map((name) => `long long ${name}`);

/** Takes `i` apart into batch, channel and the position in the output. */
const DECODE = `const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
if (i >= total) return;
long long rest = i;
const int p2 = (int)(rest % output2); rest /= output2;
const int p1 = (int)(rest % output1); rest /= output1;
const int p0 = (int)(rest % output0); rest /= output0;
x += rest % channels * xs1 + rest / channels * xs0;
const int b0 = p0 * stride0 - padding0, b1 = p1 * stride1 - padding1, b2 = p2 * stride2 - padding2;`;

/** Goes over the window's positions that lie inside, in order. */
const overWindow = (body: string): string => `for (int k0 = 0; k0 < kernel0; k0++) {
const int q0 = b0 + k0 * dilation0;
if (q0 < 0 || q0 >= size0) continue;
for (int k1 = 0; k1 < kernel1; k1++) {
const int q1 = b1 + k1 * dilation1;
if (q1 < 0 || q1 >= size1) continue;
for (int k2 = 0; k2 < kernel2; k2++) {
const int q2 = b2 + k2 * dilation2;
if (q2 < 0 || q2 >= size2) continue;
${body}
}
}
}`;

const ELEMENT = 'x[q0 * xs2 + q1 * xs3 + q2 * xs4]';

/** The largest element of each window, the first of ties; NaN wins; with its position in the plane. */
export function maxPoolSource(dtype: DType): KernelSource {
  return {
    key: `maxPool ${dtype}`,
    entry: 'maxPool',
    source: () => {
      const preamble = new Preamble();
      const cell = storedType(dtype);
      const type = valueType(dtype);
      const representation = representationOf(dtype);
      const floating = representation === 'float' || representation === 'double';
      const better = floating ? 'at < 0 || v > best || (v != v && best == best)' : 'at < 0 || v > best';
      const body = `${DECODE}
${type} best = 0;
int at = -1;
${overWindow(`const ${type} v = ${loaded(preamble, dtype, ELEMENT)};
if (${better}) { best = v; at = (q0 * size1 + q1) * size2 + q2; }`)}
y[i] = ${stored(preamble, dtype, 'best')};
indices[i] = at;`;
      const parameters = [
        `${cell}* y`,
        'int* indices',
        `const ${cell}* x`,
        'long long total',
        'int channels',
        ...GEOMETRY,
        ...STRIDES,
      ];
      return entrySource('maxPool', parameters, body, preamble.text, 256);
    },
  };
}

/** Defines `by`, what the sum of the window at `b0`, `b1`, `b2` is divided by. */
const divisorSource = (type: string): string => `${[0, 1, 2]
  .map(
    (
      d,
    ) => `const int end${d} = b${d} + kernel${d} < size${d} + padding${d} ? b${d} + kernel${d} : size${d} + padding${d};
const int n${d} = include ? end${d} - b${d} : (end${d} < size${d} ? end${d} : size${d}) - (b${d} > 0 ? b${d} : 0);`,
  )
  .join('\n')}
const ${type} by = divisor != 0 ? (${type})divisor : (${type})n0 * n1 * n2;`;

/** The mean of each window: over its elements inside, with its padding where `include`, or over `divisor`. */
export function avgPoolSource(dtype: DType): KernelSource {
  return {
    key: `avgPool ${dtype}`,
    entry: 'avgPool',
    source: () => {
      const preamble = new Preamble();
      const cell = storedType(dtype);
      const type = accumulatorType(dtype);
      const body = `${DECODE}
${type} sum = ${identitySource('sum', dtype)};
${overWindow(`sum += ${loaded(preamble, dtype, ELEMENT)};`)}
${divisorSource(type)}
y[i] = ${stored(preamble, dtype, 'sum / by')};`;
      const parameters = [
        `${cell}* y`,
        `const ${cell}* x`,
        'long long total',
        'int channels',
        'int include',
        'double divisor',
        ...GEOMETRY,
        ...STRIDES,
      ];
      return entrySource('avgPool', parameters, body, preamble.text, 256);
    },
  };
}

/** Strides of a plane's operand, as the kernel's parameters `NAME0` to `NAME4`. */
const stridesOf = (name: string): string[] => [0, 1, 2, 3, 4].map((dim) => `long long ${name}${dim}`);

/** Where an operand with strides `NAME0` to `NAME4` has the output of a window. */
const atWindow = (name: string): string => `o0 * ${name}2 + o1 * ${name}3 + o2 * ${name}4`;

/** Takes `i` apart into batch, channel and the position in the input, and goes over the windows that reach it. */
const overWindows = (
  operands: readonly (readonly [pointer: string, strides: string])[],
  body: string,
): string =>
  `const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
if (i >= total) return;
long long rest = i;
const int p2 = (int)(rest % size2); rest /= size2;
const int p1 = (int)(rest % size1); rest /= size1;
const int p0 = (int)(rest % size0); rest /= size0;
${operands.map(([pointer, strides]) => `${pointer} += rest % channels * ${strides}1 + rest / channels * ${strides}0;`).join('\n')}
${[0, 1, 2]
  .map(
    (d) => `const int from${d} = p${d} + padding${d}, span${d} = (kernel${d} - 1) * dilation${d};
const int first${d} = from${d} > span${d} ? (from${d} - span${d} + stride${d} - 1) / stride${d} : 0;
const int last${d} = from${d} / stride${d} < output${d} ? from${d} / stride${d} : output${d} - 1;`,
  )
  .join('\n')}
for (int o0 = first0; o0 <= last0; o0++)
for (int o1 = first1; o1 <= last1; o1++)
for (int o2 = first2; o2 <= last2; o2++) {
${body}
}`;

/** The gradient of `maxPool`, a thread for each element of the input: it adds up what the windows give that took it. */
export function maxPoolBackwardSource(dtype: DType): KernelSource {
  return {
    key: `maxPoolBackward ${dtype}`,
    entry: 'maxPoolBackward',
    source: () => {
      const preamble = new Preamble();
      const cell = storedType(dtype);
      const type = accumulatorType(dtype);
      const dy = loaded(preamble, dtype, `dy[${atWindow('ds')}]`);
      const operands = [
        ['dy', 'ds'],
        ['indices', 'is'],
      ] as const;
      const body = `${type} sum = 0;
${overWindows(operands, `if (indices[${atWindow('is')}] == (p0 * size1 + p1) * size2 + p2) sum += ${dy};`)}
dx[i] = ${stored(preamble, dtype, 'sum')};`;
      const parameters = [
        `${cell}* dx`,
        `const ${cell}* dy`,
        'const int* indices',
        'long long total',
        'int channels',
        ...GEOMETRY,
        ...stridesOf('ds'),
        ...stridesOf('is'),
      ];
      return entrySource('maxPoolBackward', parameters, body, preamble.text, 256);
    },
  };
}

/** The gradient of `avgPool`, a thread for each element of the input: its share of the windows that cover it. */
export function avgPoolBackwardSource(dtype: DType): KernelSource {
  return {
    key: `avgPoolBackward ${dtype}`,
    entry: 'avgPoolBackward',
    source: () => {
      const preamble = new Preamble();
      const cell = storedType(dtype);
      const type = accumulatorType(dtype);
      const begin = [0, 1, 2].map((d) => `const int b${d} = o${d} * stride${d} - padding${d};`).join('\n');
      const body = `${type} sum = 0;
${overWindows(
  [['dy', 'ds']],
  `${begin}
${divisorSource(type)}
sum += ${loaded(preamble, dtype, `dy[${atWindow('ds')}]`)} / by;`,
)}
dx[i] = ${stored(preamble, dtype, 'sum')};`;
      const parameters = [
        `${cell}* dx`,
        `const ${cell}* dy`,
        'long long total',
        'int channels',
        'int include',
        'double divisor',
        ...GEOMETRY,
        ...stridesOf('ds'),
      ];
      return entrySource('avgPoolBackward', parameters, body, preamble.text, 256);
    },
  };
}

/**
 * Windows added up where they overlap, a thread for each element of the whole: it looks for the windows that cover it,
 * so that no two threads write to one place.
 */
export function overlapAddSource(dtype: DType): KernelSource {
  return {
    key: `overlapAdd ${dtype}`,
    entry: 'overlapAdd',
    source: () => {
      const preamble = new Preamble();
      const cell = storedType(dtype);
      const type = accumulatorType(dtype);
      const open = [0, 1, 2].map(
        (d) => `for (int k${d} = 0; k${d} < kernel${d}; k${d}++) {
const int q${d} = p${d} + padding${d} - k${d} * dilation${d}, w${d} = q${d} / stride${d};
if (q${d} < 0 || q${d} % stride${d} != 0 || w${d} >= output${d}) continue;`,
      );
      const place = [0, 1, 2].map((d) => `k${d} * ks${d} + w${d} * os${d}`).join(' + ');
      const body = `const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
if (i >= total) return;
long long rest = i;
const int p2 = (int)(rest % size2); rest /= size2;
const int p1 = (int)(rest % size1); rest /= size1;
const int p0 = (int)(rest % size0); rest /= size0;
d += rest % channels * leadStep1 + rest / channels * leadStep0;
${type} sum = 0;
${open.join('\n')}
sum += ${loaded(preamble, dtype, `d[${place}]`)};
}
}
}
y[i] = ${stored(preamble, dtype, 'sum')};`;
      const parameters = [
        `${cell}* y`,
        `const ${cell}* d`,
        'long long total',
        'int channels',
        ...GEOMETRY,
        ...['leadStep0', 'leadStep1', 'ks0', 'ks1', 'ks2', 'os0', 'os1', 'os2'].map(
          (name) => `long long ${name}`,
        ),
      ];
      return entrySource('overlapAdd', parameters, body, preamble.text, 256);
    },
  };
}
