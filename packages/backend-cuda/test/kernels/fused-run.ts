import {
  type Device,
  type DType,
  type KernelCall,
  setKernelInterceptor,
  type Tensor,
  tensor,
} from '@flambeau/core';
import type { FusedCase } from './fused-cases.ts';

/** What a case gives on one device: results, then gradients, as numbers. */
export interface Outcome {
  readonly values: readonly (readonly number[])[];
  /** The kernels that ran. */
  readonly kernels: ReadonlySet<string>;
}

/** Numbers that are the same on every device. */
function numbers(count: number, seed: number): number[] {
  let state = seed * 7919 + 1;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state / 0x7fffffff) * 4 - 2;
  });
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function flat(x: Tensor): number[] {
  // Everything is compared as numbers: halves and doubles alike.
  return [...(x.detach().to({ dtype: 'float64' }).flatten().toArraySync() as number[])];
}

/** Runs a case on a device, in one dtype. */
export function runFused(fused: FusedCase, device: string, dtype: DType): Outcome {
  const inputs = fused.shapes.map((shape, i) => {
    const x = tensor(numbers(sizeOf(shape), i + 1), { dtype, device: device as Device }).reshape(shape);
    return fused.gradients ? x.detach().requiresGrad_() : x;
  });
  const indices = (fused.indices ?? []).map((list) =>
    tensor([...list], { dtype: 'int32', device: device as Device }),
  );
  const kernels = new Set<string>();
  const before = setKernelInterceptor((call: KernelCall, launch: () => void) => {
    if (call.device === device) kernels.add(call.kernel);
    launch();
  });
  try {
    const result = fused.run(inputs, indices);
    const results: readonly Tensor[] = Array.isArray(result) ? (result as Tensor[]) : [result as Tensor];
    const values = results.map(flat);
    if (!fused.gradients) return { values, kernels };
    const y = results[0]!;
    const dy = tensor(numbers(y.size, 99), { dtype, device: device as Device }).reshape(y.shape);
    y.mul(dy).sum().backward();
    return { values: [...values, ...inputs.map((x) => flat(x.grad!))], kernels };
  } finally {
    setKernelInterceptor(before);
  }
}
