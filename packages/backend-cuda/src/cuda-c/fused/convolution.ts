import type { DType } from '@flambeau/core/backend';
import type { KernelSource } from '../../launch.ts';
import { accumulatorType } from '../combine.ts';
import { entrySource } from '../entry.ts';
import { Preamble } from '../preamble.ts';
import { loaded, stored, storedType } from '../types.ts';

/**
 * Convolutions as products of matrices whose right factor is never made: a block looks its elements up in the image
 * (implicit GEMM). `forward` multiplies the weight by windows of x, `input` the weight by what of dy reaches each
 * element of x, `weight` dy by windows of x.
 */
export type ConvolutionForm = 'forward' | 'input' | 'weight';

export interface ConvolutionVariant {
  readonly form: ConvolutionForm;
  readonly dtype: DType;
  readonly large: boolean;
  readonly bias: boolean;
  /** Sums of a part of the products go to workspace, to be added. */
  readonly partial: boolean;
}

export interface ConvolutionTile {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly each: number;
  readonly threads: number;
}

export const convolutionTile = ({ large }: ConvolutionVariant): ConvolutionTile =>
  large
    ? { rows: 64, columns: 64, depth: 16, each: 4, threads: 256 }
    : { rows: 32, columns: 32, depth: 8, each: 4, threads: 64 };

export function convolutionSource(variant: ConvolutionVariant): KernelSource {
  const { form, dtype, large, bias, partial } = variant;
  return {
    key: `convolution ${form} ${dtype} ${large} ${bias} ${partial}`,
    entry: 'convolution',
    source: () => textOf(variant),
  };
}

/** The numbers of a launch, in order; `places` are those of the output, or of x where its gradient is made. */
const CONVOLUTION_NUMBERS = [
  'm',
  'n',
  'k',
  'chunk',
  'groups',
  'perGroup',
  'outPerGroup',
  ...['kernel', 'stride', 'padding', 'dilation', 'image', 'places'].flatMap((name) =>
    [0, 1, 2].map((dim) => `${name}${dim}`),
  ),
] as const;

/** Takes a number apart into batch and place, or channel and position in the kernel. */
const apart = (
  value: string,
  first: string,
  prefix: string,
  sizes: string,
): string => `${prefix}rest = ${value};
${prefix}2 = ${prefix}rest % ${sizes}2; ${prefix}rest /= ${sizes}2;
${prefix}1 = ${prefix}rest % ${sizes}1; ${prefix}rest /= ${sizes}1;
${prefix}0 = ${prefix}rest % ${sizes}0; ${first} = ${prefix}rest / ${sizes}0;`;

/** Where in the image a window's element lies, and whether it is one. */
function position(form: ConvolutionForm): string {
  const along = [0, 1, 2].map((d) =>
    form === 'input'
      ? `int q${d} = p${d} + padding${d} - k${d} * dilation${d}; good = good && q${d} >= 0 && q${d} % stride${d} == 0; q${d} /= stride${d}; good = good && q${d} < image${d};`
      : `const int q${d} = p${d} * stride${d} - padding${d} + k${d} * dilation${d}; good = good && q${d} >= 0 && q${d} < image${d};`,
  );
  return along.join('\n');
}

/** The left factor's element of row `i` and product `q`. */
function leftElement(form: ConvolutionForm): string {
  switch (form) {
    case 'forward':
      return 'left[((long long)group * outPerGroup + i) * k + q]';
    case 'input':
      return 'left[(((long long)group * outPerGroup + q / taps) * perGroup + i) * taps + q % taps]';
    case 'weight':
      return 'left[(((long long)(q / area) * groups + group) * outPerGroup + i) * area + q % area]';
  }
}

/** Where the sum of row `i` and column `j` belongs. */
function target(form: ConvolutionForm): string {
  switch (form) {
    case 'forward':
      return '(((long long)(j / area) * groups + group) * outPerGroup + i) * area + j % area';
    case 'input':
      return '(((long long)(j / area) * groups + group) * perGroup + i) * area + j % area';
    case 'weight':
      return '((long long)group * outPerGroup + i) * n + j';
  }
}

function textOf(variant: ConvolutionVariant): string {
  const { form, dtype, bias, partial } = variant;
  const tile = convolutionTile(variant);
  const preamble = new Preamble();
  const cell = storedType(dtype);
  const type = accumulatorType(dtype);
  const channels = form === 'input' ? 'outPerGroup' : 'perGroup';
  const places = (value: string): string => apart(value, 'batch', 'p', 'places');
  const taps = (value: string): string => apart(value, 'channel', 'k', 'kernel');
  const [byColumn, byProduct] = form === 'weight' ? [taps, places] : [places, taps];
  const load = (element: string): string => loaded(preamble, dtype, element);
  const element =
    'right[((((long long)batch * groups + group) * channels + channel) * image0 + q0) * image1 * image2 + (long long)q1 * image2 + q2]';
  const sum = bias ? `sum[u][v] + ${load('bias[group * outPerGroup + i]')}` : 'sum[u][v]';
  const store = partial
    ? 'y[((long long)blockIdx.z * groups * m + (long long)group * m + i) * n + j] = sum[u][v];'
    : `y[${target(form)}] = ${stored(preamble, dtype, sum)};`;
  const parameters = [
    partial ? `${type}* y` : `${cell}* y`,
    `const ${cell}* left`,
    `const ${cell}* right`,
    ...(bias ? [`const ${cell}* bias`] : []),
    ...CONVOLUTION_NUMBERS.map((name) => `int ${name}`),
  ];
  const body = `${constants(tile)}
__shared__ __align__(16) ${type} lefts[DEPTH][ROWS + 4];
__shared__ __align__(16) ${type} rights[DEPTH][COLUMNS + 4];
const int channels = ${channels}, taps = kernel0 * kernel1 * kernel2, area = places0 * places1 * places2;
const int t = threadIdx.x, tx = t % (COLUMNS / EACH), ty = t / (COLUMNS / EACH), group = blockIdx.y;
const int across = (n + COLUMNS - 1) / COLUMNS;
const int i0 = (int)(blockIdx.x / across) * ROWS, j0 = (int)(blockIdx.x % across) * COLUMNS;
const int first = (int)blockIdx.z * chunk, last = k - first < chunk ? k : first + chunk;
int batch = 0, channel = 0, p0, p1, p2, prest, k0, k1, k2, krest;
const int column = j0 + t % COLUMNS;
${byColumn('(column < n ? column : 0)')}
${type} sum[EACH][EACH];
#pragma unroll
for (int u = 0; u < EACH; u++)
#pragma unroll
for (int v = 0; v < EACH; v++) sum[u][v] = 0;
for (int l0 = first; l0 < last; l0 += DEPTH) {
#pragma unroll
for (int s = 0; s < ROWS * DEPTH / THREADS; s++) {
const int e = t + s * THREADS, l = e % DEPTH, i = i0 + e / DEPTH, q = l0 + l;
${type} value = 0;
if (i < m && q < last) value = ${load(leftElement(form))};
lefts[l][e / DEPTH] = value;
}
#pragma unroll
for (int s = 0; s < COLUMNS * DEPTH / THREADS; s++) {
const int l = t / COLUMNS + s * (THREADS / COLUMNS), q = l0 + l;
${type} value = 0;
if (column < n && q < last) {
${byProduct('q')}
bool good = true;
${position(form)}
if (good) value = ${load(element)};
}
rights[l][t % COLUMNS] = value;
}
__syncthreads();
#pragma unroll
for (int l = 0; l < DEPTH; l++) {
${type} x[EACH], z[EACH];
#pragma unroll
for (int u = 0; u < EACH; u++) { x[u] = lefts[l][ty * EACH + u]; z[u] = rights[l][tx * EACH + u]; }
#pragma unroll
for (int u = 0; u < EACH; u++)
#pragma unroll
for (int v = 0; v < EACH; v++) sum[u][v] += x[u] * z[v];
}
__syncthreads();
}
#pragma unroll
for (int u = 0; u < EACH; u++) {
const int i = i0 + ty * EACH + u;
#pragma unroll
for (int v = 0; v < EACH; v++) {
const int j = j0 + tx * EACH + v;
if (i < m && j < n) ${store}
}
}`;
  return entrySource('convolution', parameters, body, preamble.text, tile.threads);
}

const constants = ({ rows, columns, depth, each, threads }: ConvolutionTile): string =>
  `constexpr int ROWS = ${rows}, COLUMNS = ${columns}, DEPTH = ${depth}, EACH = ${each}, THREADS = ${threads};`;
