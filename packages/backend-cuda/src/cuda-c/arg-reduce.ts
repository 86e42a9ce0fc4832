import type { DType } from '@flambeau/core/backend';
import type { KernelSource } from '../launch.ts';
import { entrySource } from './entry.ts';
import { indexType, NestSource } from './nest.ts';
import { Preamble } from './preamble.ts';
import { loaded, representationOf, storedType, valueType } from './types.ts';

export const ARG_REDUCE_THREADS = 256;

/** The index along the last dimension of the best value: the first of ties, and of NaN. Threads as in reductions. */
export function argReduceSource(
  mode: 'max' | 'min',
  dtype: DType,
  rank: number,
  wide: boolean,
): KernelSource {
  return {
    key: `argReduce ${mode} ${dtype} ${rank} ${wide}`,
    entry: 'argReduce',
    source: () => sourceOf(mode, dtype, rank, wide),
  };
}

function sourceOf(mode: 'max' | 'min', dtype: DType, rank: number, wide: boolean): string {
  const preamble = new Preamble();
  const nest = new NestSource('k', rank, ['y', 'x'], { wide });
  const index = indexType({ wide });
  const representation = representationOf(dtype);
  const type = representation === 'bool' ? 'int' : valueType(dtype);
  const floating = representation === 'float' || representation === 'double';
  const compare = mode === 'max' ? 'v > best' : 'v < best';
  const nan = floating
    ? 'const bool vNan = v != v, bestNan = best != best;\nif (vNan || bestNan) return vNan && (!bestNan || i < at);\n'
    : '';
  const better = `static __device__ __forceinline__ bool better(${type} v, int i, ${type} best, int at) {
if (at < 0) return i >= 0;
if (i < 0) return false;
${nan}return ${compare} || (v == best && i < at);
}`;
  const parameters = [
    'int* y',
    `const ${storedType(dtype)}* x`,
    `${index} keptCount`,
    'int count',
    `${index} step`,
    'int lanes',
    'int byRow',
    ...nest.parameters,
  ];
  const body = `__shared__ ${type} values[${ARG_REDUCE_THREADS}];
__shared__ int places[${ARG_REDUCE_THREADS}];
const int t = threadIdx.x, rows = blockDim.x / lanes;
const int lane = byRow ? t % lanes : t / rows;
const ${index} o = (${index})blockIdx.x * rows + (byRow ? t / lanes : t % rows);
const bool inside = o < keptCount;
${nest.decode('(inside ? o : 0)')}
x += ${nest.offset('x')};
${type} best = 0;
int at = -1;
if (inside) for (int i = lane; i < count; i += lanes) {
const ${type} v = ${loaded(preamble, dtype, `x[i * step]`)};
if (better(v, i, best, at)) { best = v; at = i; }
}
values[t] = best; places[t] = at;
const int apart = byRow ? 1 : rows;
for (int half = lanes >> 1; half > 0; half >>= 1) {
__syncthreads();
if (lane < half) {
const int other = t + half * apart;
if (better(values[other], places[other], values[t], places[t])) { values[t] = values[other]; places[t] = places[other]; }
}
}
if (inside && lane == 0) y[${nest.offset('y')}] = places[t];`;
  return entrySource('argReduce', parameters, body, `${preamble.text}\n${better}`, ARG_REDUCE_THREADS);
}
