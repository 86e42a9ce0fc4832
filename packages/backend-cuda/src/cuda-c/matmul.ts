import { byteLengthOf, type DType } from '@flambeau/core/backend';
import type { KernelSource } from '../launch.ts';
import { accumulatorType } from './combine.ts';
import { entrySource } from './entry.ts';
import { indexType, NestSource } from './nest.ts';
import { Preamble } from './preamble.ts';
import { loaded, stored, storedType } from './types.ts';

/**
 * How a product is cut: a block computes `rows` by `columns` of it, `depth` products at a time, each thread a square of
 * `each` by `each`.
 */
export interface Tile {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly each: number;
}

/** Largest first. */
export const TILES: readonly Tile[] = [
  { rows: 128, columns: 128, depth: 8, each: 8 },
  { rows: 64, columns: 64, depth: 16, each: 4 },
  { rows: 32, columns: 32, depth: 8, each: 4 },
];

export const tileThreads = ({ rows, columns, each }: Tile): number => (rows * columns) / (each * each);

export interface MatmulVariant {
  readonly dtype: DType;
  readonly tile: Tile;
  readonly batchRank: number;
  readonly wide: boolean;
  /** Sums of a part of `k` go to workspace, to be added. */
  readonly partial: boolean;
}

/** `y = a b` for a batch of matrices of any strides, from tiles in shared memory. Halves accumulate in float32. */
export function matmulSource(variant: MatmulVariant): KernelSource {
  const { dtype, tile, batchRank, wide, partial } = variant;
  return {
    key: `matmul ${dtype} ${tile.rows} ${tile.columns} ${tile.depth} ${tile.each} ${batchRank} ${wide} ${partial}`,
    entry: 'matmul',
    source: () => sourceOf(variant),
  };
}

/** Integers multiply as unsigned, where C wraps. */
function productType(dtype: DType): string {
  const type = accumulatorType(dtype);
  return type === 'int' ? 'unsigned' : type === 'long long' ? 'unsigned long long' : type;
}

function sourceOf(variant: MatmulVariant): string {
  const { dtype, tile, batchRank, partial } = variant;
  const preamble = new Preamble();
  const nest = new NestSource('b', batchRank, ['y', 'a', 'b'], variant);
  const index = indexType(variant);
  const type = productType(dtype);
  const cell = storedType(dtype);
  const threads = tileThreads(tile);
  // A float keeps its rows 16 bytes apart from a multiple of all banks, so that columns fall on different ones.
  const padding = Math.max(1, 16 / Math.max(4, byteLengthOf(dtype)));
  const parameters = [
    partial ? `${accumulatorType(dtype)}* y` : `${cell}* y`,
    `const ${cell}* a`,
    `const ${cell}* b`,
    ...['m', 'n', 'k', 'chunk', 'yRow', 'yColumn', 'aRow', 'aStep', 'bStep', 'bColumn', 'batches'].map(
      (name) => `${index} ${name}`,
    ),
    ...nest.parameters,
  ];
  const load = (element: string): string => `(${type})${loaded(preamble, dtype, element)}`;
  const store = partial
    ? `y[((long long)blockIdx.z * batches + batch) * m * n + (long long)i * n + j] = (${accumulatorType(dtype)})sum[u][v];`
    : `y[${nest.offset('y')} + i * yRow + j * yColumn] = ${stored(preamble, dtype, `(${accumulatorType(dtype)})sum[u][v]`)};`;
  const body = `${tileConstants(tile, threads)}
__shared__ __align__(16) ${type} left[DEPTH][ROWS + ${padding}];
__shared__ __align__(16) ${type} right[DEPTH][COLUMNS + ${padding}];
const int t = threadIdx.x, tx = t % (COLUMNS / EACH), ty = t / (COLUMNS / EACH);
const ${index} across = (n + COLUMNS - 1) / COLUMNS;
const ${index} i0 = (${index})(blockIdx.x / across) * ROWS, j0 = (${index})(blockIdx.x % across) * COLUMNS;
const ${index} first = (${index})blockIdx.z * chunk, last = k - first < chunk ? k : first + chunk;
for (${index} batch = blockIdx.y; batch < batches; batch += gridDim.y) {
${nest.decode('batch')}
const ${cell}* const aBatch = a + (${nest.offset('a')});
const ${cell}* const bBatch = b + (${nest.offset('b')});
${type} sum[EACH][EACH];
#pragma unroll
for (int u = 0; u < EACH; u++)
#pragma unroll
for (int v = 0; v < EACH; v++) sum[u][v] = 0;
${type} nextLeft[LOADS_LEFT], nextRight[LOADS_RIGHT];
${fetchSource(index, load, 'first')}
for (${index} l0 = first; l0 < last; l0 += DEPTH) {
${placeSource()}
__syncthreads();
if (l0 + DEPTH < last) {
${fetchSource(index, load, 'l0 + DEPTH')}
}
#pragma unroll
for (int l = 0; l < DEPTH; l++) {
${type} x[EACH], z[EACH];
#pragma unroll
for (int u = 0; u < EACH; u++) x[u] = left[l][ty * 4 + u % 4 + u / 4 * (ROWS / 2)];
#pragma unroll
for (int v = 0; v < EACH; v++) z[v] = right[l][tx * 4 + v % 4 + v / 4 * (COLUMNS / 2)];
#pragma unroll
for (int u = 0; u < EACH; u++)
#pragma unroll
for (int v = 0; v < EACH; v++) sum[u][v] += x[u] * z[v];
}
__syncthreads();
}
#pragma unroll
for (int u = 0; u < EACH; u++) {
const ${index} i = i0 + ty * 4 + u % 4 + u / 4 * (ROWS / 2);
#pragma unroll
for (int v = 0; v < EACH; v++) {
const ${index} j = j0 + tx * 4 + v % 4 + v / 4 * (COLUMNS / 2);
if (i < m && j < n) ${store}
}
}
}`;
  // 512 threads leave 128 registers to each: enough for 16 sums, not for 64 or for those of 64 bits.
  const blocks = byteLengthOf(dtype) === 8 || tile.each === 8 ? 1 : 512 / threads;
  return entrySource('matmul', parameters, body, preamble.text, threads, blocks);
}

function tileConstants({ rows, columns, depth, each }: Tile, threads: number): string {
  return `constexpr int ROWS = ${rows}, COLUMNS = ${columns}, DEPTH = ${depth}, EACH = ${each}, THREADS = ${threads};
constexpr int LOADS_LEFT = ROWS * DEPTH / THREADS, LOADS_RIGHT = COLUMNS * DEPTH / THREADS;
const bool aByStep = aStep == 1, bByStep = bStep == 1 && bColumn != 1;`;
}

/** Where element `e` of a tile lies: neighbouring threads take neighbours in memory. */
const placeLeft = 'const int l = aByStep ? e % DEPTH : e / ROWS, r = aByStep ? e / DEPTH : e % ROWS;';
const placeRight = 'const int l = bByStep ? e % DEPTH : e / COLUMNS, r = bByStep ? e / DEPTH : e % COLUMNS;';

/** Loads the next tiles into registers; what lies outside of the matrices is zero. */
function fetchSource(index: string, load: (element: string) => string, from: string): string {
  return `#pragma unroll
for (int s = 0; s < LOADS_LEFT; s++) {
const int e = t + s * THREADS;
${placeLeft}
const ${index} i = i0 + r, q = ${from} + l;
nextLeft[s] = 0;
if (i < m && q < last) nextLeft[s] = ${load('aBatch[i * aRow + q * aStep]')};
}
#pragma unroll
for (int s = 0; s < LOADS_RIGHT; s++) {
const int e = t + s * THREADS;
${placeRight}
const ${index} j = j0 + r, q = ${from} + l;
nextRight[s] = 0;
if (j < n && q < last) nextRight[s] = ${load('bBatch[q * bStep + j * bColumn]')};
}`;
}

function placeSource(): string {
  return `#pragma unroll
for (int s = 0; s < LOADS_LEFT; s++) {
const int e = t + s * THREADS;
${placeLeft}
left[l][r] = nextLeft[s];
}
#pragma unroll
for (int s = 0; s < LOADS_RIGHT; s++) {
const int e = t + s * THREADS;
${placeRight}
right[l][r] = nextRight[s];
}`;
}
