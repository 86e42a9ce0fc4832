import type { DType } from '@flambeau/core/backend';
import type { KernelSource } from '../../launch.ts';
import { entrySource } from '../entry.ts';
import { indexType, NestSource } from '../nest.ts';
import { Preamble } from '../preamble.ts';
import { loaded, stored, storedType } from '../types.ts';

/** Queries and keys of a tile. */
export const ATTENTION_TILE = 32;
export const ATTENTION_THREADS = 128;
/** The most features of a key or a value. */
export const ATTENTION_FEATURES = 128;

export type MaskKind = 'none' | 'bool' | 'scores';

export interface AttentionVariant {
  readonly dtype: DType;
  readonly mask: MaskKind;
  readonly causal: boolean;
  readonly rank: number;
  readonly wide: boolean;
  /** Features of queries and keys, and of values, rounded up: 32, 64 or 128. */
  readonly features: number;
}

/**
 * Attention in the flash manner: a block has 32 queries and goes over the keys 32 at a time, with the largest score, the
 * sum of weights and the weighted values so far; the scores never lie in memory. A query that may see nothing gives
 * zeros.
 */
export function attentionSource(variant: AttentionVariant): KernelSource {
  const { dtype, mask, causal, rank, wide, features } = variant;
  return {
    key: `attention ${dtype} ${mask} ${causal} ${rank} ${wide} ${features}`,
    entry: 'attention',
    source: () => textOf(variant),
  };
}

/** A thread has two queries and, of their scores, four keys; of their values every eighth feature. */
function textOf(variant: AttentionVariant): string {
  const { dtype, mask, causal, rank, features } = variant;
  const preamble = new Preamble();
  const cell = storedType(dtype);
  const index = indexType(variant);
  const operands = ['q', 'k', 'v', ...(mask === 'none' ? [] : ['mask'])];
  const nest = new NestSource('b', rank, operands, variant);
  const load = (element: string): string => loaded(preamble, dtype, element);
  const parameters = [
    `${cell}* y`,
    'float* logsumexp',
    ...['q', 'k', 'v'].map((name) => `const ${cell}* ${name}`),
    ...(mask === 'none' ? [] : [`const ${mask === 'bool' ? 'unsigned char' : cell}* mask`]),
    'int queries',
    'int keys',
    'int features',
    'int valueFeatures',
    'float scale',
    ...['qRow', 'qStep', 'kRow', 'kStep', 'vRow', 'vStep', 'maskRow', 'maskStep'].map(
      (name) => `${index} ${name}`,
    ),
    ...nest.parameters,
  ];
  const body = `constexpr int TILE = ${ATTENTION_TILE}, WIDTH = ${features}, EACH = WIDTH / 8;
__shared__ float qs[TILE][WIDTH + 1];
__shared__ float rows[TILE][WIDTH + 1];
__shared__ float weights[TILE][TILE + 1];
const int t = threadIdx.x, tx = t % 8, ty = t / 8;
const ${index} batch = (${index})blockIdx.x;
const int first = (int)blockIdx.y * TILE;
${nest.decode('batch')}
${operands.map((name) => `${name} += ${nest.offset(name)};`).join('\n')}
for (int e = t; e < TILE * WIDTH; e += ${ATTENTION_THREADS}) {
const int i = first + e / WIDTH, c = e % WIDTH;
qs[e / WIDTH][c] = i < queries && c < features ? ${load('q[i * qRow + c * qStep]')} * scale : 0.0f;
}
float sum[2][EACH], top[2] = {-(1.0f / 0.0f), -(1.0f / 0.0f)}, total[2] = {0.0f, 0.0f};
#pragma unroll
for (int u = 0; u < 2; u++)
#pragma unroll
for (int c = 0; c < EACH; c++) sum[u][c] = 0.0f;
const int seen = ${causal ? 'keys < first + TILE ? keys : first + TILE' : 'keys'};
for (int from = 0; from < seen; from += TILE) {
__syncthreads();
for (int e = t; e < TILE * WIDTH; e += ${ATTENTION_THREADS}) {
const int j = from + e / WIDTH, c = e % WIDTH;
rows[e / WIDTH][c] = j < keys && c < features ? ${load('k[j * kRow + c * kStep]')} : 0.0f;
}
__syncthreads();
float score[2][4];
#pragma unroll
for (int u = 0; u < 2; u++)
#pragma unroll
for (int v = 0; v < 4; v++) score[u][v] = 0.0f;
for (int c = 0; c < WIDTH; c++) {
#pragma unroll
for (int u = 0; u < 2; u++)
#pragma unroll
for (int v = 0; v < 4; v++) score[u][v] += qs[ty * 2 + u][c] * rows[tx + v * 8][c];
}
#pragma unroll
for (int u = 0; u < 2; u++) {
const int i = first + ty * 2 + u;
float larger = top[u];
#pragma unroll
for (int v = 0; v < 4; v++) {
const int j = from + tx + v * 8;
${maskText(variant, load)}
larger = larger != larger || larger > score[u][v] ? larger : score[u][v];
}
for (int step = 4; step > 0; step >>= 1) {
const float other = __shfl_xor_sync(0xffffffffu, larger, step);
larger = larger != larger || larger > other ? larger : other;
}
const float shift = larger == -(1.0f / 0.0f) ? 0.0f : larger;
const float factor = expf(top[u] - shift);
float part = 0.0f;
#pragma unroll
for (int v = 0; v < 4; v++) {
const float weight = expf(score[u][v] - shift);
weights[ty * 2 + u][tx + v * 8] = weight;
part += weight;
}
for (int step = 4; step > 0; step >>= 1) part += __shfl_xor_sync(0xffffffffu, part, step);
total[u] = total[u] * factor + part;
top[u] = larger;
#pragma unroll
for (int c = 0; c < EACH; c++) sum[u][c] *= factor;
}
__syncthreads();
for (int e = t; e < TILE * WIDTH; e += ${ATTENTION_THREADS}) {
const int j = from + e / WIDTH, c = e % WIDTH;
rows[e / WIDTH][c] = j < keys && c < valueFeatures ? ${load('v[j * vRow + c * vStep]')} : 0.0f;
}
__syncthreads();
for (int j = 0; j < TILE; j++) {
const float a = weights[ty * 2][j], b = weights[ty * 2 + 1][j];
#pragma unroll
for (int c = 0; c < EACH; c++) {
const float value = rows[j][tx + c * 8];
sum[0][c] += a * value; sum[1][c] += b * value;
}
}
}
#pragma unroll
for (int u = 0; u < 2; u++) {
const int i = first + ty * 2 + u;
if (i < queries) {
const long long row = (long long)batch * queries + i;
if (tx == 0) logsumexp[row] = total[u] == 0.0f ? -(1.0f / 0.0f) : top[u] + logf(total[u]);
const float by = total[u] == 0.0f ? 0.0f : 1.0f / total[u];
#pragma unroll
for (int c = 0; c < EACH; c++) {
const int at = tx + c * 8;
if (at < valueFeatures) y[row * valueFeatures + at] = ${stored(preamble, dtype, 'sum[u][c] * by')};
}
}
}`;
  return entrySource('attention', parameters, body, preamble.text, ATTENTION_THREADS);
}

/** Takes out the scores of what may not be seen, or adds to them. */
function maskText({ mask, causal }: AttentionVariant, load: (element: string) => string): string {
  const outside = `j >= keys${causal ? ' || j > i' : ''}`;
  switch (mask) {
    case 'none':
      return `if (${outside}) score[u][v] = -(1.0f / 0.0f);`;
    case 'bool':
      return `if (${outside} || (i < queries && mask[i * maskRow + j * maskStep] == 0)) score[u][v] = -(1.0f / 0.0f);`;
    case 'scores':
      return `if (${outside}) score[u][v] = -(1.0f / 0.0f);
else if (i < queries) score[u][v] += ${load('mask[i * maskRow + j * maskStep]')};`;
  }
}
