import { collapse, type LoopNest, type Shape } from '../shape.ts';
import { dimLast } from './operands.ts';

/**
 * Loops for a kernel that works along one dimension: that one last, those before it joined where every operand
 * allows it. A shape without dimensions counts as one of a single element.
 */
export function along(shape: Shape, dim: number, ...strides: readonly (readonly number[])[]): LoopNest {
  if (shape.length === 0) return { shape: [1], strides: strides.map((walk) => [walk[0] ?? 0]) };
  const moved = strides.map((walk) => (walk.length === 0 ? [0] : dimLast(walk, dim)));
  const sizes = dimLast(shape, dim);
  const last = sizes.length - 1;
  const lead = collapse(
    sizes.slice(0, last),
    moved.map((walk) => walk.slice(0, last)),
  );
  return {
    shape: [...lead.shape, sizes[last]!],
    strides: lead.strides.map((walk, k) => [...walk, moved[k]![last]!]),
  };
}
