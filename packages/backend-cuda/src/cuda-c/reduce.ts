import type { Reduction } from '@flambeau/core/backend';
import type { KernelSource } from '../launch.ts';
import { deviceFunction, faults, parameterSlots, parameterType } from './body.ts';
import { accumulated, accumulatorType, combineSource, finished, identitySource } from './combine.ts';
import { entrySource } from './entry.ts';
import { indexType, NestSource } from './nest.ts';
import { Preamble } from './preamble.ts';
import { stored, storedType } from './types.ts';

/** The most threads of a block that reduces. */
export const REDUCE_THREADS = 512;

/** What of a reduction a kernel does: all of it, partial results into workspace, or the end of it from there. */
export type ReduceStage = 'whole' | 'partial' | 'final';

export interface ReduceVariant {
  readonly stage: ReduceStage;
  readonly keptRank: number;
  readonly reducedRank: number;
  readonly wide: boolean;
}

/**
 * `post(combine over elements of pre(inputs))`. Threads of a block are `lanes` for each of `rows` results. Where
 * `byRow`, neighbouring threads are lanes of one result, and lanes combine by warp shuffles; otherwise neighbouring
 * threads belong to neighbouring results, and lanes combine in shared memory. Sums are taken in blocks of few
 * elements, so that errors grow with the logarithm of their number and not with it.
 */
export function reduceSource(reduction: Reduction, variant: ReduceVariant): KernelSource {
  const { stage, keptRank, reducedRank, wide } = variant;
  return {
    key: `reduce ${stage} ${keptRank} ${reducedRank} ${wide} ${reduction.combiner} ${reduction.pre.key} ${reduction.post.key}`,
    entry: 'reduce',
    source: () => sourceOf(reduction, variant),
  };
}

/** Programs longer than this are not repeated in the loop. */
const UNROLLED_STEPS = 24;

function sourceOf(reduction: Reduction, variant: ReduceVariant): string {
  const { pre, post, combiner } = reduction;
  const { stage } = variant;
  const preamble = new Preamble();
  const index = indexType(variant);
  const type = accumulatorType(pre.output);
  const names = stage === 'final' ? [] : pre.inputs.map((_, k) => `x${k}`);
  const kept = new NestSource('k', variant.keptRank, stage === 'partial' ? names : ['y', ...names], variant);
  const reduced = new NestSource('r', variant.reducedRank, names, variant);
  const preFunction = deviceFunction(preamble, 'pre', pre);
  const postFunction = deviceFunction(preamble, 'post', post, 'value');
  const combine = (a: string, b: string): string => combineSource(preamble, combiner, pre.output, a, b);
  const indexOf = (dim: number): string =>
    dim < variant.keptRank ? kept.index(dim) : reduced.index(dim - variant.keptRank);
  const element =
    stage === 'final'
      ? `return parts[r * keptCount + o];`
      : `${reduced.decode('r')}
return ${accumulated(
          combiner,
          pre.output,
          preFunction.call(
            names.map((x) => `${x}[${reduced.offset(x)}]`),
            indexOf,
          ),
        )};`;
  const finish =
    stage === 'partial'
      ? 'parts[(long long)blockIdx.y * keptCount + o] = total;'
      : `y[${kept.offset('y')}] = ${stored(preamble, post.output, postFunction.call([finished(pre.output, 'total')], indexOf))};`;
  const programs = stage === 'partial' ? [pre] : stage === 'final' ? [post] : [pre, post];
  const parameters = [
    stage === 'partial' ? '' : `${storedType(post.output)}* y`,
    stage === 'whole' ? '' : `${stage === 'final' ? 'const ' : ''}${type}* parts`,
    ...(stage === 'final' ? [] : pre.inputs.map((dtype, k) => `const ${storedType(dtype)}* x${k}`)),
    programs.some(faults) ? 'int* fault' : '',
    `${index} keptCount`,
    `${index} reducedCount`,
    `${index} chunk`,
    'int lanes',
    'int byRow',
    ...kept.parameters,
    ...(stage === 'final' ? [] : reduced.parameters),
    ...parameterSlots(programs).map((slot) => `${parameterType(slot.type)} ${slot.name}`),
  ].filter((text) => text !== '');
  const bases = names.map((x) => `${x} += ${kept.offset(x)};`).join(' ');
  const identity = identitySource(combiner, pre.output);
  const body = `__shared__ ${type} shared[${REDUCE_THREADS}];
const int t = threadIdx.x, rows = blockDim.x / lanes;
const int lane = byRow ? t % lanes : t / rows;
const ${index} o = (${index})blockIdx.x * rows + (byRow ? t / lanes : t % rows);
const bool inside = o < keptCount;
${kept.decode('(inside ? o : 0)')}
${bases}
${type} total = ${identity};
if (inside) {
const ${index} begin = (${index})blockIdx.y * chunk;
const ${index} end = reducedCount - begin < chunk ? reducedCount : begin + chunk;
${index} r = begin + lane;
auto element = [&](${index} r) -> ${type} { ${element} };
${pre.steps.length > UNROLLED_STEPS ? '' : unrolled(type, identity, index, combine)}
for (; r < end; r += lanes) total = ${combine('total', 'element(r)')};
}
${lanesSource(type, identity, combine)}
if (inside && lane == 0) ${finish}`;
  return entrySource(
    'reduce',
    parameters,
    body,
    [
      preamble.text,
      stage === 'final' ? '' : preFunction.text,
      stage === 'partial' ? '' : postFunction.text,
    ].join('\n'),
    REDUCE_THREADS,
  );
}

/** Four accumulators side by side, emptied into the total after every 32 rounds. */
function unrolled(
  type: string,
  identity: string,
  index: string,
  combine: (a: string, b: string) => string,
): string {
  const each = [0, 1, 2, 3];
  return `while (end - r > 3 * lanes) {
${type} ${each.map((u) => `t${u} = ${identity}`).join(', ')};
for (int round = 0; round < 32 && end - r > 3 * lanes; round++, r += (${index})4 * lanes) {
const ${type} ${each.map((u) => `e${u} = element(r + (${index})${u} * lanes)`).join(', ')};
${each.map((u) => `t${u} = ${combine(`t${u}`, `e${u}`)};`).join(' ')}
}
t0 = ${combine('t0', 't1')}; t2 = ${combine('t2', 't3')}; t0 = ${combine('t0', 't2')};
total = ${combine('total', 't0')};
}`;
}

/** The lanes of each result become one, in its lane 0. */
function lanesSource(type: string, identity: string, combine: (a: string, b: string) => string): string {
  return `if (byRow) {
for (int step = (lanes < 32 ? lanes : 32) >> 1; step > 0; step >>= 1) {
const ${type} other = __shfl_down_sync(0xffffffffu, total, step);
total = ${combine('total', 'other')};
}
if (lanes > 32) {
if ((t & 31) == 0) shared[t >> 5] = total;
__syncthreads();
if (lane < 32) {
total = lane < (lanes >> 5) ? shared[(t >> 5) + lane] : ${identity};
for (int step = 16; step > 0; step >>= 1) {
const ${type} other = __shfl_down_sync(0xffffffffu, total, step);
total = ${combine('total', 'other')};
}
}
}
} else if (lanes > 1) {
shared[t] = total;
__syncthreads();
for (int step = lanes >> 1; step > 0; step >>= 1) {
if (lane < step) shared[t] = ${combine('shared[t]', 'shared[t + step * rows]')};
__syncthreads();
}
total = shared[t];
}`;
}
