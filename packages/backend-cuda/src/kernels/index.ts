import type { Kernels } from '@flambeau/core/backend';
import type { Launch } from '../launch.ts';
import { argReduceKernel } from './arg-reduce.ts';
import { contextOf } from './context.ts';
import { fusedKernels } from './fused/index.ts';
import { gatherKernel, scatterKernel } from './indexed.ts';
import { matmulKernel } from './matmul.ts';
import { pointwiseKernel } from './pointwise.ts';
import { reduceKernel } from './reduce.ts';
import { scanKernel } from './scan.ts';
import { sortKernel } from './sort.ts';
import { updateKernel } from './update.ts';

export interface KernelOptions {
  /** From how many elements on kernels count in 64 bits. Tests lower it, so that small tensors take that way. */
  readonly narrowLimit?: number;
  /** Whether composite operators have kernels of their own. Default true. */
  readonly fused?: boolean;
}

/** The kernels of the CUDA backend over a device's launches. */
export function cudaKernels(launch: Launch, options: KernelOptions = {}): Kernels {
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
    update: updateKernel(context),
    ...(options.fused === false ? {} : { fused: fusedKernels(context) }),
  };
}
