/** Loops over several operands: sizes, and for each operand a stride for each size. */
export interface Loops {
  readonly shape: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/** The dimensions that have more than one place, in the order in which they lie in memory: largest stride first. */
export const byStride = (shape: readonly number[], strides: readonly number[]): number[] =>
  shape
    .map((_, dim) => dim)
    .filter((dim) => shape[dim] !== 1)
    .sort((a, b) => strides[b]! - strides[a]!);

/**
 * The same loops in the order in which the first operand lies in memory, largest stride first, with neighbours
 * joined where every operand walks them in one stride. For kernels that may visit elements in any order.
 */
export function arrange(shape: readonly number[], strides: readonly (readonly number[])[]): Loops {
  if (shape.length < 2) return { shape, strides };
  const sizes: number[] = [];
  const walks: number[][] = strides.map(() => []);
  for (const dim of byStride(shape, strides[0]!)) {
    const size = shape[dim]!;
    const last = sizes.length - 1;
    if (last >= 0 && strides.every((s, k) => walks[k]![last] === s[dim]! * size)) {
      sizes[last]! *= size;
      for (const [k, walk] of walks.entries()) walk[last] = strides[k]![dim]!;
    } else {
      sizes.push(size);
      for (const [k, walk] of walks.entries()) walk.push(strides[k]![dim]!);
    }
  }
  return { shape: sizes, strides: walks };
}

/** Splits off the innermost loop: its size and strides, and the loops around it. */
export function innermost({ shape, strides }: Loops): {
  readonly outerRank: number;
  readonly size: number;
  readonly steps: readonly number[];
} {
  const outerRank = Math.max(shape.length - 1, 0);
  return { outerRank, size: shape[outerRank] ?? 1, steps: strides.map((s) => s[outerRank] ?? 0) };
}
