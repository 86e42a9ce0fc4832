import type { RequiredKernels } from '@flambeau/core/backend';
import type { Launch } from '../launch.ts';
import { argReduceKernel } from './arg-reduce.ts';
import { contextOf } from './context.ts';
import { gatherKernel, scatterKernel } from './indexed.ts';
import { matmulKernel } from './matmul.ts';
import { pointwiseKernel } from './pointwise.ts';
import { reduceKernel } from './reduce.ts';
import { scanKernel } from './scan.ts';
import { sortKernel } from './sort.ts';

export interface KernelOptions {
  /** From how many elements on kernels count in 64 bits. Tests lower it, so that small tensors take that way. */
  readonly narrowLimit?: number;
}

/** The kernels of the CUDA backend over a device's launches. */
export function cudaKernels(launch: Launch, options: KernelOptions = {}): RequiredKernels {
  const context = contextOf(launch, options.narrowLimit);
  return {
    pointwise: pointwiseKernel(context),
    reduce: reduceKernel(context),
    argReduce: argReduceKernel(context),
    scan: scanKernel(context),
    matmul: matmulKernel(context),
    gather: gatherKernel(context),
    scatter: scatterKernel(context),
    sort: sortKernel(context),
  };
}
