import { byteLengthOf } from '../dtype.ts';
import { DTypeError, ShapeError, showShape } from '../errors.ts';
import { Tensor } from '../graph/tensor.ts';
import { checkShape, contiguousStrides, sizeOf } from '../shape.ts';
import { setAdopter } from '../storage/adopt.ts';
import { deviceEntry } from '../storage/registry.ts';
import { Storage } from '../storage/storage.ts';

/** How `adoptAllocation` makes its tensors. */
setAdopter((device, allocation, dtype, shape) => {
  const entry = deviceEntry(device);
  checkShape('adoptAllocation', shape);
  if (!entry.supports(dtype))
    throw new DTypeError(`${device} has no ${dtype}; it has ${entry.limits.dtypes.join(', ')}`);
  const byteLength = sizeOf(shape) * byteLengthOf(dtype);
  if (byteLength > allocation.byteLength) {
    throw new ShapeError(
      `${showShape(shape)} of ${dtype} takes ${byteLength} bytes, and the memory has ${allocation.byteLength}`,
      { data: { shape, byteLength } },
    );
  }
  return new Tensor(
    new Storage(entry, allocation, byteLength),
    dtype,
    [...shape],
    contiguousStrides(shape),
    0,
  );
});
