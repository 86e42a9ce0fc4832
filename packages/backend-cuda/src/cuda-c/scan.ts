import type { DType, ScanCombiner } from '@flambeau/core/backend';
import type { KernelSource } from '../launch.ts';
import { accumulatorType, combineSource, finished, identitySource } from './combine.ts';
import { entrySource } from './entry.ts';
import { indexType, NestSource } from './nest.ts';
import { Preamble } from './preamble.ts';
import { loaded, stored, storedType } from './types.ts';

export const SCAN_THREADS = 256;
/** Neighbouring elements that one thread combines by itself. */
export const SCAN_ITEMS = 4;

/**
 * How rows are scanned: `block` a block for each row or each chunk of one; `totals` the combination of each chunk, and
 * nothing else; `lanes` a thread for each row, where neighbours in memory belong to different rows.
 */
export type ScanForm = 'block' | 'totals' | 'lanes';

export interface ScanVariant {
  readonly form: ScanForm;
  readonly combiner: ScanCombiner;
  /** Of the output; totals are accumulators. */
  readonly output: DType;
  readonly input: DType;
  readonly rank: number;
  readonly wide: boolean;
  /** Each chunk begins with what `carries` holds for it. */
  readonly carried: boolean;
}

/** The running combination along rows of `count` elements. A negative step runs from the end. */
export function scanSource(variant: ScanVariant): KernelSource {
  const { form, combiner, output, input, rank, wide, carried } = variant;
  return {
    key: `scan ${form} ${combiner} ${output} ${input} ${rank} ${wide} ${carried}`,
    entry: 'scan',
    source: () => sourceOf(variant),
  };
}

function sourceOf(variant: ScanVariant): string {
  const { form, combiner, output, input, rank, carried } = variant;
  const preamble = new Preamble();
  const nest = new NestSource('k', rank, ['y', 'x'], variant);
  const index = indexType(variant);
  const type = accumulatorType(input);
  const combine = (a: string, b: string): string => combineSource(preamble, combiner, input, a, b);
  const identity = identitySource(combiner, input);
  const load = (at: string): string => `(${type})${loaded(preamble, input, `x[${at}]`)}`;
  const store = (value: string): string => stored(preamble, output, finished(output, value));
  const parameters = [
    `${storedType(output)}* y`,
    `const ${storedType(input)}* x`,
    ...(carried ? [`const ${type}* carries`] : []),
    `${index} rowCount`,
    `${index} count`,
    `${index} yStep`,
    `${index} xStep`,
    `${index} chunk`,
    ...nest.parameters,
  ];
  const parts: Parts = { type, index, identity, combine, load, store, carried };
  const body =
    form === 'lanes'
      ? `const ${index} row = (${index})blockIdx.x * blockDim.x + threadIdx.x;
if (row >= rowCount) return;
${nest.decode('row')}
y += ${nest.offset('y')}; x += ${nest.offset('x')};
${type} total = ${identity};
for (${index} i = 0; i < count; i++) {
const ${type} v = ${load('i * xStep')};
total = ${combine('total', 'v')};
y[i * yStep] = ${store('total')};
}`
      : `const ${index} row = (${index})blockIdx.x;
${nest.decode('row')}
x += ${nest.offset('x')};
${form === 'totals' ? '' : `y += ${nest.offset('y')};`}
const ${index} begin = (${index})blockIdx.y * chunk;
const ${index} end = count - begin < chunk ? count : begin + chunk;
${form === 'totals' ? totalsBody(parts) : blockBody(parts)}`;
  return entrySource('scan', parameters, body, preamble.text, SCAN_THREADS);
}

interface Parts {
  readonly type: string;
  readonly index: string;
  readonly identity: string;
  readonly carried: boolean;
  combine(a: string, b: string): string;
  load(at: string): string;
  store(value: string): string;
}

/** The inclusive combination of `mine` over the warp's lanes up to this one, in `mine`. */
const warpScan = ({ type, combine }: Parts): string => `for (int step = 1; step < 32; step <<= 1) {
const ${type} before = __shfl_up_sync(0xffffffffu, mine, step);
if (lane >= step) mine = ${combine('before', 'mine')};
}`;

function blockBody(parts: Parts): string {
  const { type, index, identity, combine, load, store, carried } = parts;
  return `__shared__ ${type} warps[32];
const int t = threadIdx.x, lane = t & 31, warp = t >> 5, warpCount = blockDim.x >> 5;
${type} carry = ${carried ? 'carries[row * gridDim.y + blockIdx.y]' : identity};
for (${index} base = begin; base < end; base += (${index})blockDim.x * ${SCAN_ITEMS}) {
const ${index} first = base + (${index})t * ${SCAN_ITEMS};
${type} v[${SCAN_ITEMS}];
for (int u = 0; u < ${SCAN_ITEMS}; u++) {
v[u] = ${identity};
if (first + u < end) v[u] = ${load('(first + u) * xStep')};
if (u > 0) v[u] = ${combine('v[u - 1]', 'v[u]')};
}
${type} mine = v[${SCAN_ITEMS - 1}];
${warpScan(parts)}
if (lane == 31) warps[warp] = mine;
${type} before = __shfl_up_sync(0xffffffffu, mine, 1);
if (lane == 0) before = ${identity};
__syncthreads();
${type} start = carry;
for (int w = 0; w < warpCount; w++) {
const ${type} total = warps[w];
if (w < warp) start = ${combine('start', 'total')};
carry = ${combine('carry', 'total')};
}
start = ${combine('start', 'before')};
for (int u = 0; u < ${SCAN_ITEMS}; u++) {
const ${type} sum = ${combine('start', 'v[u]')};
if (first + u < end) y[(first + u) * yStep] = ${store('sum')};
}
__syncthreads();
}`;
}

function totalsBody(parts: Parts): string {
  const { type, index, identity, combine, load } = parts;
  return `__shared__ ${type} warps[32];
const int t = threadIdx.x, lane = t & 31, warp = t >> 5, warpCount = blockDim.x >> 5;
${type} total = ${identity};
for (${index} base = begin; base < end; base += (${index})blockDim.x * ${SCAN_ITEMS}) {
const ${index} first = base + (${index})t * ${SCAN_ITEMS};
${type} mine = ${identity};
for (int u = 0; u < ${SCAN_ITEMS}; u++) {
if (first + u < end) {
const ${type} v = ${load('(first + u) * xStep')};
mine = ${combine('mine', 'v')};
}
}
${warpScan(parts)}
if (lane == 31) warps[warp] = mine;
__syncthreads();
for (int w = 0; w < warpCount; w++) total = ${combine('total', 'warps[w]')};
__syncthreads();
}
if (t == 0) y[row * (gridDim.y + 1) + blockIdx.y + 1] = total;
if (t == 0 && blockIdx.y == 0) y[row * (gridDim.y + 1)] = ${identity};`;
}
