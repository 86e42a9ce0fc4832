import { pointwise } from '../dispatch/declare.ts';
import type { Tensor } from '../graph/tensor.ts';
import { broadcastShapes, type Shape, sizeOf } from '../shape.ts';
import { expand } from './broadcast.ts';
import { cast } from './copying.ts';
import { filled } from './filling.ts';
import type { Advanced, Indexed } from './index-items.ts';
import { countMask, placesIn } from './mask-places.ts';
import { readSync } from './reading.ts';
import { permute, reshape } from './reshape.ts';
import { fromFront } from './take.ts';

/**
 * How indexing by positions becomes one gather or scatter: the indexed dimensions of the view are brought together and
 * joined into one, which a single line of positions walks.
 */
export interface IndexPlan {
  /** The view's dimensions in the order in which the indexed ones stand together. */
  readonly order: readonly number[];
  /** The dimension into which they are joined, in the view with that order. */
  readonly dim: number;
  /** Sizes of the ordered view with those dimensions joined. */
  readonly joined: Shape;
  /** Positions in the joined dimension. */
  readonly line: Tensor;
  /** Whether several dimensions are joined, so that a position is not an index that the user gave. */
  readonly isJoined: boolean;
  /** Sizes of the result. */
  readonly result: Shape;
}

/** Positions of a mask's true elements. Their number must be known, so it is read on the host. */
function maskPositions(op: string, mask: Tensor): Tensor {
  if (mask.size === 0) return filled(mask.entry, [0], 'int32', 0);
  const needed = {
    what: 'how many elements a mask takes',
    instead: 'write await x.maskedSelect(mask)',
  };
  const count = countMask(reshape(mask, [mask.size]));
  return placesIn(count, Number(readSync(op, count.total, needed)[0]));
}

const outside = pointwise(
  'positionOrNone',
  (index, { size }) => index.ge(0).and(index.lt(size)).select(index, -1),
  { params: { size: 0 } },
);
const joinedPosition = pointwise(
  'joinedPosition',
  (lead, index, { size }) =>
    lead.lt(0).or(index.lt(0)).or(index.ge(size)).select(-1, lead.mul(size).add(index)),
  { params: { size: 0 } },
);

/** Positions over all indexed dimensions together. One that is out of range anywhere is so in the result. */
function joinPositions(indices: readonly Tensor[], sizes: readonly number[]): Tensor {
  const [first, ...others] = indices.map((index, i) =>
    fromFront(sizeOf(sizes) > 0x7fffffff ? cast(index, 'int64') : index, { size: sizes[i]! }),
  );
  if (others.length === 0) return first!;
  return others.reduce(
    (lead, index, i) => joinedPosition(lead, index, { size: sizes[i + 1]! }),
    outside(first!, { size: sizes[0]! }),
  );
}

/** Prepares reading or writing at positions. @throws {ShapeError} the indices do not broadcast together. */
export function planOf(op: string, { view, advanced }: Indexed): IndexPlan {
  const { shape } = view;
  const indexed = advanced.flatMap(dimsOf);
  const rest = shape.map((_, dim) => dim).filter((dim) => !indexed.includes(dim));
  const indices = advanced.map(({ index, mask }) => index ?? maskPositions(op, mask!));
  const block = broadcastShapes(op, ...indices.map((index) => index.shape));
  const dim = placeOf(advanced, rest);
  const before = rest.slice(0, dim).map((d) => shape[d]!);
  const after = rest.slice(dim).map((d) => shape[d]!);
  const sizes = advanced.map((item) => sizeOf(dimsOf(item).map((d) => shape[d]!)));
  const positions = joinPositions(indices, sizes);
  return {
    order: [...rest.slice(0, dim), ...indexed, ...rest.slice(dim)],
    dim,
    joined: [...before, sizeOf(sizes), ...after],
    isJoined: advanced.length > 1,
    line: reshape(expand(positions, block), [sizeOf(block)]),
    result: [...before, ...block, ...after],
  };
}

const dimsOf = ({ dim, span }: Advanced): number[] => Array.from({ length: span }, (_, i) => dim + i);

/**
 * Behind how many other dimensions the indexed ones stand in the result: where they were if they stand together, else in
 * front. Dimensions taken by single integers do not part others.
 */
function placeOf(advanced: readonly Advanced[], rest: readonly number[]): number {
  const many = advanced.filter(({ isSingle }) => !isSingle);
  const dims = (many.length === 0 ? advanced : many).flatMap(dimsOf);
  const [first, last] = [dims[0]!, dims.at(-1)!];
  const isParted = many.length > 0 && rest.some((dim) => dim > first && dim < last);
  return isParted ? 0 : rest.filter((dim) => dim < first).length;
}

/** The view with the indexed dimensions brought together and joined. */
export const join = (view: Tensor, { order, joined }: IndexPlan): Tensor =>
  reshape(permute(view, order), joined);

/** Undoes `join`, for a view of the given shape. */
export function part(joined: Tensor, { order }: IndexPlan, shape: Shape): Tensor {
  const inverse: number[] = [];
  order.forEach((dim, i) => {
    inverse[dim] = i;
  });
  return permute(
    reshape(
      joined,
      order.map((dim) => shape[dim]!),
    ),
    inverse,
  );
}
