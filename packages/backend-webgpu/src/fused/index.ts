import type { OptionalKernels } from '@flambeau/core/backend';
import type { Multiply } from '../matmul/matmul.ts';
import type { Queue } from '../queue/types.ts';
import { attentionKernels } from './attention.ts';
import { attentionWeightsKernel } from './attention-weights.ts';
import { batchNormKernels } from './batch-norm.ts';
import { convolutionKernels } from './convolution.ts';
import { crossEntropyKernel } from './cross-entropy.ts';
import { linearKernel } from './linear.ts';
import { normKernels } from './norm.ts';
import { normGradientKernels } from './norm-gradient.ts';
import { poolingKernels } from './pooling.ts';
import { softmaxKernels } from './softmax.ts';

/** Kernels for whole operators. Each takes the cases that it is good at; core decomposes the others. */
export function fusedKernels(queue: Queue, multiply: Multiply): OptionalKernels {
  return {
    linear: linearKernel(multiply),
    ...convolutionKernels(queue),
    ...poolingKernels(queue),
    ...softmaxKernels(queue),
    ...normKernels(queue),
    ...normGradientKernels(queue),
    ...batchNormKernels(queue),
    attentionWeights: attentionWeightsKernel(queue, multiply),
    // On software adapters products, with the weights between them, take half the time.
    ...(queue.software ? {} : attentionKernels(queue)),
    crossEntropy: crossEntropyKernel(queue),
  };
}
