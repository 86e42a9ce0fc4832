import type { Kernels } from '@flambeau/core/backend';
import { BackendError } from '@flambeau/core/backend';
import { pointwiseKernel } from './pointwise/pointwise.ts';
import type { Queue } from './queue/types.ts';

const missing = (name: string) => (): never => {
  throw new BackendError(`webgpu: the kernel ${name} is not written yet`);
};

/** All kernels on one queue. */
export function kernelsOf(queue: Queue): Kernels {
  return {
    pointwise: pointwiseKernel(queue),
    reduce: missing('reduce'),
    argReduce: missing('argReduce'),
    scan: missing('scan'),
    matmul: missing('matmul'),
    gather: missing('gather'),
    scatter: missing('scatter'),
    sort: missing('sort'),
  };
}
