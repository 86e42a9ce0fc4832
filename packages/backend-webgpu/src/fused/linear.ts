import { collapse, type FusedKernel, sizeOf, type TensorOperand } from '@flambeau/core/backend';
import type { Multiply } from '../matmul/matmul.ts';

/** `x Wᵀ + b` as one product. */
export function linearKernel(multiply: Multiply): FusedKernel {
  return {
    // Truths have no products: the decomposition says so.
    when: ({ x, weight }) => x!.dtype !== 'bool' && sizeOf(x!.shape) > 0 && sizeOf(weight!.shape) > 0,
    run({ y }, inputs) {
      const { x, weight } = inputs as { x: TensorOperand; weight: TensorOperand };
      const { bias } = inputs;
      const around = x.shape.length - 1;
      const [n, k] = weight.shape as [number, number];
      // What lies evenly in x are the rows of one matrix; dimensions outside of those are a batch.
      const nest = collapse(x.shape.slice(0, around), [
        x.strides.slice(0, around),
        y!.strides.slice(0, around),
      ]);
      const batch = nest.shape.slice(0, -1);
      const walk = (i: number): readonly number[] => (nest.shape.length === 0 ? [0] : nest.strides[i]!);
      multiply({
        size: { batch, m: nest.shape.at(-1) ?? 1, k, n },
        output: { ...y!, strides: [...walk(1), 1] },
        a: { ...x, strides: [...walk(0), x.strides[around]!] },
        b: { ...weight, strides: [...batch.map(() => 0), weight.strides[1]!, weight.strides[0]!] },
        bias: bias && { ...bias, strides: [0, bias.shape[0] === n ? bias.strides[0]! : 0] },
      });
    },
  };
}
