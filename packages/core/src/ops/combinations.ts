import { checkInteger, checkTensor, checkTensors } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { resultType } from '../dtype.ts';
import { ArgumentError, checkOptions, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { cast } from './copying.ts';
import { cat, stack } from './joining.ts';
import { meshgrid } from './meshgrid.ts';
import { pad } from './pad.ts';
import { hostIndices, takeSlices } from './positions.ts';
import { reshape } from './reshape.ts';

function checkLine(op: string, x: Tensor): void {
  if (x.shape.length !== 1)
    throw new ShapeError(`${op}: the tensor must have one dimension, got ${showShape(x.shape)}`, { op });
}

/**
 * All ways to take one element of each tensor, the last one changing fastest.
 *
 * - `tensors`: each `[n_k]`, of one dtype
 * - returns: `[n_0 * n_1 * ..., count]`; of one tensor that tensor
 *
 * @throws {ShapeError} a tensor has not one dimension.
 * @example cartesianProd([tensor([1, 2]), tensor([3, 4])]).shape // [4, 2]
 */
export const cartesianProd = composite('cartesianProd', (tensors: readonly Tensor[]): Tensor => {
  checkTensors('cartesianProd', tensors);
  for (const x of tensors) checkLine('cartesianProd', x);
  const lines = meshgrid(tensors).map((grid) => reshape(grid, [grid.size]));
  return lines.length === 1 ? lines[0]! : stack(lines, 1);
});

export interface CombinationsOptions {
  /** How many elements each one has. Default 2. */
  readonly r?: number;
  /** Whether an element may stand in one several times. Default false. */
  readonly withReplacement?: boolean;
}

/**
 * All combinations of `r` elements, in the order of the elements.
 *
 * - `x`: `[n]`
 * - returns: `[count, r]`
 *
 * @throws {ShapeError} `x` has not one dimension.
 * @throws {ArgumentError} `r` is negative.
 * @example combinations(tensor([1, 2, 3])) // tensor([[1., 2.], [1., 3.], [2., 3.]])
 */
export const combinations = composite('combinations', (x: Tensor, options?: CombinationsOptions): Tensor => {
  checkTensor('combinations', 'x', x);
  checkOptions('combinations', options, ['r', 'withReplacement']);
  checkLine('combinations', x);
  const { r = 2, withReplacement = false } = options ?? {};
  checkInteger('combinations', 'r', r);
  if (r < 0) throw new ArgumentError(`combinations: r must be 0 or more, got ${r}`, { op: 'combinations' });
  const rows = r === 0 ? [] : choices(x.size, r, withReplacement);
  const flat = takeSlices(x, 0, hostIndices(x.entry, rows.flat(), [rows.length * r]));
  return r === 0 ? flat : reshape(flat, [rows.length, r]);
});

function choices(count: number, r: number, withReplacement: boolean, from = 0): number[][] {
  if (r === 0) return [[]];
  const rows: number[][] = [];
  for (let first = from; first < count; first++) {
    const rest = choices(count, r - 1, withReplacement, withReplacement ? first : first + 1);
    for (const row of rest) rows.push([first, ...row]);
  }
  return rows;
}

/**
 * A matrix with the tensors along its diagonal and 0 elsewhere.
 *
 * - `tensors`: each `[n_k, m_k]`, `[m_k]` as one row, or `[]`
 * - returns: `[sum of n_k, sum of m_k]`
 *
 * @throws {ShapeError} a tensor has more than two dimensions.
 * @example blockDiag([tensor([[1, 2]]), tensor(3)]) // tensor([[1., 2., 0.], [0., 0., 3.]])
 */
export const blockDiag = composite('blockDiag', (tensors: readonly Tensor[]): Tensor => {
  checkTensors('blockDiag', tensors);
  const dtype = resultType(tensors.map((x) => ({ dtype: x.dtype, shape: [1] })));
  const blocks = tensors.map((x, i) => {
    if (x.shape.length > 2) {
      throw new ShapeError(
        `blockDiag: tensor ${i} must have two dimensions at most, got ${showShape(x.shape)}`,
        { op: 'blockDiag' },
      );
    }
    return reshape(cast(x, dtype), [x.shape.length < 2 ? 1 : x.shape[0]!, x.shape.at(-1) ?? 1]);
  });
  const columns = blocks.reduce((total, block) => total + block.shape[1]!, 0);
  let before = 0;
  const rows = blocks.map((block) => {
    const row = pad(block, [before, columns - before - block.shape[1]!]);
    before += block.shape[1]!;
    return row;
  });
  return cat(rows, 0);
});
