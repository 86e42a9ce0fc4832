import { checkInteger, checkTensor } from '../dispatch/checks.ts';
import { composite, primitive } from '../dispatch/declare.ts';
import { copyInto } from '../dispatch/in-place.ts';
import { checkOptions, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { MAX_RANK, wrapDims } from '../shape.ts';
import { scope } from '../storage/scope.ts';
import { clone } from './copying.ts';
import { fillZeros } from './filling.ts';
import { reshape } from './reshape.ts';
import { type DiagonalOptions, diagonal } from './slicing.ts';

/**
 * Zeros with the last dimension of `x` on the diagonal of two new dimensions `dim1` and `dim2` (the last two by default).
 *
 * - `x`: `[..., n]`
 * - returns: `[..., n + |offset|, n + |offset|]`
 *
 * @throws {ShapeError} the dims are one and the same, or `x` has no dimensions.
 * @example diagEmbed(tensor([1, 2])) // tensor([[1., 0.], [0., 2.]])
 */
export const diagEmbed = primitive('diagEmbed', {
  infer(x: Tensor, options?: DiagonalOptions) {
    checkTensor('diagEmbed', 'x', x);
    checkOptions('diagEmbed', options, ['offset', 'dim1', 'dim2']);
    const { offset = 0, dim1 = -2, dim2 = -1 } = options ?? {};
    checkInteger('diagEmbed', 'offset', offset);
    if (x.shape.length === 0)
      throw new ShapeError('diagEmbed: the tensor must have a dimension or more, got []', {
        op: 'diagEmbed',
      });
    if (x.shape.length === MAX_RANK)
      throw new ShapeError(`diagEmbed: ${showShape(x.shape)} has ${MAX_RANK} dimensions, which is the most`, {
        op: 'diagEmbed',
      });
    const size = x.shape.at(-1)! + Math.abs(offset);
    const shape = [...x.shape.slice(0, -1), size, size];
    const [a, b] = wrapDims('diagEmbed', [dim1, dim2], { shape }) as [number, number];
    const placed: number[] = [];
    const rest = x.shape.slice(0, -1);
    for (let i = 0; i < shape.length; i++) placed.push(i === a || i === b ? size : rest.shift()!);
    return {
      inputs: { x },
      attrs: { offset, dim1: a, dim2: b },
      outputs: { y: { shape: placed, dtype: x.dtype } },
    };
  },
  run(_kernels, { y }, { x }, attrs) {
    fillZeros(y);
    if (x.size > 0) scope(() => void copyInto(diagonal(y, attrs), x));
  },
  vjp: ({ y: dy }, _saved, attrs) => ({ x: dy && diagonal(dy, attrs) }),
});

export interface DiagOptions {
  /** Above the main diagonal when positive, below when negative. Default 0. */
  readonly diagonal?: number;
}

/**
 * The matrix with the vector `x` on a diagonal; of a matrix, a copy of that diagonal.
 *
 * @throws {ShapeError} `x` has neither one nor two dimensions.
 * @example diag(tensor([[1, 2], [3, 4]])) // tensor([1., 4.])
 */
export const diag = composite('diag', (x: Tensor, options?: DiagOptions): Tensor => {
  checkTensor('diag', 'x', x);
  checkOptions('diag', options, ['diagonal']);
  const offset = options?.diagonal ?? 0;
  checkInteger('diag', 'diagonal', offset);
  if (x.shape.length === 1) return diagEmbed(x, { offset });
  if (x.shape.length === 2) return clone(diagonal(x, { offset }));
  throw new ShapeError(
    `diag: the tensor must have one dimension or two, got ${showShape(x.shape)}; diagonal and diagEmbed take more`,
    { op: 'diag' },
  );
});

export interface DiagflatOptions {
  /** Above the main diagonal when positive, below when negative. Default 0. */
  readonly offset?: number;
}

/** The matrix with all elements of `x` on a diagonal. @example diagflat(tensor([1, 2])) // tensor([[1., 0.], [0., 2.]]) */
export const diagflat = composite('diagflat', (x: Tensor, options?: DiagflatOptions): Tensor => {
  checkTensor('diagflat', 'x', x);
  checkOptions('diagflat', options, ['offset']);
  return diagEmbed(reshape(x, [x.size]), { offset: options?.offset ?? 0 });
});
