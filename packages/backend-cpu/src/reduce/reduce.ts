import type { Operand, Reduction, RequiredKernels } from '@flambeau/core/backend';
import { compileSource } from '../policy.ts';
import { closureReduce } from './closures.ts';
import { innerSource, outerSource, type ReduceLoop } from './source.ts';

const MAX_RANKS = 9;

/** The `reduce` kernel. What it compiled lies in an array by the reduction's id and the layout. */
export function reduceKernel(bySource: boolean): RequiredKernels['reduce'] {
  const table: ReduceLoop[][] = [];
  const loopFor = (reduction: Reduction, rank: number, keptRank: number, outer: boolean): ReduceLoop => {
    const loops = (table[reduction.id] ??= []);
    const layout = ((keptRank * MAX_RANKS + rank) << 1) | (outer ? 1 : 0);
    return (loops[layout] ??= bySource
      ? compileSource<ReduceLoop>((outer ? outerSource : innerSource)(reduction, rank, keptRank))
      : closureReduce(reduction, keptRank));
  };
  return (reduction, shape, keptRank, output, inputs, parameters) => {
    const rank = shape.length;
    if (!bySource || rank < 2 || reduction.pre.usesIndex || reduction.post.usesIndex || inputs.length === 0) {
      loopFor(reduction, rank, keptRank, false)(shape, output, inputs, parameters);
      return;
    }
    const outer = keptRank > 0 && rank > keptRank && walksRows(shape, keptRank, inputs);
    if (isInOrder(inputs, 0, keptRank) && isInOrder(inputs, keptRank, rank)) {
      loopFor(reduction, rank, keptRank, outer)(shape, output, inputs, parameters);
      return;
    }
    const order = memoryOrder(shape, keptRank, inputs);
    loopFor(reduction, rank, keptRank, outer)(
      order.map((dim) => shape[dim]!),
      reordered(output, order.slice(0, keptRank)),
      inputs.map((input) => reordered(input, order)),
      parameters,
    );
  };
}

function reordered({ allocation, dtype, offset, strides }: Operand, order: readonly number[]): Operand {
  return { allocation, dtype, offset, strides: order.map((dim) => strides[dim]!) };
}

/** The largest stride of any input along a dimension. */
const reach = (inputs: readonly Operand[], dim: number): number => {
  let stride = 0;
  for (const input of inputs) stride = Math.max(stride, input.strides[dim]!);
  return stride;
};

/** Whether dimensions `from..to-1` already have the largest strides first. */
function isInOrder(inputs: readonly Operand[], from: number, to: number): boolean {
  for (let dim = from + 1; dim < to; dim++) if (reach(inputs, dim) > reach(inputs, dim - 1)) return false;
  return true;
}

/** The kept and the reduced dimensions, each with the largest strides first. */
function memoryOrder(shape: readonly number[], keptRank: number, inputs: readonly Operand[]): number[] {
  const order = shape.map((_, dim) => dim);
  const byStride = (a: number, b: number): number => reach(inputs, b) - reach(inputs, a);
  return [...order.slice(0, keptRank).sort(byStride), ...order.slice(keptRank).sort(byStride)];
}

/** Below this many columns a row of accumulators costs more than it saves. */
const FEW_COLUMNS = 4;

/** Whether neighbours in memory belong to different results, so that rows of accumulators pay. */
function walksRows(shape: readonly number[], keptRank: number, inputs: readonly Operand[]): boolean {
  let column = 0;
  for (let dim = 1; dim < keptRank; dim++) if (reach(inputs, dim) <= reach(inputs, column)) column = dim;
  const step = reach(inputs, column);
  if (shape[column]! < FEW_COLUMNS) return false;
  for (let dim = keptRank; dim < shape.length; dim++) if (reach(inputs, dim) <= step) return false;
  return true;
}
