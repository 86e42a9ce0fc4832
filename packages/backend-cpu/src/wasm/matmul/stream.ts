import { i32, type ModuleBuilder, Type } from '../assembler/index.ts';
import { advance, locals, parameters, whileRoom } from '../emit.ts';
import type { Lane } from './lane.ts';
import { byElement, byVector, multiplyAdd, type RowAccess } from './packed.ts';

/**
 * The steps of the depth that few rows take at once, and the vectors of columns: rows of a `b` beyond the caches are
 * then read from end to end, as many side by side as there are steps.
 */
export const STREAMS = [
  [1, 8, 2],
  [2, 4, 2],
  [3, 3, 1],
  [4, 2, 1],
] as const;
/** Vectors in a row of `b` from which on it is read so. */
export const LONG_ROW = 16;

/** `(columns, a, aRow, aStep, b, bStep, out, ld)`: adds `steps` of the depth of a few rows to the output. */
export function addStream(
  module: ModuleBuilder,
  lane: Lane,
  relaxed: boolean,
  rows: number,
  steps: number,
  vectors: number,
): number {
  return module.function(parameters(8), [], (f) => {
    const [columns, a, aRow, aStep, b, bStep, out, ld] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
    const factors = Array.from({ length: rows }, () => locals(f, Type.v128, steps));
    const sums = Array.from({ length: rows }, () => locals(f, Type.v128, vectors));
    const right = f.local(Type.v128);
    const [j, place] = locals(f, Type.i32, 2);
    const lines = [b, ...locals(f, Type.i32, steps - 1)];
    const outs = [out, ...locals(f, Type.i32, rows - 1)];
    const follow = (chain: readonly number[], step: number): void => {
      for (let i = 1; i < chain.length; i++)
        f.get(chain[i - 1]!)
          .get(step)
          .op(i32.add)
          .set(chain[i]!);
    };
    follow(lines, bStep);
    follow(outs, ld);
    for (const row of factors) {
      f.get(a).set(place);
      for (const factor of row) {
        f.get(place).memory(lane.loadSplat).set(factor);
        advance(f, place, aStep);
      }
      advance(f, a, aRow);
    }
    const along = (count: number, { load, store }: RowAccess, bytes: number): void =>
      whileRoom(f, j, columns, bytes / lane.bytes, () => {
        for (const [i, to] of outs.entries())
          for (let v = 0; v < count; v++) {
            load(to, v);
            f.set(sums[i]![v]!);
          }
        for (const [d, line] of lines.entries())
          for (let v = 0; v < count; v++) {
            load(line, v);
            f.set(right);
            for (const [i, row] of factors.entries())
              multiplyAdd(f, lane, relaxed, row[d]!, right, sums[i]![v]!);
          }
        for (const [i, to] of outs.entries()) for (let v = 0; v < count; v++) store(to, v, sums[i]![v]!);
        for (const line of [...lines, ...outs]) f.increase(line, bytes);
      });
    along(vectors, byVector(f), vectors * 16);
    if (vectors > 1) along(1, byVector(f), 16);
    along(1, byElement(f, lane), lane.bytes);
  });
}
