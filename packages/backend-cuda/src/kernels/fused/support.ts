import { contiguousStrides, DTYPES, isFloating, sizeOf, type TensorOperand } from '@flambeau/core/backend';
import { ROW_ITEMS, ROW_THREADS, type RowVariant } from '../../cuda-c/fused/rows.ts';
import type { Kernel, Launch } from '../../launch.ts';
import type { Context } from '../context.ts';
import { arrange, classOf, isWide, type Loops } from '../loops.ts';

/** What fused kernels share. */

export type Operands = Readonly<Record<string, TensorOperand | undefined>>;
export type Attrs = Readonly<Record<string, unknown>>;

export const isEmpty = (operand: TensorOperand): boolean => sizeOf(operand.shape) === 0;

/** Whether every operand is floating and has elements. */
export const areFloating = (inputs: Operands): boolean =>
  Object.values(inputs).every((x) => x === undefined || (isFloating(x.dtype) && !isEmpty(x)));

/** Three numbers, with `fill` in front where there are fewer. */
export const three = (list: readonly number[], fill: number): number[] => [
  ...new Array<number>(3 - list.length).fill(fill),
  ...list,
];

/** Rows of `count` elements: the loops around them, over each operand. */
export interface Rows {
  readonly loops: Loops;
  readonly rows: number;
  readonly count: number;
  readonly variant: RowVariant;
}

const MOST_CACHED = ROW_ITEMS * ROW_THREADS;

/**
 * The rows of kernels that go over the last dimension. Rows keep the order of the shape, as outputs are written by the
 * number of their row: dimensions are joined, never moved.
 */
export function rowsOf(context: Context, shape: readonly number[], operands: readonly TensorOperand[]): Rows {
  const last = shape.length - 1;
  const count = shape[last]!;
  const first = { shape: shape.slice(0, last), strides: contiguousStrides(shape.slice(0, last)) };
  // Row-major strides lead, so that arranging joins and does not reorder.
  const arranged = arrange({
    shape: first.shape,
    strides: [first.strides, ...operands.map(({ strides }) => strides.slice(0, last))],
  });
  const loops = { shape: arranged.shape, strides: arranged.strides.slice(1) };
  const wide =
    isWide({ shape, strides: operands.map(({ strides }) => strides) }, context.narrowLimit) ||
    isWide(loops, context.narrowLimit);
  const variant = { dtype: operands[0]!.dtype, rank: classOf(loops), wide, cached: count <= MOST_CACHED };
  return { loops, rows: sizeOf(loops.shape), count, variant };
}

/** A number for what sets kernels over rows apart. */
export const rowNumber = ({ dtype, rank, wide, cached }: RowVariant): number =>
  (DTYPES[dtype].index * 9 + rank) * 4 + (wide ? 2 : 0) + (cached ? 1 : 0);

/** Launches a kernel over rows: a warp for each of several short ones, or a block for one. */
export function launchRows(launch: Launch, kernel: Kernel, { rows, count }: Rows): void {
  const wanted = Math.ceil(count / ROW_ITEMS / 32) * 32;
  const threads = Math.min(ROW_THREADS, wanted);
  const together = threads === 32 ? Math.min(4, rows) : 1;
  launch.launch(kernel, [Math.ceil(rows / together), 1, 1], [threads, together, 1], 0, launch.arguments);
}
