import type { Allocation, Backend, BackendError, DType, Kernels } from '@flambeau/core/backend';
import { allocate, type CpuAllocation } from './allocation.ts';
import { argReduceKernel } from './arg-reduce.ts';
import { gatherKernel } from './gather.ts';
import { matmulKernel } from './matmul/matmul.ts';
import { pointwiseKernel } from './pointwise/pointwise.ts';
import { type Compiler, mayCompile } from './policy.ts';
import { reduceKernel } from './reduce/reduce.ts';
import { scanKernel } from './scan.ts';
import { scatterKernel } from './scatter.ts';
import { sortKernel } from './sort/sort.ts';

export interface CpuOptions {
  /**
   * How scalar programs become loops. `function` compiles JavaScript source and is the fast way; `closures` needs
   * no permission to do so; `auto`, the default, asks what the page's content security policy allows.
   */
  readonly compiler?: Compiler;
}

const DTYPES: readonly DType[] = [
  'float32',
  'float64',
  'float16',
  'bfloat16',
  'int64',
  'int32',
  'int16',
  'int8',
  'uint8',
  'bool',
];

/**
 * The CPU backend: kernels in plain JavaScript on typed arrays. It runs wherever JavaScript does.
 *
 * @example registerBackend(cpu());
 */
export function cpu(options: CpuOptions = {}): Backend {
  const compiler = options.compiler ?? 'auto';
  const bySource = compiler === 'auto' ? mayCompile() : compiler === 'function';
  return {
    apiVersion: 1,
    device: 'cpu',
    name: bySource ? 'JavaScript' : 'JavaScript, without compiling',
    limits: { dtypes: DTYPES, maxByteLength: 2 ** 32, synchronousReads: true, collected: true },
    lost: new Promise<BackendError>(() => {}),
    kernels: kernels(bySource),
    allocate,
    free() {},
    write: (target, byteOffset, bytes) => own(target).write(byteOffset, bytes),
    copy: (source, sourceOffset, target, targetOffset, byteLength) =>
      own(target).copyFrom(own(source), sourceOffset, targetOffset, byteLength),
    read: async (source, byteOffset, byteLength) => own(source).read(byteOffset, byteLength),
    readSync: (source, byteOffset, byteLength) => own(source).read(byteOffset, byteLength),
    synchronize: async () => {},
  };
}

/** Core hands back what `allocate` made. */
const own = (allocation: Allocation): CpuAllocation => allocation as CpuAllocation;

function kernels(bySource: boolean): Kernels {
  return {
    pointwise: pointwiseKernel(bySource),
    reduce: reduceKernel(bySource),
    argReduce: argReduceKernel(bySource),
    scan: scanKernel(bySource),
    matmul: matmulKernel(bySource),
    gather: gatherKernel(bySource),
    scatter: scatterKernel(bySource),
    sort: sortKernel(bySource),
  };
}
