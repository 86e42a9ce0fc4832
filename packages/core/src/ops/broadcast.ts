import { composite, reduction, type ViewOperator, view } from '../dispatch/declare.ts';
import type { ReduceAttrs } from '../dispatch/reduction.ts';
import { reducedShape } from '../dispatch/reduction.ts';
import type { Geometry } from '../dispatch/view.ts';
import { ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { MAX_RANK, sameShape } from '../shape.ts';
import { reshape } from './reshape.ts';

/**
 * The tensor repeated to a shape without copying; `-1` keeps a size. Shares memory, so it cannot be changed in place.
 *
 * @throws {ShapeError} a size is neither kept nor grown from 1.
 */
export const expand: ViewOperator<[shape: readonly number[]]> = view('expand', {
  infer(x, shape: readonly number[]): Geometry {
    const lead = shape.length - x.shape.length;
    if (lead < 0 || shape.length > MAX_RANK) throw refuseExpand(x, shape);
    const sizes = new Array<number>(shape.length);
    const strides = new Array<number>(shape.length);
    for (let i = 0; i < shape.length; i++) {
      const own = i < lead ? 1 : x.shape[i - lead]!;
      const size = shape[i] === -1 && i >= lead ? own : shape[i]!;
      if (!Number.isInteger(size) || size < 0 || (own !== size && own !== 1)) throw refuseExpand(x, shape);
      sizes[i] = size;
      strides[i] = i < lead || own !== size ? 0 : x.strides[i - lead]!;
    }
    return { shape: sizes, strides, offset: x.offset };
  },
  vjp: (dy, x) => sumTo(dy, x.shape),
});

const refuseExpand = (x: Tensor, shape: readonly number[]): ShapeError =>
  new ShapeError(`expand: ${showShape(x.shape)} does not expand to ${showShape(shape)}`, { op: 'expand' });

/** `expand`, under PyTorch's other name. */
export const broadcastTo = composite(
  'broadcastTo',
  (x: Tensor, shape: readonly number[]): Tensor => expand(x, shape),
);

/** The tensor expanded to the shape of another. */
export const expandAs = composite('expandAs', (x: Tensor, other: Tensor): Tensor => expand(x, other.shape));

/** A reduced tensor brought back to the shape that it was reduced from. */
export const unreduce = (
  y: Tensor,
  { shape, dims, keepdim }: Pick<ReduceAttrs, 'shape' | 'dims' | 'keepdim'>,
): Tensor => expand(keepdim || y.shape.length === 0 ? y : reshape(y, reducedShape(shape, dims, true)), shape);

/**
 * The sum over `dim`, several dims, or all. Integers narrower than int64, and bool, are summed as int32.
 *
 * @throws {ShapeError} a dim is out of range.
 * @example sum(tensor([[1, 2], [3, 4]]), 0) // tensor([4., 6.])
 */
export const sum = reduction('sum', {
  combiner: 'sum',
  result: 'sum',
  empty: 0,
  vjp: (dy, _saved, attrs) => unreduce(dy, attrs),
});

/** Undoes broadcasting: sums a tensor down to a shape that broadcasts to its own. */
export function sumTo(x: Tensor, shape: readonly number[]): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.shape.length - shape.length;
  const dims = x.shape
    .map((_, i) => i)
    .filter((i) => i < lead || (shape[i - lead] === 1 && x.shape[i] !== 1));
  return reshape(sum(x, dims, { keepdim: true }), shape);
}
