import { byteLengthOf, type DType } from '@flambeau/core/backend';
import type { KernelSource } from '../launch.ts';
import { entrySource } from './entry.ts';
import { indexType, NestSource } from './nest.ts';
import { Preamble } from './preamble.ts';
import { loaded, representationOf, storedType, valueType } from './types.ts';

export const SORT_THREADS = 256;

export interface SortVariant {
  readonly dtype: DType;
  readonly rank: number;
  readonly wide: boolean;
}

/** The unsigned integers whose order is that of a dtype's values. */
const keyType = (dtype: DType): string => (byteLengthOf(dtype) === 8 ? 'unsigned long long' : 'unsigned');
export const keyBytes = (dtype: DType): number => (byteLengthOf(dtype) === 8 ? 8 : 4);

/** NaN is the largest, zeros of both signs are equal; `flip` is all ones where the largest comes first. */
function keySource(dtype: DType): string {
  const key = keyType(dtype);
  const head = `static __device__ __forceinline__ ${key} keyOf(${representationOf(dtype) === 'bool' ? 'int' : valueType(dtype)} v, ${key} flip) {`;
  switch (representationOf(dtype)) {
    case 'float':
      return `${head}
if (v != v) return 0xffffffffu ^ flip;
unsigned bits = __float_as_uint(v == 0 ? 0.0f : v);
return (bits >> 31 ? ~bits : bits | 0x80000000u) ^ flip;
}`;
    case 'double':
      return `${head}
if (v != v) return 0xffffffffffffffffULL ^ flip;
unsigned long long bits = (unsigned long long)__double_as_longlong(v == 0 ? 0.0 : v);
return (bits >> 63 ? ~bits : bits | 0x8000000000000000ULL) ^ flip;
}`;
    case 'int64':
      return `${head} return ((unsigned long long)v ^ 0x8000000000000000ULL) ^ flip; }`;
    default:
      return `${head} return ((unsigned)v ^ 0x80000000u) ^ flip; }`;
  }
}

/**
 * Sorts chunks of rows, each of `width` elements in shared memory, by a bitonic network. Ties are told apart by their
 * places, which makes it stable. A block has several rows where they are short. Where rows are one chunk each, it
 * writes the result; else keys and places, for `mergeSource` to merge.
 */
export function sortChunksSource(variant: SortVariant, whole: boolean): KernelSource {
  const { dtype, rank, wide } = variant;
  return {
    key: `sortChunks ${whole} ${dtype} ${rank} ${wide}`,
    entry: 'sortChunks',
    source: () => chunksText(variant, whole),
  };
}

function chunksText(variant: SortVariant, whole: boolean): string {
  const { dtype, rank } = variant;
  const preamble = new Preamble();
  const nest = new NestSource('k', rank, whole ? ['y', 'p', 'x'] : ['x'], variant);
  const index = indexType(variant);
  const key = keyType(dtype);
  const cell = storedType(dtype);
  const parameters = [
    ...(whole ? [`${cell}* y`, 'int* p'] : [`${key}* keys`, 'int* places']),
    `const ${cell}* x`,
    `${index} chunks`,
    `${index} perRow`,
    'int count',
    'int width',
    `${index} xStep`,
    ...(whole ? [`${index} yStep`, `${index} pStep`] : []),
    `${key} flip`,
    ...nest.parameters,
  ];
  const write = whole
    ? `y[${nest.offset('y')} + place * yStep] = x[${nest.offset('x')} + from * xStep];
p[${nest.offset('p')} + place * pStep] = from;`
    : `keys[row * count + place] = sortedKeys[e];
places[row * count + place] = from;`;
  const each = (body: string): string => `for (int e = threadIdx.x; e < elements; e += blockDim.x) {
const ${index} chunk = (${index})blockIdx.x * (elements / width) + e / width;
if (chunk >= chunks) break;
const ${index} row = chunk / perRow;
const int begin = (int)(chunk % perRow) * width, place = begin + e % width;
${body}
}`;
  const body = `extern __shared__ unsigned long long memory[];
const int elements = blockDim.x * 2;
${key}* const sortedKeys = (${key}*)memory;
int* const sortedFrom = (int*)(sortedKeys + elements);
for (int e = threadIdx.x; e < elements; e += blockDim.x) { sortedKeys[e] = ~(${key})0; sortedFrom[e] = 2147483647; }
${each(`if (place >= count) continue;
${nest.decode('row')}
const ${valueTypeOf(dtype)} v = ${loaded(preamble, dtype, `x[${nest.offset('x')} + place * xStep]`)};
sortedKeys[e] = keyOf(v, flip); sortedFrom[e] = place;`)}
for (int size = 2; size <= width; size <<= 1)
for (int apart = size >> 1; apart > 0; apart >>= 1) {
__syncthreads();
const int low = ((int)threadIdx.x / apart) * apart * 2 + (int)threadIdx.x % apart, high = low + apart;
const bool rising = size == width || (low & size) == 0;
const ${key} a = sortedKeys[low], b = sortedKeys[high];
const int from = sortedFrom[low], other = sortedFrom[high];
if ((a > b || (a == b && from > other)) == rising) {
sortedKeys[low] = b; sortedKeys[high] = a;
sortedFrom[low] = other; sortedFrom[high] = from;
}
}
__syncthreads();
${each(`if (place >= count) continue;
const int from = sortedFrom[e];
${whole ? nest.decode('row') : ''}
${write}`)}`;
  return entrySource('sortChunks', parameters, body, `${preamble.text}\n${keySource(dtype)}`, 1024);
}

const valueTypeOf = (dtype: DType): string => (representationOf(dtype) === 'bool' ? 'int' : valueType(dtype));

/**
 * Merges sorted runs two by two, stably, a thread for each element: it lands after what lies before it in its own run
 * and after what the other run has less, or, for the later run, not greater.
 */
export function mergeSource(dtype: DType, wide: boolean): KernelSource {
  const key = keyType(dtype);
  const index = indexType({ wide });
  return {
    key: `sortMerge ${key} ${wide}`,
    entry: 'sortMerge',
    source: () =>
      entrySource(
        'sortMerge',
        [
          `${key}* toKeys`,
          'int* toPlaces',
          `const ${key}* keys`,
          'const int* places',
          `${index} total`,
          'int count',
          'int run',
        ],
        `const ${index} i = (${index})blockIdx.x * blockDim.x + threadIdx.x;
if (i >= total) return;
const ${index} base = i / count * count;
const int at = (int)(i - base);
const int pair = at / (2 * run) * 2 * run, middle = count - pair < run ? count : pair + run;
const int end = count - middle < run ? count : middle + run;
const bool later = at >= middle;
const ${key} mine = keys[i];
int low = later ? pair : middle, high = later ? middle : end;
const int first = low;
while (low < high) {
const int half = low + (high - low) / 2;
const ${key} other = keys[base + half];
if (other < mine || (later && other == mine)) low = half + 1; else high = half;
}
const ${index} to = base + pair + (at - (later ? middle : pair)) + (low - first);
toKeys[to] = mine; toPlaces[to] = places[i];`,
        '',
        SORT_THREADS,
      ),
  };
}

/** Writes the values of rows in the order of their places, and the places. */
export function takeSource({ dtype, rank, wide }: SortVariant): KernelSource {
  const bytes = byteLengthOf(dtype);
  return {
    key: `sortTake ${bytes} ${rank} ${wide}`,
    entry: 'sortTake',
    source: () => {
      const nest = new NestSource('k', rank, ['y', 'p', 'x'], { wide });
      const index = indexType({ wide });
      const cell = storedType(dtype);
      return entrySource(
        'sortTake',
        [
          `${cell}* y`,
          'int* p',
          `const ${cell}* x`,
          'const int* places',
          `${index} total`,
          'int count',
          `${index} xStep`,
          `${index} yStep`,
          `${index} pStep`,
          ...nest.parameters,
        ],
        `const ${index} i = (${index})blockIdx.x * blockDim.x + threadIdx.x;
if (i >= total) return;
const ${index} row = i / count, place = i % count;
${nest.decode('row')}
const int from = places[i];
y[${nest.offset('y')} + place * yStep] = x[${nest.offset('x')} + from * xStep];
p[${nest.offset('p')} + place * pStep] = from;`,
        '',
        SORT_THREADS,
      );
    },
  };
}
