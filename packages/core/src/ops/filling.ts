import { constant } from '../dispatch/pointwise.ts';
import { type DType, isInteger, type Scalar } from '../dtype.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { DeviceEntry } from '../storage/registry.ts';

/** A value as an element: what an integer cannot hold of a number is cut off, and all but 0 is true. */
function element(value: Scalar, dtype: DType): number | bigint {
  if (typeof value === 'bigint') return value;
  const number = Number(value);
  if (dtype === 'bool') return number === 0 ? 0 : 1;
  return isInteger(dtype) && Number.isFinite(number) ? Math.trunc(number) : number;
}

/** A new tensor of one value, which no checks of a public function stand before. */
export const filled = (entry: DeviceEntry, shape: readonly number[], dtype: DType, value: Scalar): Tensor =>
  constant.fill(entry, shape, dtype, { value: element(value, dtype) });

/** Zeros of a tensor's shape, dtype and device. */
export const zerosOf = (x: Tensor): Tensor => filled(x.entry, x.shape, x.dtype, 0);

/** Ones of a tensor's shape, dtype and device. */
export const onesOf = (x: Tensor): Tensor => filled(x.entry, x.shape, x.dtype, 1);

/** Writes zeros over a tensor that nothing else has seen. */
export const fillZeros = (y: Tensor): void => constant.fillInto(y, { value: 0 });

/** Writes one value over a tensor that nothing else has seen. */
export const fillValue = (y: Tensor, value: Scalar): void =>
  constant.fillInto(y, { value: element(value, y.dtype) });
