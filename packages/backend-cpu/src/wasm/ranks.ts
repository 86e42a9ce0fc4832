import { type FunctionBuilder, i32, i32x4, Type, v128 } from './assembler/index.ts';
import { advance, at, atElement, countOn, countUp, locals } from './emit.ts';
import { fillKeys } from './keys.ts';
import { UNIT } from './programs/value.ts';

export const RANK_PARAMETERS = 16;

/**
 * `(keys, rows, count, first, last, flip, median, x, xStep, xRow, y, yStep, yRow, places, placeStep, placeRow)`: of each
 * row the elements of ranks `first..last`, in order, and their places; steps in bytes. A rank is how many elements are
 * smaller, or equal and earlier: each is compared with all. `keys` has room for whole vectors. `flip` is -1 for ranks
 * from the largest. Where `median` is not 0 there is one rank, that of the median among a row's numbers; where it is 1,
 * that of the first NaN, if there is one.
 */
export function emitRanks(f: FunctionBuilder, dtype: 'float32' | 'int32'): void {
  const [keys, rows, count, first, last, flip, median] = [0, 1, 2, 3, 4, 5, 6] as const;
  const [x, xStep, xRow, y, yStep, yRow, places, placeStep, placeRow] = [
    7, 8, 9, 10, 11, 12, 13, 14, 15,
  ] as const;
  const [row, to, from, block, span] = locals(f, Type.i32, 5);
  countUp(f, row, rows, 1, () => {
    // Lanes behind the last element rank behind all.
    f.get(keys).get(count).i32(1).op(i32.sub).i32(-UNIT).op(i32.and).i32(2).op(i32.shl).op(i32.add);
    f.i32x4([-1, -1, -1, -1]).store();
    f.get(keys).set(to).get(x).set(from);
    fillKeys(f, dtype, { keys: to, x: from, step: xStep, count, flip }, false);
    f.get(median);
    f.if(() => {
      medianRank(f, keys, count, median, first);
      f.get(first).set(last);
    });
    f.get(last).get(first).op(i32.sub).set(span);
    countUp(f, block, count, UNIT, () => {
      const ranks = ranksOf(f, keys, count, block);
      const rank = f.local(Type.i32);
      for (let lane = 0; lane < UNIT; lane++) {
        f.get(ranks).lane(i32x4.extract, lane).get(first).op(i32.sub).tee(rank).get(span).op(i32.leU);
        f.if(() => {
          f.get(block).i32(lane).op(i32.add).set(from);
          at(f, y, rank, yStep);
          at(f, x, from, xStep).memory(i32.load).memory(i32.store);
          at(f, places, rank, placeStep).get(from).memory(i32.store);
        });
      }
    });
    advance(f, x, xRow);
    advance(f, y, yRow);
    advance(f, places, placeRow);
  });
}

/** The local of the ranks of four neighbouring elements. */
function ranksOf(f: FunctionBuilder, keys: number, count: number, block: number): number {
  const [own, ranks, other, ties] = locals(f, Type.v128, 4);
  const [j, address] = locals(f, Type.i32, 2);
  const splat = (offset = 0): FunctionBuilder => f.get(address).memory(v128.load32Splat, offset);
  // Comparisons are -1 where they hold.
  const add = (holds: () => void): void => {
    f.get(ranks);
    holds();
    f.op(i32x4.sub).set(ranks);
  };
  atElement(f, keys, block, 4).load().set(own);
  f.i32x4([0, 0, 0, 0]).set(ranks).get(keys).set(address);
  countUp(f, j, block, UNIT, () => {
    for (let k = 0; k < UNIT; k++)
      add(
        () =>
          void splat(k * 4)
            .get(own)
            .op(i32x4.leU),
      );
    f.increase(address, UNIT * 4);
  });
  for (let lane = 0; lane < UNIT; lane++) {
    splat(lane * 4)
      .tee(other)
      .get(own)
      .op(i32x4.eq);
    f.i32x4([0, 1, 2, 3].map((i) => (i > lane ? -1 : 0)))
      .op(v128.and)
      .set(ties);
    add(() => void f.get(other).get(own).op(i32x4.ltU).get(ties).op(v128.or));
  }
  f.get(block)
    .i32(UNIT)
    .op(i32.add)
    .set(j)
    .increase(address, UNIT * 4);
  // What stands behind the last element is larger than all.
  countOn(f, j, count, UNIT, () => {
    for (let k = 0; k < UNIT; k++)
      add(
        () =>
          void splat(k * 4)
            .get(own)
            .op(i32x4.ltU),
      );
    f.increase(address, UNIT * 4);
  });
  return ranks;
}

/** The rank of the median of a row, whose NaN are the largest keys. */
function medianRank(f: FunctionBuilder, keys: number, count: number, median: number, rank: number): void {
  const [i, address, numbers] = locals(f, Type.i32, 3);
  f.i32(0).set(numbers).get(keys).set(address);
  countUp(f, i, count, UNIT, () => {
    f.get(address).load().i32x4([-1, -1, -1, -1]).op(i32x4.ne).op(i32x4.bitmask).op(i32.popcnt);
    f.get(numbers)
      .op(i32.add)
      .set(numbers)
      .increase(address, UNIT * 4);
  });
  f.get(numbers).get(count).op(i32.ltS).get(median).i32(1).op(i32.eq).op(i32.and);
  f.if(
    () => void f.get(numbers).set(rank),
    () => {
      f.get(numbers).i32(1).op(i32.sub).tee(rank).i32(0).get(rank).i32(0).op(i32.gtS).select();
      f.i32(1).op(i32.shrU).set(rank);
    },
  );
}
