import { composite, pointwise } from '../dispatch/declare.ts';
import { ArgumentError, checkOptions, describe, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sizeOf, wrapDims } from '../shape.ts';
import { mul } from './arithmetic.ts';
import { sum } from './broadcast.ts';
import { cast, clone } from './copying.ts';
import { eye } from './creation.ts';
import { checkFactors, checkRank, matmul } from './matmul.ts';
import { permute, reshape } from './reshape.ts';
import { diagonal } from './slicing.ts';

export interface TensordotOptions {
  /** How many of the last dimensions of `x` meet the first of `other`, or which dims of each meet. Default 2. */
  readonly dims?: number | readonly [readonly number[], readonly number[]];
}

/**
 * The sum of products over several dimensions at once: those of `x` meet those of `other` in the order given.
 *
 * - returns: the other dimensions of `x`, then those of `other`
 *
 * @throws {ShapeError} the sizes of dims that meet differ.
 * @example tensordot(ones([2, 3, 4]), ones([3, 4, 5])).shape // [2, 5]
 */
export const tensordot = composite(
  'tensordot',
  (x: Tensor, other: Tensor, options?: TensordotOptions): Tensor => {
    checkOptions('tensordot', options, ['dims']);
    checkFactors('tensordot', x, other);
    const [left, right] = meetingDims(x, other, options?.dims ?? 2);
    let [a, b] = [x, other];
    left.forEach((dim, i) => {
      const [p, q] = [x.shape[dim]!, other.shape[right[i]!]!];
      if (p === q) return;
      if (p === 1) b = cast(sum(b, right[i]!, { keepdim: true }), b.dtype);
      else if (q === 1) a = cast(sum(a, dim, { keepdim: true }), a.dtype);
      else
        throw new ShapeError(
          `tensordot: dim ${dim} of ${showShape(x.shape)} and dim ${right[i]} of ${showShape(other.shape)} differ, ${p} against ${q}`,
          { op: 'tensordot' },
        );
    });
    const keptA = a.shape.map((_, i) => i).filter((i) => !left.includes(i));
    const keptB = b.shape.map((_, i) => i).filter((i) => !right.includes(i));
    const k = sizeOf(left.map((dim) => a.shape[dim]!));
    const rows = keptA.map((dim) => a.shape[dim]!);
    const columns = keptB.map((dim) => b.shape[dim]!);
    const product = matmul(
      reshape(permute(a, [...keptA, ...left]), [sizeOf(rows), k]),
      reshape(permute(b, [...right, ...keptB]), [k, sizeOf(columns)]),
    );
    return reshape(product, [...rows, ...columns]);
  },
);

function meetingDims(
  x: Tensor,
  other: Tensor,
  dims: NonNullable<TensordotOptions['dims']>,
): [readonly number[], readonly number[]] {
  if (typeof dims === 'number') {
    if (!Number.isInteger(dims) || dims < 0 || dims > x.shape.length || dims > other.shape.length) {
      throw new ShapeError(
        `tensordot: dims ${dims} is out of range; a is ${showShape(x.shape)}, b is ${showShape(other.shape)}`,
        { op: 'tensordot' },
      );
    }
    return [
      Array.from({ length: dims }, (_, i) => x.shape.length - dims + i),
      Array.from({ length: dims }, (_, i) => i),
    ];
  }
  const [left, right] = dims;
  if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) {
    throw new ArgumentError(
      `tensordot: dims must be a number or two lists of equal length, got ${describe(left)} and ${describe(right)}`,
      { op: 'tensordot' },
    );
  }
  return [wrapDims('tensordot', left, x), wrapDims('tensordot', right, other)];
}

/**
 * The Kronecker product: blocks of `other`, each times one element of `x`.
 *
 * - returns: sizes are the products of the sizes; the shorter shape is filled with 1 at the front
 *
 * @example kron(eye(2), ones([1, 2])) // tensor([[1., 1., 0., 0.], [0., 0., 1., 1.]])
 */
export const kron = composite('kron', (x: Tensor, other: Tensor): Tensor => {
  const rank = Math.max(x.shape.length, other.shape.length);
  const full = (shape: readonly number[]): number[] => [
    ...new Array<number>(rank - shape.length).fill(1),
    ...shape,
  ];
  const [a, b] = [full(x.shape), full(other.shape)];
  const blocks = mul(
    reshape(
      x,
      a.flatMap((size) => [size, 1]),
    ),
    reshape(
      other,
      b.flatMap((size) => [1, size]),
    ),
  );
  return reshape(
    blocks,
    a.map((size, i) => size * b[i]!),
  );
});

/**
 * The sum of the elements on the main diagonal: `Σᵢ x[i, i]`.
 *
 * @throws {ShapeError} `x` is no matrix.
 * @example trace(tensor([[1, 2], [3, 4]])) // tensor(5.)
 */
export const trace = composite('trace', (x: Tensor): Tensor => {
  checkRank('trace', 'x', x, 2);
  return sum(diagonal(x));
});

/**
 * The product of several matrices, multiplied in the order that costs least. The first may be a row vector and the
 * last a column vector; their dimension is left out of the result.
 *
 * @throws {ShapeError} neighbours do not fit. @throws {ArgumentError} there are less than two.
 * @example multiDot([ones([2, 3]), ones([3, 4]), ones([4])]).shape // [2]
 */
export const multiDot = composite(
  'multiDot',
  (tensors: readonly Tensor[]): Tensor => chain('multiDot', tensors, 2),
);

/** `multiDot` of matrices, under PyTorch's older name; one matrix alone is returned. @throws {ShapeError} neighbours do not fit. */
export const chainMatmul = composite(
  'chainMatmul',
  (tensors: readonly Tensor[]): Tensor => chain('chainMatmul', tensors, 1),
);

function chain(op: string, tensors: readonly Tensor[], least: number): Tensor {
  if (!Array.isArray(tensors) || tensors.length < least) {
    throw new ArgumentError(
      `${op}: takes an array of at least ${least} tensors, got ${Array.isArray(tensors) ? tensors.length : describe(tensors)}`,
      { op },
    );
  }
  checkFactors(op, ...tensors);
  const last = tensors.length - 1;
  tensors.forEach((x, i) => {
    const atEnd = i === 0 || i === last;
    if (x.shape.length === 2 || (least === 2 && atEnd && x.shape.length === 1)) return;
    throw new ShapeError(
      `${op}: operand ${i} must be a matrix${atEnd && least === 2 ? ' or a vector' : ''}, got ${showShape(x.shape)}`,
      { op },
    );
  });
  // sizes[i] and sizes[i + 1] are the rows and columns of operand i.
  const first = tensors[0]!;
  const sizes = [
    first.shape.length === 1 ? 1 : first.shape[0]!,
    ...tensors.map((x, i) => (i === last && x.shape.length === 1 && i > 0 ? 1 : x.shape.at(-1)!)),
  ];
  const splits = cheapestSplits(sizes);
  const multiply = (from: number, to: number): Tensor => {
    if (from === to) return tensors[from]!;
    const split = splits[from]![to]!;
    return matmul(multiply(from, split), multiply(split + 1, to));
  };
  return multiply(0, last);
}

/** For each range of operands, after which one to split it, by dynamic programming over the counts of products. */
function cheapestSplits(sizes: readonly number[]): number[][] {
  const count = sizes.length - 1;
  const cost = Array.from({ length: count }, () => new Array<number>(count).fill(0));
  const splits = Array.from({ length: count }, () => new Array<number>(count).fill(0));
  for (let length = 2; length <= count; length++) {
    for (let from = 0; from + length <= count; from++) {
      const to = from + length - 1;
      cost[from]![to] = Number.POSITIVE_INFINITY;
      for (let split = from; split < to; split++) {
        const total =
          cost[from]![split]! + cost[split + 1]![to]! + sizes[from]! * sizes[split + 1]! * sizes[to + 1]!;
        if (total >= cost[from]![to]!) continue;
        cost[from]![to] = total;
        splits[from]![to] = split;
      }
    }
  }
  return splits;
}

/** The second operand, whatever the first holds; the gradient of that is zero. */
const constantOf = pointwise('matrixPower', (_x, value) => value, { grad: ({ dy }) => [dy.mul(0), null] });

/**
 * The matrix multiplied by itself `n` times, by repeated squaring; the identity for `n` = 0.
 *
 * - `x`: `[..., n, n]`
 *
 * @throws {ShapeError} the matrices are not square. @throws {ArgumentError} `n` is no integer of 0 or more.
 * @example matrixPower(tensor([[1, 1], [0, 1]]), 3) // tensor([[1., 3.], [0., 1.]])
 */
export const matrixPower = composite('matrixPower', (x: Tensor, n: number): Tensor => {
  if (x.shape.length < 2 || x.shape.at(-1) !== x.shape.at(-2)) {
    throw new ShapeError(`matrixPower: needs square matrices, got ${showShape(x.shape)}`, {
      op: 'matrixPower',
    });
  }
  if (!Number.isInteger(n) || n < 0)
    throw new ArgumentError(`matrixPower: n must be an integer of 0 or more, got ${n}`, {
      op: 'matrixPower',
    });
  if (n === 0) return constantOf(x, eye(x.shape.at(-1)!, { dtype: x.dtype, device: x.device }));
  let result: Tensor | undefined;
  let square = x;
  for (let rest = n; ; square = matmul(square, square)) {
    if (rest % 2 === 1) result = result === undefined ? square : matmul(result, square);
    rest = Math.floor(rest / 2);
    if (rest === 0) return n === 1 ? clone(result!) : result!;
  }
});
