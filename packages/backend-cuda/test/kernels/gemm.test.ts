import type { DType, MatmulSize, Operand } from '@flambeau/core/backend';
import { describe, expect, it } from 'vitest';
import { gemmOf } from '../../src/kernels/gemm.ts';

const matrix = (strides: readonly number[], dtype: DType = 'float32', offset = 0): Operand => ({
  allocation: { byteLength: 4096 },
  dtype,
  offset,
  strides,
});
const size: MatmulSize = { batch: [2, 3], m: 4, k: 5, n: 6 };
const plain = {
  output: matrix([72, 24, 6, 1]),
  a: matrix([60, 20, 5, 1]),
  b: matrix([90, 30, 6, 1]),
};

describe('products for cuBLAS', () => {
  it('are asked for transposed, as cuBLAS is column-major', () => {
    const product = gemmOf(size, plain.output, plain.a, plain.b);
    expect(product).toMatchObject({ type: 'float32', m: 6, n: 4, k: 5, batch: 6 });
    expect(product?.a).toMatchObject({ leading: 6, batchStride: 30, transposed: false });
    expect(product?.b).toMatchObject({ leading: 5, batchStride: 20, transposed: false });
    expect(product?.c).toMatchObject({ leading: 6, batchStride: 24 });
  });

  it('take transposes without a copy, and offsets in bytes', () => {
    const product = gemmOf(size, plain.output, matrix([60, 20, 1, 4], 'float32', 3), plain.b);
    expect(product?.b).toMatchObject({ leading: 4, transposed: true, byteOffset: 12 });
  });

  it('take one matrix for the whole batch', () => {
    expect(gemmOf(size, plain.output, matrix([0, 0, 5, 1]), plain.b)?.b).toMatchObject({ batchStride: 0 });
  });

  it('take a matrix of one column with any stride', () => {
    const product = gemmOf({ ...size, batch: [], k: 1 }, matrix([6, 1]), matrix([7, 3]), matrix([6, 1]));
    expect(product?.b).toMatchObject({ leading: 7, transposed: false });
  });

  it('are refused where neither rows nor columns lie side by side', () => {
    expect(gemmOf(size, plain.output, matrix([120, 40, 10, 2]), plain.b)).toBeUndefined();
  });

  it('are refused where batches do not lie in one stride', () => {
    expect(gemmOf(size, plain.output, matrix([0, 20, 5, 1]), plain.b)).toBeUndefined();
  });

  it('are refused where rows overlap', () => {
    expect(gemmOf(size, plain.output, matrix([60, 20, 2, 1]), plain.b)).toBeUndefined();
  });

  it('are refused for integers', () => {
    const integers = [plain.output, plain.a, plain.b].map((x) => ({ ...x, dtype: 'int32' as const }));
    expect(gemmOf(size, integers[0]!, integers[1]!, integers[2]!)).toBeUndefined();
  });
});
