import { checkInteger, checkIntegers } from '../dispatch/checks.ts';
import { composite, type ViewOperator, view } from '../dispatch/declare.ts';
import { overlapsItself } from '../dispatch/operands.ts';
import type { Geometry, ViewInput } from '../dispatch/view.ts';
import { byteLengthOf } from '../dtype.ts';
import { ArgumentError, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { checkShape, sizeOf } from '../shape.ts';
import { div } from './arithmetic.ts';
import { clone } from './copying.ts';
import { filled } from './filling.ts';
import { gatherBackward } from './gather.ts';
import { counting } from './positions.ts';
import { reshape } from './reshape.ts';

/** The position behind the last element that a geometry reaches. */
export function endOf({ shape, strides, offset }: Geometry): number {
  if (sizeOf(shape) === 0) return offset;
  return shape.reduce((last, size, i) => last + (size - 1) * strides[i]!, offset) + 1;
}

export function checkGeometry(
  op: string,
  x: Tensor,
  size: readonly number[],
  stride: readonly number[],
  storageOffset: number | null | undefined,
): Geometry {
  checkIntegers(op, 'size', size);
  checkIntegers(op, 'stride', stride);
  checkShape(op, size);
  if (size.length !== stride.length)
    throw new ShapeError(`${op}: size ${showShape(size)} and stride ${showShape(stride)} must be as many`, {
      op,
    });
  if (stride.some((step) => step < 0))
    throw new ArgumentError(`${op}: strides must be 0 or more, got ${showShape(stride)}`, { op });
  const offset = storageOffset ?? x.offset;
  checkInteger(op, 'storageOffset', offset);
  if (offset < 0) throw new ArgumentError(`${op}: storageOffset must be 0 or more, got ${offset}`, { op });
  const geometry = { shape: size, strides: stride, offset };
  const room = Math.floor(x.storage.byteLength / byteLengthOf(x.dtype));
  if (endOf(geometry) > room) {
    throw new ShapeError(
      `${op}: size ${showShape(size)} with stride ${showShape(stride)} from ${offset} reaches element ${endOf(geometry) - 1}; the storage has ${room}`,
      { op },
    );
  }
  return geometry;
}

/**
 * A view of any geometry on the tensor's storage: element `i, j, …` lies at `storageOffset + i*stride[0] + j*stride[1] + …`,
 * counted from the start of the storage. Without `storageOffset` it begins where `x` does.
 *
 * @throws {ShapeError} the geometry reaches beyond the storage.
 * @example asStrided(arange(6), [2, 2], [3, 1]) // tensor([[0, 1], [3, 4]])
 */
export const asStrided: ViewOperator<
  [size: readonly number[], stride: readonly number[], storageOffset?: number | null]
> = view('asStrided', {
  infer: (x, size: readonly number[], stride: readonly number[], storageOffset?: number | null) =>
    checkGeometry('asStrided', x, size, stride, storageOffset),
  vjp: (dy, x, size, stride, storageOffset) =>
    spread(dy, { shape: size, strides: stride, offset: storageOffset ?? x.offset }, x),
});

/**
 * Adds the gradient of a view into a line that stands for the storage, then reads that line as the input does. Where
 * elements of the input share a place, each gets an equal part.
 */
function spread(dy: Tensor, from: Geometry, to: ViewInput): Tensor {
  const start = Math.min(from.offset, to.offset);
  const length = Math.max(endOf(from), endOf(to)) - start;
  const places = counting(dy.entry, length, {});
  const at = ({ shape, strides, offset }: Geometry, line: Tensor): Tensor =>
    asStrided(line, shape, strides, offset - start);
  const line = (values: Tensor, geometry: Geometry): Tensor =>
    gatherBackward(reshape(values, [values.size]), 0, reshape(at(geometry, places), [values.size]), [length]);
  const total = line(dy, from);
  if (!overlapsItself(to)) return at(to, total);
  const ones = filled(dy.entry, to.shape, dy.dtype, 1);
  return div(at(to, total), at(to, line(ones, to)));
}

/** A copy of `asStrided`. */
export const asStridedCopy = composite(
  'asStridedCopy',
  (x: Tensor, size: readonly number[], stride: readonly number[], storageOffset?: number | null): Tensor =>
    clone(asStrided(x, size, stride, storageOffset)),
);
