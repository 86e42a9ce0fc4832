import { PointwiseOp } from '../dispatch/pointwise.ts';
import type { DType } from '../dtype.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { DeviceEntry } from '../storage/registry.ts';

const fill = new PointwiseOp('full', 0, (_inputs, { value }) => value!, { params: { value: 0 } });

/** A new tensor of one value, which no checks of a public function stand before. */
export const filled = (entry: DeviceEntry, shape: readonly number[], dtype: DType, value: number | boolean): Tensor =>
  fill.fill(entry, shape, dtype, { value: Number(value) });

/** Zeros of a tensor's shape, dtype and device. */
export const zerosOf = (x: Tensor): Tensor => filled(x.entry, x.shape, x.dtype, 0);

/** Ones of a tensor's shape, dtype and device. */
export const onesOf = (x: Tensor): Tensor => filled(x.entry, x.shape, x.dtype, 1);
