import type { OptionalKernels } from '@flambeau/core/backend';
import type { Queue } from '../queue/types.ts';
import { convolutionKernels } from './convolution.ts';
import { crossEntropyKernel } from './cross-entropy.ts';
import { normKernels } from './norm.ts';
import { poolingKernels } from './pooling.ts';
import { softmaxKernels } from './softmax.ts';

/** Kernels for whole operators. Each takes the cases that it is good at; core decomposes the others. */
export function fusedKernels(queue: Queue): OptionalKernels {
  return {
    ...convolutionKernels(queue),
    ...poolingKernels(queue),
    ...softmaxKernels(queue),
    ...normKernels(queue),
    crossEntropy: crossEntropyKernel(queue),
  };
}
