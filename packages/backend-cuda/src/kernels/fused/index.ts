import type { OptionalKernels } from '@flambeau/core/backend';
import type { Context } from '../context.ts';
import { attentionKernel } from './attention.ts';
import { convolutionKernels } from './convolution.ts';
import { crossEntropyKernel } from './cross-entropy.ts';
import { normKernels } from './norm.ts';
import { poolKernels } from './pool.ts';
import { softmaxKernels } from './softmax.ts';

/** Kernels for composite operators, by the operators' names. */
export const fusedKernels = (context: Context): OptionalKernels => ({
  ...softmaxKernels(context),
  ...normKernels(context),
  ...poolKernels(context),
  ...convolutionKernels(context),
  crossEntropy: crossEntropyKernel(context),
  scaledDotProductAttention: attentionKernel(context),
});
