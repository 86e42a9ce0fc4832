import { composite, pointwise } from '../dispatch/declare.ts';
import { type DType, isDifferentiable } from '../dtype.ts';
import { ArgumentError, checkOptions, describe, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { expand } from './broadcast.ts';
import { checkFactors, checkInner, checkRank, checkStacks, matmul, outer } from './matmul.ts';
import { permute, reshape } from './reshape.ts';

export interface AddmmOptions {
  /** Factor of the first operand; with 0 its values do not matter, not even NaN. Default 1. */
  readonly beta?: number;
  /** Factor of the product. Default 1. */
  readonly alpha?: number;
}

/** `beta · x + alpha · product`. */
const blend = pointwise(
  'addmm',
  (x, product, { beta, alpha }) => beta.eq(0).select(product.mul(alpha), x.mul(beta).add(product.mul(alpha))),
  {
    params: { beta: 1, alpha: 1 },
  },
);

function combine(op: string, x: Tensor, product: Tensor, options: AddmmOptions | undefined): Tensor {
  return blend(target(op, x, product.shape), product, {
    beta: factor(op, 'beta', options?.beta, product.dtype),
    alpha: factor(op, 'alpha', options?.alpha, product.dtype),
  });
}

/** A factor as the product's dtype holds it: integers cut off the fraction, as PyTorch's do. */
function factor(op: string, name: string, value: number | boolean | undefined, dtype: DType): number {
  const number = Number(value ?? 1);
  if (Number.isNaN(number) && !isDifferentiable(dtype))
    throw new ArgumentError(`${op}: ${name} must be a number, got ${describe(value)}`, { op });
  return isDifferentiable(dtype) ? number : dtype === 'bool' ? Number(number !== 0) : Math.trunc(number);
}

function target(op: string, x: Tensor, shape: readonly number[]): Tensor {
  const lead = shape.length - x.shape.length;
  if (lead < 0 || x.shape.some((size, i) => size !== 1 && size !== shape[lead + i])) {
    throw new ShapeError(
      `${op}: the input ${showShape(x.shape)} does not expand to the product's shape ${showShape(shape)}`,
      { op, data: { shapes: [x.shape, shape] } },
    );
  }
  return expand(x, shape);
}

function prepare(op: string, options: AddmmOptions | undefined, ...operands: Tensor[]): void {
  checkOptions(op, options, ['beta', 'alpha']);
  checkFactors(op, ...operands);
}

/**
 * `beta · x + alpha · (mat1 @ mat2)`.
 *
 * - `x`: expands to `[m, n]` · `mat1`: `[m, k]` · `mat2`: `[k, n]`
 *
 * @throws {ShapeError} the shapes do not fit. @throws {DTypeError} the dtypes differ.
 * @example addmm(ones([2, 2]), eye(2), eye(2), { beta: 0 }) // tensor([[1., 0.], [0., 1.]])
 */
export const addmm = composite(
  'addmm',
  (x: Tensor, mat1: Tensor, mat2: Tensor, options?: AddmmOptions): Tensor => {
    prepare('addmm', options, x, mat1, mat2);
    checkRank('addmm', 'a', mat1, 2);
    checkRank('addmm', 'b', mat2, 2);
    checkInner('addmm', mat1, mat2);
    return combine('addmm', x, matmul(mat1, mat2), options);
  },
  { inPlace: true },
);

/**
 * `beta · x + alpha · (mat @ vec)`.
 *
 * - `x`: expands to `[m]` · `mat`: `[m, k]` · `vec`: `[k]`
 *
 * @throws {ShapeError} the shapes do not fit. @throws {DTypeError} the dtypes differ.
 */
export const addmv = composite(
  'addmv',
  (x: Tensor, mat: Tensor, vec: Tensor, options?: AddmmOptions): Tensor => {
    prepare('addmv', options, x, mat, vec);
    checkRank('addmv', 'a', mat, 2);
    checkRank('addmv', 'b', vec, 1);
    checkInner('addmv', mat, vec);
    return combine('addmv', x, matmul(mat, vec), options);
  },
  { inPlace: true },
);

/**
 * `beta · x + alpha · Σ_b (batch1[b] @ batch2[b])`: the products are added up.
 *
 * - `x`: expands to `[m, n]` · `batch1`: `[batch, m, k]` · `batch2`: `[batch, k, n]`
 *
 * @throws {ShapeError} the shapes do not fit. @throws {DTypeError} the dtypes differ.
 */
export const addbmm = composite(
  'addbmm',
  (x: Tensor, batch1: Tensor, batch2: Tensor, options?: AddmmOptions): Tensor => {
    prepare('addbmm', options, x, batch1, batch2);
    checkStacks('addbmm', batch1, batch2);
    const [batch, m, k] = batch1.shape as [number, number, number];
    const n = batch2.shape[2]!;
    const wide = reshape(permute(batch1, [1, 0, 2]), [m, batch * k]);
    return combine('addbmm', x, matmul(wide, reshape(batch2, [batch * k, n])), options);
  },
  { inPlace: true },
);

/**
 * `beta · x + alpha · (batch1 @ batch2)` for each matrix of a batch.
 *
 * - `x`: expands to `[batch, m, n]` · `batch1`: `[batch, m, k]` · `batch2`: `[batch, k, n]`
 *
 * @throws {ShapeError} the shapes do not fit. @throws {DTypeError} the dtypes differ.
 */
export const baddbmm = composite(
  'baddbmm',
  (x: Tensor, batch1: Tensor, batch2: Tensor, options?: AddmmOptions): Tensor => {
    prepare('baddbmm', options, x, batch1, batch2);
    checkStacks('baddbmm', batch1, batch2);
    return combine('baddbmm', x, matmul(batch1, batch2), options);
  },
  { inPlace: true },
);

/**
 * `beta · x + alpha · outer(vec1, vec2)`.
 *
 * - `x`: expands to `[m, n]` · `vec1`: `[m]` · `vec2`: `[n]`
 *
 * @throws {ShapeError} the shapes do not fit. @throws {ArgumentError} a factor has a fraction where the tensors are integers.
 */
export const addr = composite(
  'addr',
  (x: Tensor, vec1: Tensor, vec2: Tensor, options?: AddmmOptions): Tensor => {
    checkOptions('addr', options, ['beta', 'alpha']);
    checkRank('addr', 'vec1', vec1, 1);
    checkRank('addr', 'vec2', vec2, 1);
    const product = outer(vec1, vec2);
    for (const value of [options?.beta ?? 1, options?.alpha ?? 1]) {
      if (isDifferentiable(product.dtype) || Number.isInteger(Number(value))) continue;
      throw new ArgumentError(`addr: beta and alpha must be integers for ${product.dtype}, got ${value}`, {
        op: 'addr',
      });
    }
    return combine('addr', x, product, options);
  },
  { inPlace: true },
);
