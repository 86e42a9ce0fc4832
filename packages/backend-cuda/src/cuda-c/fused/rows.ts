import type { DType } from '@flambeau/core/backend';
import { accumulatorType } from '../combine.ts';
import { entrySource } from '../entry.ts';
import { indexType, NestSource } from '../nest.ts';
import type { Preamble } from '../preamble.ts';
import { loaded } from '../types.ts';

/** Kernels that go over whole rows: a warp for a short row, a block for a long one. */

/** Elements of a row that one thread keeps in registers. */
export const ROW_ITEMS = 8;
/** The most threads for a row. */
export const ROW_THREADS = 512;

export interface RowVariant {
  readonly dtype: DType;
  readonly rank: number;
  readonly wide: boolean;
  /** Whether the row fits the threads' registers, so that it is read once. */
  readonly cached: boolean;
}

/** Combines a value over the threads of a row; every thread gets the result. */
const COMBINE = `template <class T, class F> static __device__ __forceinline__ T combineRow(T v, F f, T* parts) {
for (int step = 16; step > 0; step >>= 1) v = f(v, __shfl_xor_sync(0xffffffffu, v, step));
if (blockDim.x == 32) return v;
__syncthreads();
if ((threadIdx.x & 31) == 0) parts[threadIdx.x >> 5] = v;
__syncthreads();
v = parts[0];
for (int w = 1; w < (int)(blockDim.x >> 5); w++) v = f(v, parts[w]);
return v;
}`;

/** What the body of a row's kernel can say. */
export interface RowText {
  /** The accumulator's type. */
  readonly type: string;
  readonly index: string;
  /** Runs `body` for each element `i` of the row; `x` stands for its value where it was cached. */
  each(body: string): string;
  /** `total` of `combine(a, b)` over the row. */
  combine(value: string, combine: string): string;
}

/**
 * An entry over rows of `count` elements. `operands` are read through a nest of the rows' dimensions; `cache` gives
 * the element `i` that each thread keeps.
 */
export function rowEntry(
  name: string,
  variant: RowVariant,
  preamble: Preamble,
  parts: {
    readonly parameters: readonly string[];
    readonly operands: readonly string[];
    /** Dimensions within a row, where operands have strides of their own along them. */
    readonly cache: string;
    body(text: RowText): string;
  },
): string {
  const index = indexType(variant);
  const type = accumulatorType(variant.dtype);
  const nest = new NestSource('k', variant.rank, parts.operands, variant);
  const text: RowText = {
    type,
    index,
    each: (body) =>
      variant.cached
        ? `#pragma unroll
for (int u = 0; u < ${ROW_ITEMS}; u++) {
const ${index} i = threadIdx.x + u * (int)blockDim.x;
if (i < count) { const ${type} x = cache[u]; ${body} }
}`
        : `for (${index} i = threadIdx.x; i < count; i += blockDim.x) { const ${type} x = ${parts.cache}; ${body} }`,
    combine: (value, combine) =>
      `combineRow(${value}, [](${type} a, ${type} b) -> ${type} { return ${combine}; }, parts)`,
  };
  const fill = variant.cached
    ? `${type} cache[${ROW_ITEMS}];
#pragma unroll
for (int u = 0; u < ${ROW_ITEMS}; u++) {
const ${index} i = threadIdx.x + u * (int)blockDim.x;
cache[u] = 0;
if (i < count) cache[u] = ${parts.cache};
}`
    : '';
  const body = `__shared__ ${type} parts[${ROW_THREADS / 32}];
const ${index} row = (${index})blockIdx.x * blockDim.y + threadIdx.y;
if (row >= rows) return;
${nest.decode('row')}
${parts.operands.map((operand) => `${operand} += ${nest.offset(operand)};`).join('\n')}
${fill}
${parts.body(text)}`;
  const parameters = [...parts.parameters, `${index} rows`, `${index} count`, ...nest.parameters];
  return entrySource(name, parameters, body, `${preamble.text}\n${COMBINE}`, ROW_THREADS);
}

/** An element as an accumulator. */
export const wideLoad = (preamble: Preamble, dtype: DType, element: string): string =>
  `(${accumulatorType(dtype)})${loaded(preamble, dtype, element)}`;
