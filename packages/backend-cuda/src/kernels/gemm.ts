import { byteLengthOf, type MatmulSize, type Operand, sizeOf } from '@flambeau/core/backend';
import type { Gemm, GemmMatrix, GemmType } from '../launch.ts';

/** Products that cuBLAS can be asked for. */

const MOST = 2 ** 31 - 1;

function gemmType(operand: Operand): GemmType | undefined {
  switch (operand.dtype) {
    case 'float32':
    case 'float64':
    case 'float16':
    case 'bfloat16':
      return operand.dtype;
    default:
      return undefined;
  }
}

/** The strides of all batch dimensions as one, or undefined where they are not. */
function batchStride(batch: readonly number[], strides: readonly number[]): number | undefined {
  let stride: number | undefined;
  let size = 1;
  for (let dim = batch.length - 1; dim >= 0; dim--) {
    if (batch[dim] === 1) continue;
    if (stride === undefined) stride = strides[dim]!;
    else if (strides[dim] !== stride * size) return undefined;
    size *= batch[dim]!;
  }
  return stride ?? 0;
}

/**
 * A row-major matrix of `rows` by `columns` as cuBLAS sees it: column-major, so transposed of itself. `plain` is one
 * whose rows lie in memory one after the other; a turned one has its columns so.
 */
function matrixOf(
  operand: Operand,
  batch: readonly number[],
  rows: number,
  columns: number,
): GemmMatrix | undefined {
  const rank = batch.length;
  const [row, column] = [operand.strides[rank]!, operand.strides[rank + 1]!];
  const stride = batchStride(batch, operand.strides);
  if (stride === undefined) return undefined;
  // A dimension of size 1 has whatever stride suits.
  const plain = (column === 1 || columns === 1) && (row >= columns || rows === 1);
  if (!plain && !((row === 1 || rows === 1) && (column >= rows || columns === 1))) return undefined;
  // Written out: spreading an object costs Node 20 some 10 microseconds here.
  return {
    allocation: operand.allocation,
    byteOffset: operand.offset * byteLengthOf(operand.dtype),
    leading: plain ? Math.max(row, columns, 1) : Math.max(column, rows, 1),
    batchStride: stride,
    transposed: !plain,
  };
}

/**
 * `output = a b`, row-major, asked for as `outputᵀ = bᵀ aᵀ`, column-major; undefined where the layout or the dtype
 * does not suit cuBLAS.
 */
export function gemmOf(size: MatmulSize, output: Operand, a: Operand, b: Operand): Gemm | undefined {
  const { batch, m, k, n } = size;
  const type = gemmType(output);
  if (type === undefined) return undefined;
  const [left, right, product] = [
    matrixOf(a, batch, m, k),
    matrixOf(b, batch, k, n),
    matrixOf(output, batch, m, n),
  ];
  if (left === undefined || right === undefined || product === undefined || product.transposed)
    return undefined;
  const count = sizeOf(batch);
  if (Math.max(left.leading, right.leading, product.leading, m, n, k, count) > MOST) return undefined;
  return { type, m: n, n: m, k, batch: count, a: right, b: left, c: product };
}
