import type { OptionalKernels, TensorOperand } from '@flambeau/core/backend';
import type { ThreadPool } from '../threads/pool.ts';
import { Scans } from '../wasm/scan.ts';
import { type Attrs, dimLast, heapKernel, type Operands } from './operands.ts';

/** Running extrema with their places in one scan. */
export function cumulativeExtremumKernels(pool: ThreadPool, relaxed: boolean): OptionalKernels {
  const scans = new Scans(pool, relaxed);
  const takes = ({ x }: Operands): boolean => x!.shape.length > 0 && !x!.shape.includes(0);
  const kernel = (mode: 'max' | 'min') =>
    heapKernel(pool.heap, `cum${mode}`, takes, (outputs, { x }, attrs: Attrs) => {
      const [input, values, indices] = [x!, outputs.values!, outputs.indices!].map((operand) =>
        dimLast(operand, attrs.dim as number),
      ) as [TensorOperand, TensorOperand, TensorOperand];
      scans.extremum(mode, input.shape, values, indices, input);
    });
  return { cummax: kernel('max'), cummin: kernel('min') };
}
