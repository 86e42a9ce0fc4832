import { checkInteger, checkTensor } from '../dispatch/checks.ts';
import { composite, pointwise, type UnaryOperatorWith } from '../dispatch/declare.ts';
import type { DType } from '../dtype.ts';
import { checkOptions, ShapeError, showShape } from '../errors.ts';
import { index } from '../expr/expr.ts';
import type { Tensor } from '../graph/tensor.ts';
import { cast } from './copying.ts';
import { CREATION_OPTIONS, type CreationOptions, creation } from './creation.ts';
import { hostIndices } from './positions.ts';

export interface TriangleOptions {
  /** Above the main diagonal when positive, below when negative. Default 0. */
  readonly diagonal?: number;
}

type Triangle = UnaryOperatorWith<{ diagonal: number }>;

/** One operator for each rank, as a program counts dimensions from the front. */
function triangle(name: string, isLower: boolean): (x: Tensor, options?: TriangleOptions) => Tensor {
  const byRank: Triangle[] = [];
  const make = (rank: number): Triangle =>
    pointwise(
      name,
      (x, { diagonal }) => {
        const above = index(rank - 1).sub(index(rank - 2));
        return (isLower ? above.le(diagonal) : above.ge(diagonal)).select(x, 0);
      },
      { params: { diagonal: 0 } },
    );
  return (x, options) => {
    checkTensor(name, 'x', x);
    checkOptions(name, options, ['diagonal']);
    const diagonal = options?.diagonal ?? 0;
    checkInteger(name, 'diagonal', diagonal);
    const rank = x.shape.length;
    if (rank < 2)
      throw new ShapeError(
        `${name}: the tensor must have two dimensions or more, got ${showShape(x.shape)}`,
        { op: name },
      );
    const op = (byRank[rank] ??= make(rank));
    return op(x, { diagonal });
  };
}

/**
 * The lower triangle of the last two dimensions: elements above the diagonal are 0.
 *
 * @throws {ShapeError} the tensor has fewer than two dimensions.
 * @example tril(ones([2, 2])) // tensor([[1., 0.], [1., 1.]])
 */
export const tril = composite('tril', triangle('tril', true), { inPlace: true });

/**
 * The upper triangle of the last two dimensions: elements below the diagonal are 0.
 *
 * @throws {ShapeError} the tensor has fewer than two dimensions.
 * @example triu(ones([2, 2])) // tensor([[1., 1.], [0., 1.]])
 */
export const triu = composite('triu', triangle('triu', false), { inPlace: true });

export interface TriangleIndicesOptions extends CreationOptions {
  /** Above the main diagonal when positive, below when negative. Default 0. */
  readonly offset?: number;
}

function triangleIndices(
  op: string,
  rows: number,
  columns: number,
  options: TriangleIndicesOptions | undefined,
  takes: (above: number, offset: number) => boolean,
): Tensor {
  const { entry, dtype } = creation(op, options, 'int32' satisfies DType, [...CREATION_OPTIONS, 'offset']);
  const offset = options?.offset ?? 0;
  checkInteger(op, 'offset', offset);
  for (const size of [rows, columns]) {
    checkInteger(op, 'a size', size);
    if (size < 0) throw new ShapeError(`${op}: sizes must be 0 or more, got ${rows} and ${columns}`, { op });
  }
  const places: [number[], number[]] = [[], []];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      if (!takes(j - i, offset)) continue;
      places[0].push(i);
      places[1].push(j);
    }
  }
  return cast(hostIndices(entry, places.flat(), [2, places[0].length]), dtype);
}

/** Row and column indices of the lower triangle of a `[rows, columns]` matrix, as int32 `[2, count]`. @example trilIndices(2, 2) // tensor([[0, 1, 1], [0, 0, 1]]) */
export const trilIndices = composite(
  'trilIndices',
  (rows: number, columns: number, options?: TriangleIndicesOptions): Tensor =>
    triangleIndices('trilIndices', rows, columns, options, (above, offset) => above <= offset),
);

/** Row and column indices of the upper triangle of a `[rows, columns]` matrix, as int32 `[2, count]`. @example triuIndices(2, 2) // tensor([[0, 0, 1], [0, 1, 1]]) */
export const triuIndices = composite(
  'triuIndices',
  (rows: number, columns: number, options?: TriangleIndicesOptions): Tensor =>
    triangleIndices('triuIndices', rows, columns, options, (above, offset) => above >= offset),
);
