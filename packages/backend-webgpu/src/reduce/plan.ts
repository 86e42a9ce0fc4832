/** How a launch of a reduction divides its work. */
export interface ReducePlan {
  /** A workgroup reduces one part and joins its invocations' values in workgroup memory; else an invocation does. */
  readonly tree: boolean;
  /** Into how many parts the reduced elements of one result are cut; each gives one value. */
  readonly parts: number;
}

/** Invocations of a workgroup that reduces together. */
export const TREE_GROUP = 256;

/** Elements that an invocation should at least combine, for a launch to pay. */
const LEAST = 32;
const MOST = 512;

/**
 * Software adapters have few threads and slow barriers: there an invocation reduces alone. Elsewhere workgroups
 * reduce long runs, and invocations alone the short ones.
 */
export function planReduction(results: number, length: number, software: boolean): ReducePlan {
  if (!software && length >= 512) {
    const most = TREE_GROUP * (results >= 256 ? 1024 : 32);
    return { tree: true, parts: Math.min(1024, Math.ceil(length / most)) };
  }
  const threads = software ? 512 : 16_384;
  const each = Math.min(MOST, Math.max(LEAST, Math.ceil((results * length) / threads)));
  const parts = Math.ceil(length / each);
  // Cutting a run into a few parts that a second launch must join is not worth it.
  return { tree: false, parts: parts <= 4 && length <= MOST ? 1 : parts };
}
