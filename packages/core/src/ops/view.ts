import { checkTensor } from '../dispatch/checks.ts';
import type { Declared } from '../dispatch/declare.ts';
import { composite } from '../dispatch/declare.ts';
import { asDType, byteLengthOf, type DType } from '../dtype.ts';
import { ShapeError, showShape } from '../errors.ts';
import { Tensor } from '../graph/tensor.ts';
import { asShape } from './reshape.ts';

export interface View extends Declared {
  (x: Tensor, shape: readonly number[]): Tensor;
  (x: Tensor, dtype: DType): Tensor;
}

/**
 * The same elements in another shape, where one size may be -1; or, given a dtype, the same bytes as elements of that
 * dtype: the last dimension shrinks or grows where their widths differ, and no gradient flows. Shares memory.
 *
 * @throws {ShapeError} the sizes do not fit, or the strides do not allow it (use `reshape`).
 * @example view(arange(6), [2, -1]).shape // [2, 3]
 * @example view(tensor([1]), 'int32') // tensor([1065353216])
 */
export const view = composite('view', (x: Tensor, as: readonly number[] | DType): Tensor => {
  checkTensor('view', 'x', x);
  return typeof as === 'string' ? reinterpret(x, asDType('view', as)) : asShape(x, as);
}) as unknown as View; // The overloads say what the second argument may be.

function reinterpret(x: Tensor, dtype: DType): Tensor {
  const from = byteLengthOf(x.dtype);
  const to = byteLengthOf(dtype);
  const { shape, strides, offset } = x;
  if (from === to) return new Tensor(x.storage, dtype, shape, strides, offset);
  const last = shape.length - 1;
  const refuse = (why: string): never => {
    throw new ShapeError(
      `view: ${x.dtype} ${showShape(shape)} with strides ${showShape(strides)} cannot be read as ${dtype}: ${why}`,
      { op: 'view' },
    );
  };
  if (last < 0) return refuse('a tensor without dimensions cannot change its width');
  if (strides[last] !== 1) return refuse('the last dimension must lie without gaps');
  if (from > to) {
    const ratio = from / to;
    return new Tensor(
      x.storage,
      dtype,
      shape.with(last, shape[last]! * ratio),
      strides.map((s, i) => (i === last ? 1 : s * ratio)),
      offset * ratio,
    );
  }
  const ratio = to / from;
  const whole = (value: number): boolean => value % ratio === 0;
  if (!whole(shape[last]!) || !whole(offset) || !strides.every((s, i) => i === last || whole(s))) {
    return refuse(`sizes, strides and offset must be multiples of ${ratio}`);
  }
  return new Tensor(
    x.storage,
    dtype,
    shape.with(last, shape[last]! / ratio),
    strides.map((s, i) => (i === last ? 1 : s / ratio)),
    offset / ratio,
  );
}
