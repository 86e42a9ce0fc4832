import type { Kernels } from '@flambeau/core/backend';
import { argReduceKernel } from './arg-reduce.ts';
import { fusedKernels } from './fused/index.ts';
import { gatherKernel } from './indexed/gather.ts';
import { scatterKernel } from './indexed/scatter.ts';
import { productsOn } from './matmul/matmul.ts';
import { pointwiseKernel } from './pointwise/pointwise.ts';
import type { Queue } from './queue/types.ts';
import { reduceKernel } from './reduce/reduce.ts';
import { scanKernel } from './scan.ts';
import { sortKernel } from './sort/sort.ts';
import { updateKernel } from './update/update.ts';

/** All kernels on one queue. */
export function kernelsOf(queue: Queue): Kernels {
  const multiply = productsOn(queue);
  return {
    pointwise: pointwiseKernel(queue),
    reduce: reduceKernel(queue),
    argReduce: argReduceKernel(queue),
    scan: scanKernel(queue),
    matmul: (size, output, a, b) => multiply({ size, output, a, b }),
    gather: gatherKernel(queue),
    scatter: scatterKernel(queue),
    sort: sortKernel(queue),
    fused: fusedKernels(queue, multiply),
    update: updateKernel(queue),
  };
}
