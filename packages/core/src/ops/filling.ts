import { constant } from '../dispatch/pointwise.ts';
import type { DType, Scalar } from '../dtype.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { DeviceEntry } from '../storage/registry.ts';

/** A new tensor of one value, which no checks of a public function stand before. */
export const filled = (entry: DeviceEntry, shape: readonly number[], dtype: DType, value: Scalar): Tensor =>
  constant.fill(entry, shape, dtype, { value: typeof value === 'bigint' ? value : Number(value) });

/** Zeros of a tensor's shape, dtype and device. */
export const zerosOf = (x: Tensor): Tensor => filled(x.entry, x.shape, x.dtype, 0);

/** Ones of a tensor's shape, dtype and device. */
export const onesOf = (x: Tensor): Tensor => filled(x.entry, x.shape, x.dtype, 1);

/** Writes zeros over a tensor that nothing else has seen. */
export const fillZeros = (y: Tensor): void => constant.fillInto(y, { value: 0 });

/** Writes one value over a tensor that nothing else has seen. */
export const fillValue = (y: Tensor, value: Scalar): void => constant.fillInto(y, { value: typeof value === 'bigint' ? value : Number(value) });
