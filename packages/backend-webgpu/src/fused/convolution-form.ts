import type { DType } from '@flambeau/core/backend';
import type { Problem } from './convolution-problem.ts';

/** What an invocation computes in one turn of its loops. */
export interface Block {
  /** Rows of the output, the same for a whole workgroup. */
  readonly rows: number;
  /** Places side by side along the last dimension. */
  readonly columns: number;
  /** Taps side by side. Where places and taps step alike, `columns + taps - 1` positions serve them all. */
  readonly taps: number;
  /** Whether taps step against places. */
  readonly turned: boolean;
}

/** What decides the shader of a convolution. */
export interface ConvolutionForm extends Block {
  readonly dtype: DType;
  readonly lanes: number;
  /** What the invocations of a workgroup lie along; with images, whose positions are the same, all skip a tap together. */
  readonly lanesOver: 'places' | 'images';
  readonly bias: boolean;
  /** Whether sums over parts of the channels are written to a workspace of 32-bit floats. */
  readonly partial: boolean;
}

/** What a multiply-add, a load of its own, and one that a whole workgroup shares cost an invocation, about. */
const COST = { multiply: 1.2, own: 12, shared: 3 } as const;
/** The numbers that blocks are made of: few, as each block is a shader to be compiled. */
const ROWS = [1, 2, 4, 6, 8];
const COLUMNS = [1, 2, 4, 5];
const TAPS = [1, 2, 3, 4, 5, 7];
/** Multiply-adds of one turn: longer shaders take long to compile. */
const MOST_MULTIPLIES = 128;

/** How much of blocks of `size` is needed for `count`. */
export const used = (count: number, size: number): number => count / (Math.ceil(count / size) * size);

/** The block with the least cost for each multiply-add that counts. */
export function blockOf({ rows: allRows, grid, loop, gridStep, loopStep }: Problem): Block {
  const [places, allTaps] = [grid[2], loop[2]];
  // Places and taps that step alike read positions in common.
  const slides = Math.abs(loopStep[2]) === gridStep[2];
  let best: Block = { rows: 1, columns: 1, taps: 1, turned: false };
  let least = Number.POSITIVE_INFINITY;
  for (const taps of TAPS) {
    if (allTaps % taps !== 0 || (taps > 1 && !slides)) continue;
    for (const columns of COLUMNS) {
      for (const rows of ROWS) {
        const multiplies = rows * columns * taps;
        if (multiplies > MOST_MULTIPLIES) continue;
        const loads = COST.own * (columns + taps - 1) + COST.shared * rows * taps;
        const cost = (loads / multiplies + COST.multiply) / (used(places, columns) * used(allRows, rows));
        if (cost >= least) continue;
        least = cost;
        best = { rows, columns, taps, turned: taps > 1 && loopStep[2] < 0 };
      }
    }
  }
  return best;
}

/** The share of a window's taps that lie inside, over all places, by the dimensions before the last. */
export function insideShare({ grid, loop, size, gridStep, gridBegin, loopStep }: Problem): number {
  const along = (d: 0 | 1): number => {
    let inside = 0;
    for (let place = 0; place < grid[d]; place++) {
      const begin = place * gridStep[d] + gridBegin[d];
      for (let tap = 0; tap < loop[d]; tap++) {
        const position = begin + tap * loopStep[d];
        if (position >= 0 && position < size[d]) inside++;
      }
    }
    return inside / Math.max(1, grid[d] * loop[d]);
  };
  return along(0) * along(1);
}
