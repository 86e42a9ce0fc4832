import { checkTensor } from '../dispatch/checks.ts';
import { composite, type Declared, primitive } from '../dispatch/declare.ts';
import { operandWith } from '../dispatch/operands.ts';
import { DTypeError, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  broadcastShapes,
  broadcastStrides,
  collapse,
  contiguousStrides,
  type Shape,
  sizeOf,
} from '../shape.ts';
import { mul } from './arithmetic.ts';
import { fillZeros } from './filling.ts';
import { reshape, squeeze, transpose, unsqueeze } from './reshape.ts';

/** Refuses operands of a product that are no tensors or that differ in dtype. */
export function checkFactors(op: string, ...factors: readonly Tensor[]): void {
  for (const [i, factor] of factors.entries()) checkTensor(op, `operand ${i}`, factor);
  const dtype = factors[0]!.dtype;
  for (const factor of factors) {
    if (factor.dtype === dtype) continue;
    throw new DTypeError(
      `${op}: dtypes differ, ${dtype} against ${factor.dtype}; convert one: to({ dtype: '${dtype}' })`,
      {
        op,
        data: { dtypes: factors.map((x) => x.dtype) },
      },
    );
  }
}

/** A factor as a stack of matrices: a vector on the left is one row, on the right one column. */
interface Matrices {
  readonly batch: Shape;
  readonly batchStrides: readonly number[];
  readonly rows: number;
  readonly columns: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

function matrices({ shape, strides }: Tensor, side: 'left' | 'right'): Matrices {
  const rank = shape.length;
  if (rank === 1) {
    const [size, stride] = [shape[0]!, strides[0]!];
    const vector = { batch: [], batchStrides: [] };
    return side === 'left'
      ? { ...vector, rows: 1, columns: size, rowStride: 0, columnStride: stride }
      : { ...vector, rows: size, columns: 1, rowStride: stride, columnStride: 0 };
  }
  return {
    batch: shape.slice(0, -2),
    batchStrides: strides.slice(0, -2),
    rows: shape[rank - 2]!,
    columns: shape[rank - 1]!,
    rowStride: strides[rank - 2]!,
    columnStride: strides[rank - 1]!,
  };
}

/**
 * The matrix product over the last two dimensions, leading ones broadcast: `y[…, i, j] = Σₖ x[…, i, k] · other[…, k, j]`.
 * A vector on the left is a row, on the right a column, and its dimension is left out of the result.
 *
 * - `x`: `[..., m, k]` or `[k]`
 * - `other`: `[..., k, n]` or `[k]`, of the same dtype
 * - returns: `[..., m, n]`
 *
 * Transposes and broadcast batches are read where they lie, without copies.
 *
 * @throws {ShapeError} the inner sizes differ, leading sizes do not broadcast, or an operand has no dimensions.
 * @throws {DTypeError} the dtypes differ.
 * @example matmul(tensor([[1, 2], [3, 4]]), tensor([1, 1])) // tensor([3., 7.])
 */
export const matmul: ((x: Tensor, other: Tensor) => Tensor) & Declared = primitive('matmul', {
  infer(x: Tensor, other: Tensor) {
    checkFactors('matmul', x, other);
    if (x.dtype === 'bool')
      throw new DTypeError(
        `matmul: bool has no products of matrices; convert first: to({ dtype: 'float32' })`,
        { op: 'matmul' },
      );
    if (x.shape.length === 0 || other.shape.length === 0) {
      throw new ShapeError(
        `matmul: a tensor without dimensions is no matrix (use mul); a is ${showShape(x.shape)}, b is ${showShape(other.shape)}`,
        { op: 'matmul' },
      );
    }
    const a = matrices(x, 'left');
    const b = matrices(other, 'right');
    if (a.columns !== b.rows) {
      throw new ShapeError(
        `matmul: inner sizes differ, ${a.columns} against ${b.rows}; a is ${showShape(x.shape)}, b is ${showShape(other.shape)}`,
        {
          op: 'matmul',
          data: { shapes: [x.shape, other.shape] },
        },
      );
    }
    const batch = broadcastShapes('matmul', a.batch, b.batch);
    const shape = [
      ...batch,
      ...(x.shape.length > 1 ? [a.rows] : []),
      ...(other.shape.length > 1 ? [b.columns] : []),
    ];
    return { inputs: { x, other }, attrs: { batch }, outputs: { product: { shape, dtype: x.dtype } } };
  },
  run(kernels, { product }, { x, other }, { batch }) {
    const a = matrices(x, 'left');
    const b = matrices(other, 'right');
    if (a.columns === 0) {
      fillZeros(product);
      return;
    }
    const aStrides = broadcastStrides(a.batch, a.batchStrides, batch);
    const bStrides = broadcastStrides(b.batch, b.batchStrides, batch);
    const outStrides = contiguousStrides([...batch, a.rows, b.columns]);
    const outBatch = outStrides.slice(0, -2);
    // Where every matrix on the left meets the same one on the right, the batch is more rows.
    const shared = bStrides.every((stride) => stride === 0);
    const nest = shared
      ? collapse(
          [...batch, a.rows],
          [
            [...aStrides, a.rowStride],
            [...outBatch, b.columns],
          ],
        )
      : collapse(batch, [aStrides, bStrides, outBatch]);
    const loops = shared ? nest.shape.slice(0, -1) : nest.shape;
    const m = shared ? (nest.shape.at(-1) ?? 1) : a.rows;
    const rowStride = shared ? (nest.strides[0]!.at(-1) ?? 0) : a.rowStride;
    const rest = loops.length;
    kernels.matmul(
      { batch: loops, m, k: a.columns, n: b.columns },
      operandWith(product, [...nest.strides.at(-1)!.slice(0, rest), b.columns, 1]),
      operandWith(x, [...nest.strides[0]!.slice(0, rest), rowStride, a.columnStride]),
      operandWith(other, [...(shared ? loops.map(() => 0) : nest.strides[1]!), b.rowStride, b.columnStride]),
    );
  },
  saves: ['x', 'other'],
  readFor: { x: ['other'], other: ['x'] },
  vjp({ product: dy }, { x, other }, _attrs, needs) {
    if (dy === undefined) return {};
    const left = x.shape.length === 1 ? unsqueeze(x, 0) : x;
    const right = other.shape.length === 1 ? unsqueeze(other, 1) : other;
    const tall = x.shape.length === 1 ? unsqueeze(dy, other.shape.length === 1 ? 0 : -2) : dy;
    const d = other.shape.length === 1 ? unsqueeze(tall, -1) : tall;
    return {
      x: needs.x ? withoutRow(matmul(d, transpose(right, -2, -1)), x) : undefined,
      other: needs.other ? withoutColumn(rightGradient(left, d, right), other) : undefined,
    };
  },
});

const withoutRow = (dx: Tensor, x: Tensor): Tensor => (x.shape.length === 1 ? squeeze(dx, -2) : dx);
const withoutColumn = (dx: Tensor, x: Tensor): Tensor => (x.shape.length === 1 ? squeeze(dx, -1) : dx);

/** `xᵀ dy`; for one matrix on the right of many, the many are joined to one product. */
function rightGradient(x: Tensor, dy: Tensor, other: Tensor): Tensor {
  if (other.shape.length > 2 || x.shape.length === 2) return matmul(transpose(x, -2, -1), dy);
  const rows = sizeOf(x.shape.slice(0, -1));
  return matmul(transpose(reshape(x, [rows, x.shape.at(-1)!]), 0, 1), reshape(dy, [rows, dy.shape.at(-1)!]));
}

/** Refuses an operand that has another number of dimensions than the operator works on. */
export function checkRank(op: string, name: string, x: Tensor, rank: number): void {
  checkTensor(op, name, x);
  if (x.shape.length === rank) return;
  const kind = ['a number', 'a vector', 'a matrix', 'a batch of matrices'][rank] ?? `of ${rank} dimensions`;
  throw new ShapeError(`${op}: ${name} must be ${kind} (${rank} dimensions), got ${showShape(x.shape)}`, {
    op,
    data: { shape: x.shape },
  });
}

/** Refuses inner sizes that differ, in the words of the operator that was called. */
export function checkInner(op: string, a: Tensor, b: Tensor): void {
  checkFactors(op, a, b);
  const inner = a.shape.at(-1)!;
  const outer = b.shape.length === 1 ? b.shape[0]! : b.shape.at(-2)!;
  if (inner === outer) return;
  throw new ShapeError(
    `${op}: inner sizes differ, ${inner} against ${outer}; a is ${showShape(a.shape)}, b is ${showShape(b.shape)}`,
    {
      op,
      data: { shapes: [a.shape, b.shape] },
    },
  );
}

/**
 * The product of two matrices, without broadcasting.
 *
 * - `x`: `[m, k]` · `mat2`: `[k, n]` · returns: `[m, n]`
 *
 * @throws {ShapeError} an operand is no matrix, or the inner sizes differ.
 * @example mm(ones([2, 3]), ones([3, 1])) // tensor([[3.], [3.]])
 */
export const mm = composite('mm', (x: Tensor, mat2: Tensor): Tensor => {
  checkRank('mm', 'a', x, 2);
  checkRank('mm', 'b', mat2, 2);
  checkInner('mm', x, mat2);
  return matmul(x, mat2);
});

/** Refuses two stacks of matrices whose counts differ. */
export function checkStacks(op: string, a: Tensor, b: Tensor): void {
  checkRank(op, 'a', a, 3);
  checkRank(op, 'b', b, 3);
  if (a.shape[0] !== b.shape[0]) {
    throw new ShapeError(
      `${op}: batch sizes differ, ${a.shape[0]} against ${b.shape[0]}; a is ${showShape(a.shape)}, b is ${showShape(b.shape)}`,
      { op },
    );
  }
  checkInner(op, a, b);
}

/**
 * The products of two equally long lists of matrices.
 *
 * - `x`: `[batch, m, k]` · `mat2`: `[batch, k, n]` · returns: `[batch, m, n]`
 *
 * @throws {ShapeError} an operand has not three dimensions, or sizes differ.
 */
export const bmm = composite('bmm', (x: Tensor, mat2: Tensor): Tensor => {
  checkStacks('bmm', x, mat2);
  return matmul(x, mat2);
});

/**
 * A matrix times a vector.
 *
 * - `x`: `[m, k]` · `vec`: `[k]` · returns: `[m]`
 *
 * @throws {ShapeError} the shapes do not fit.
 */
export const mv = composite('mv', (x: Tensor, vec: Tensor): Tensor => {
  checkRank('mv', 'a', x, 2);
  checkRank('mv', 'b', vec, 1);
  checkInner('mv', x, vec);
  return matmul(x, vec);
});

function dotOf(op: string, x: Tensor, y: Tensor): Tensor {
  checkRank(op, 'a', x, 1);
  checkRank(op, 'b', y, 1);
  checkInner(op, x, y);
  return matmul(x, y);
}

/**
 * The sum of the products of two vectors: `Σ xᵢ yᵢ`.
 *
 * - `x`, `y`: `[n]` · returns: `[]`
 *
 * @throws {ShapeError} an operand is no vector, or the lengths differ.
 * @example dot(tensor([2, 3]), tensor([2, 1])) // tensor(7.)
 */
export const dot = composite('dot', (x: Tensor, y: Tensor): Tensor => dotOf('dot', x, y));

/** `dot` with the first vector conjugated, which for real numbers is `dot`. @throws {ShapeError} as `dot`. */
export const vdot = composite('vdot', (x: Tensor, y: Tensor): Tensor => dotOf('vdot', x, y));

/**
 * Sums of products over the last dimension of both: `y[…, …] = Σₖ x[…, k] · other[…, k]`. A tensor without
 * dimensions multiplies the other.
 *
 * - `x`: `[...a, k]` · `other`: `[...b, k]` · returns: `[...a, ...b]`
 *
 * @throws {ShapeError} the last sizes differ.
 */
export const inner = composite('inner', (x: Tensor, other: Tensor): Tensor => {
  checkFactors('inner', x, other);
  if (x.shape.length === 0 || other.shape.length === 0) return mul(x, other);
  const k = x.shape.at(-1)!;
  if (k !== other.shape.at(-1)) {
    throw new ShapeError(
      `inner: last sizes differ, ${k} against ${other.shape.at(-1)}; a is ${showShape(x.shape)}, b is ${showShape(other.shape)}`,
      { op: 'inner' },
    );
  }
  const [left, right] = [x.shape.slice(0, -1), other.shape.slice(0, -1)];
  const rows = matmul(reshape(x, [sizeOf(left), k]), transpose(reshape(other, [sizeOf(right), k]), 0, 1));
  return reshape(rows, [...left, ...right]);
});

/**
 * All products of the elements of two vectors: `y[i, j] = x[i] · vec2[j]`.
 *
 * - `x`: `[m]` · `vec2`: `[n]` · returns: `[m, n]`
 *
 * @throws {ShapeError} an operand is no vector.
 * @example outer(tensor([1, 2]), tensor([3, 4])) // tensor([[3., 4.], [6., 8.]])
 */
export const outer = composite('outer', (x: Tensor, vec2: Tensor): Tensor => {
  checkRank('outer', 'a', x, 1);
  checkRank('outer', 'b', vec2, 1);
  return mul(unsqueeze(x, 1), vec2);
});
