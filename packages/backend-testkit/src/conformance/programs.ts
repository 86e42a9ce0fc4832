import { empty, type KernelCall, setKernelInterceptor, type Tensor } from '@flambeau/core';
import { BackendError, type DType, type Program, type Reduction } from '@flambeau/core/backend';

/**
 * Programs as core makes them. A backend may keep what it compiled by a program's `id`, which core gives out, so the
 * suite takes its programs from core: it calls operators on the device without data and looks at the kernel's call.
 */
function callOf(kernel: string, body: () => unknown): KernelCall {
  const calls: KernelCall[] = [];
  const before = setKernelInterceptor((call) => calls.push(call));
  try {
    body();
  } finally {
    setKernelInterceptor(before);
  }
  const found = calls.find((call) => call.kernel === kernel);
  if (found === undefined)
    throw new BackendError(
      `no ${kernel} was called; calls: ${calls.map((call) => call.kernel).join(', ') || 'none'}`,
    );
  return found;
}

/** A tensor of the device without data. */
export const blank = (dtype: DType, shape: readonly number[] = [2, 3]): Tensor =>
  empty(shape, { dtype, device: 'meta' });

/** The program of the first pointwise kernel that `body` calls. */
export const programOf = (body: () => unknown): Program => callOf('pointwise', body).args[0] as Program;

/** The reduction of the first reduce kernel that `body` calls. */
export const reductionOf = (body: () => unknown): Reduction => callOf('reduce', body).args[0] as Reduction;

const interned = new Map<string, Program>();

/** `programOf`, kept under a name. */
export function program(name: string, body: () => unknown): Program {
  let found = interned.get(name);
  if (found === undefined) {
    found = programOf(body);
    interned.set(name, found);
  }
  return found;
}
