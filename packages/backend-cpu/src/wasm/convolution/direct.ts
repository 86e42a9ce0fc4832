import { type FunctionBuilder, i32, type ModuleBuilder, Type, v128 } from '../assembler/index.ts';
import { advance, atElement, countUp, locals } from '../emit.ts';
import { addAcross } from '../matmul/direct.ts';
import type { Lane } from '../matmul/lane.ts';
import { multiplyAdd } from '../matmul/packed.ts';
import type { Tile } from '../matmul/tile.ts';
import { plusWord, word } from './layout.ts';
import {
  BLOCK,
  findColumns,
  findGradient,
  findImage,
  findOutput,
  findWeight,
  overImages,
  overUnits,
  type Unit,
} from './units.ts';

/** Vectors of columns that are summed side by side, and taps whose gradients are: those of 3x3 windows. */
const VECTORS = 8;
const TAPS = 9;
/** The table of vectors: bytes of its mask, and of each vector's entry. */
const MASK = 16;
const ENTRY = 8;

/** Leaves `min(index + more, last)`. */
function clamped(f: FunctionBuilder, index: number, more: number, last: number): FunctionBuilder {
  const sum = (): FunctionBuilder => f.get(index).i32(more).op(i32.add);
  sum().get(last);
  return sum().get(last).op(i32.ltS).select();
}

/** Locals of a kernel: addresses, but for `first` and `last`, which count vectors or taps. */
interface Places {
  readonly source: number;
  readonly out: number;
  readonly weight: number;
  readonly taps: number;
  readonly first: number;
  readonly last: number;
}

/**
 * One channel's outputs, vector after vector, read from the windows where they lie; those behind `last` repeat it.
 * `bias` is the address of what they begin with, or 0.
 */
function sumWindows(
  f: FunctionBuilder,
  lane: Lane,
  { relaxed }: Tile,
  { source, out, weight, taps, first, last }: Places,
  bias: number,
): void {
  const starts = locals(f, Type.i32, VECTORS);
  const sums = locals(f, Type.v128, VECTORS);
  const [v, t, place, entry] = locals(f, Type.i32, 4);
  const [begin, factor, window] = locals(f, Type.v128, 3);
  const entryOf = (i: number): FunctionBuilder => {
    word(f, BLOCK, 'columnTable');
    return clamped(f, v, i, last).i32(ENTRY).op(i32.mul).op(i32.add);
  };
  f.splat('i32', 0).set(begin);
  f.get(bias).if(() => f.get(bias).memory(lane.loadSplat).set(begin));
  f.get(first).set(v);
  f.loop((again) => {
    for (const [i, start] of starts.entries()) {
      f.get(source);
      entryOf(i).memory(i32.load, MASK).op(i32.add).set(start);
      f.get(begin).set(sums[i]!);
    }
    countUp(f, t, taps, 1, () => {
      word(f, BLOCK, 'tapTable').get(t).i32(4).op(i32.mul).op(i32.add).memory(i32.load).set(place);
      atElement(f, weight, t, lane.bytes).memory(lane.loadSplat).set(factor);
      for (const [i, start] of starts.entries()) {
        f.get(start).get(place).op(i32.add).load().set(window);
        multiplyAdd(f, lane, relaxed, factor, window, sums[i]!);
      }
    });
    for (const [i, sum] of sums.entries()) {
      entryOf(i).set(entry);
      f.get(out)
        .get(entry)
        .memory(i32.load, MASK + 4)
        .op(i32.add)
        .get(sum)
        .store();
    }
    f.increase(v, VECTORS).get(v).get(last).op(i32.leS).brIf(again);
  });
}

/**
 * One channel's gradients of the taps from `first` to `last`, each the sum over the columns of an image of what it
 * met times the output's gradient, which lies at `out`. They are stored at `weight`, or added to what is there where
 * `more` is not 0.
 */
function sumTaps(
  f: FunctionBuilder,
  lane: Lane,
  { relaxed }: Tile,
  { source, out, weight, first, last }: Omit<Places, 'taps'>,
  more: number,
): void {
  const places = locals(f, Type.i32, TAPS);
  const sums = locals(f, Type.v128, TAPS);
  const [t, entry, end, start] = locals(f, Type.i32, 4);
  const [dy, window, own] = locals(f, Type.v128, 3);
  const target = (i: number): void => {
    f.get(weight);
    clamped(f, t, i, last).i32(lane.bytes).op(i32.mul).op(i32.add);
  };
  const upTo = (count: 'wholeVectors' | 'vectors', masked: boolean): void => {
    word(f, BLOCK, 'columnTable');
    word(f, BLOCK, count).i32(ENTRY).op(i32.mul).op(i32.add).set(end);
    f.block((done) =>
      f.loop((again) => {
        f.get(entry).get(end).op(i32.geS).brIf(done);
        f.get(out)
          .get(entry)
          .memory(i32.load, MASK + 4)
          .op(i32.add)
          .load();
        if (masked) f.get(own).op(v128.and);
        f.set(dy).get(entry).memory(i32.load, MASK).set(start);
        for (const [i, place] of places.entries()) {
          f.get(place).get(start).op(i32.add).load();
          // What another vector has counted may be infinite.
          if (masked) f.get(own).op(v128.and);
          f.set(window);
          multiplyAdd(f, lane, relaxed, dy, window, sums[i]!);
        }
        f.increase(entry, ENTRY).br(again);
      }),
    );
  };
  word(f, BLOCK, 'columnTable').load().set(own);
  f.get(first).set(t);
  f.loop((again) => {
    for (const [i, place] of places.entries()) {
      f.get(source);
      word(f, BLOCK, 'tapTable');
      clamped(f, t, i, last).i32(4).op(i32.mul).op(i32.add).memory(i32.load).op(i32.add).set(place);
      f.splat('i32', 0).set(sums[i]!);
    }
    word(f, BLOCK, 'columnTable').set(entry);
    upTo('wholeVectors', false);
    upTo('vectors', true);
    for (const sum of sums) addAcross(f, lane, sum);
    // All are read before one is stored, as those behind the last repeat it.
    f.get(more).if(() => {
      for (const [i, sum] of sums.entries()) {
        target(i);
        f.memory(lane.loadFirst).get(sum).op(lane.add).set(sum);
      }
    });
    for (const [i, sum] of sums.entries()) {
      target(i);
      f.get(sum).memoryLane(lane.storeFirst, 0);
    }
    f.increase(t, TAPS).get(t).get(last).op(i32.leS).brIf(again);
  });
}

/**
 * For groups of few output channels, whose rows would fill a small part of a tile: `direct` computes a convolution, its
 * units blocks of vectors, and `directWeightGradient` the gradient of its weight, its units blocks of taps.
 */
export function addDirect(module: ModuleBuilder, lane: Lane, tile: Tile, copyIn: number): void {
  const overChannels = (
    f: FunctionBuilder,
    lines: readonly (readonly [number, number])[],
    body: () => void,
  ): void => {
    const [o, channels] = locals(f, Type.i32, 2);
    word(f, BLOCK, 'outChannels').set(channels);
    countUp(f, o, channels, 1, () => {
      body();
      for (const [place, step] of lines) advance(f, place, step);
    });
  };
  /** The locals of a unit, and what they are set to where they are the same for both. */
  const begin = (f: FunctionBuilder, unit: Unit, across: 'vectors' | 'taps') => {
    const [source, out, weight, taps, first, last, limit, weightRow, yRow] = locals(f, Type.i32, 9);
    word(f, BLOCK, across).set(limit);
    findColumns(f, unit.block, first, last, limit);
    f.get(first).get(last).op(i32.add).i32(1).op(i32.sub).set(last);
    word(f, BLOCK, 'taps').tee(taps).i32(lane.bytes).op(i32.mul).set(weightRow);
    word(f, BLOCK, 'yRow').set(yRow);
    return { source, out, weight, taps, first, last, weightRow, yRow };
  };
  overUnits(module, 'direct', (f, unit) => {
    const places = begin(f, unit, 'vectors');
    const { source, out, weight, weightRow, yRow } = places;
    const [bias, biasStep] = locals(f, Type.i32, 2);
    findImage(f, copyIn, unit.outer, unit.group, source);
    findOutput(f, unit.outer, unit.group, out);
    findWeight(f, unit, weight);
    word(f, BLOCK, 'biasStep').set(biasStep);
    f.get(unit.group);
    word(f, BLOCK, 'outChannels').op(i32.mul).get(biasStep).op(i32.mul).set(bias);
    plusWord(f, BLOCK, bias, 'bias').set(bias);
    const lines = [
      [out, yRow],
      [weight, weightRow],
      [bias, biasStep],
    ] as const;
    overChannels(f, lines, () => sumWindows(f, lane, tile, places, bias));
  });
  overUnits(module, 'directWeightGradient', (f, unit) => {
    const places = begin(f, unit, 'taps');
    const { source, out, weight, weightRow, yRow } = places;
    overImages(f, unit, (image, more) => {
      findImage(f, copyIn, image, unit.group, source);
      findOutput(f, image, unit.group, out);
      findGradient(f, unit, weight);
      overChannels(
        f,
        [
          [out, yRow],
          [weight, weightRow],
        ],
        () => sumTaps(f, lane, tile, places, more),
      );
    });
  });
}
