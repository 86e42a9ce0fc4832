import type { DType } from '../dtype.ts';
import { BackendError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Allocation } from './contract.ts';

type Adopter = (device: string, allocation: Allocation, dtype: DType, shape: readonly number[]) => Tensor;

let adopter: Adopter | null = null;

/** Tensors are made by a later layer, which says here how. */
export function setAdopter(make: Adopter): void {
  adopter = make;
}

/**
 * A contiguous tensor over memory that a backend has already: for what shares memory with other programs. The backend's
 * `free` is called for it when the last owner lets go.
 *
 * @throws {ShapeError} the memory is too small.
 * @throws {DTypeError} the device does not have the dtype.
 * @throws {DeviceError} the device is not registered.
 */
export const adoptAllocation: Adopter = (device, allocation, dtype, shape) => {
  if (adopter === null) throw new BackendError("adoptAllocation: import '@flambeau/core' first");
  return adopter(device, allocation, dtype, shape);
};
