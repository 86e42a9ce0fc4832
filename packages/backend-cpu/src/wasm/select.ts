import type { DType, Operand } from '@flambeau/core/backend';
import type { Heap } from '../heap/heap.ts';
import type { KeyFiller } from '../sort/keys.ts';
import type { FoundWord, SelectionLoops, SelectionRoom } from '../sort/select.ts';
import type { LineRanks, LineSorter } from '../sort/sort.ts';
import { addressOf, inHeap, staged } from '../staging.ts';
import { Code } from '../threads/code.ts';
import { Odometer } from '../walk.ts';
import { type FunctionBuilder, i32, i32x4, ModuleBuilder, Type } from './assembler/index.ts';
import { advance, atElement, locals, parameters, whileRoom } from './emit.ts';
import { fillKeys } from './keys.ts';
import { emitRanks, RANK_PARAMETERS } from './ranks.ts';

/** Tables that neighbouring words are counted in: an entry that was just written is not there to be read for a while. */
const TABLES = 4;

/** Comparing each element with each other is faster than sorting by digits up to here. */
const LONGEST_RANKED = 192;
const MEDIANS = { none: 0, median: 1, nanmedian: 2 } as const;

/** Radix select on words in the heap, and short lines in the order of their ranks. */
export class WasmSelection implements SelectionLoops, LineSorter {
  readonly tables = TABLES;
  private readonly heap: Heap;
  private code: Code | null = null;
  /** The keys of a line, once there is memory for them. */
  private keys = 0;

  constructor(heap: Heap) {
    this.heap = heap;
  }

  takes(words: Uint32Array): boolean {
    return words.buffer === this.heap.memory.buffer;
  }

  filler(input: Operand): KeyFiller | null {
    const { dtype } = input;
    if ((dtype !== 'float32' && dtype !== 'int32') || !inHeap(input)) return null;
    const first = addressOf(input, 4) - input.offset * 4;
    return ({ high }, start, step, count) => {
      const name = step === 1 ? dtype : `${dtype} apart`;
      this.functions[name]!(high.byteOffset, first + start * 4, step * 4, count);
    };
  }

  find(words: Uint32Array, count: number, bits: number, rank: number, room: SelectionRoom): FoundWord {
    const { candidates, counts, digit } = room;
    const out = counts.byteOffset;
    this.functions.find!(words.byteOffset, count, bits, digit, rank, candidates.byteOffset, out);
    return { word: counts[0]! >>> 0, below: counts[1]!, equal: counts[2]! };
  }

  within(words: Uint32Array, count: number, least: number, most: number, positions: Int32Array): number {
    return this.functions.within!(
      words.byteOffset,
      count,
      least | 0,
      (most - least) | 0,
      positions.byteOffset,
    ) as number;
  }

  takesLine(dtype: DType, count: number): boolean {
    return (dtype === 'float32' || dtype === 'int32') && count > 0 && count <= LONGEST_RANKED;
  }

  order(
    shape: readonly number[],
    values: Operand,
    indices: Operand,
    x: Operand,
    { first, last, descending, median }: LineRanks,
  ): boolean {
    const dim = shape.length - 1;
    const count = shape[dim]!;
    this.keys ||= this.heap.allocateWorkspace(LONGEST_RANKED * 4);
    if (this.keys === 0) return false;
    return staged(this.heap, [values, indices], [x], (outputs, inputs) => {
      const operands = [...inputs, ...outputs];
      const lines = new Odometer(shape, Math.max(dim - 1, 0), operands);
      const ranks = [first, last, descending ? -1 : 0, MEDIANS[median ?? 'none']];
      do {
        const places = operands.flatMap((operand, k) => [
          addressOf({ ...operand, offset: lines.offsets[k]! }, 4),
          operand.strides[dim]! * 4,
          (operand.strides[dim - 1] ?? 0) * 4,
        ]);
        this.functions[`${x.dtype} ranks`]!(this.keys, shape[dim - 1] ?? 1, count, ...ranks, ...places);
      } while (lines.next());
    });
  }

  private get functions(): Code['functions'] {
    this.code ??= new Code(this.heap, moduleOf(this.heap.shared));
    return this.code.functions;
  }
}

function moduleOf(shared: boolean): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({ shared });
  for (const dtype of ['float32', 'int32'] as const) {
    for (const [name, neighbours] of [
      [dtype, true],
      [`${dtype} apart`, false],
    ] as const)
      module.export(name, parameters(4), [], (f) =>
        fillKeys(f, dtype, { keys: 0, x: 1, step: 2, count: 3 }, neighbours),
      );
    module.export(`${dtype} ranks`, parameters(RANK_PARAMETERS), [], (f) => emitRanks(f, dtype));
  }
  module.export('find', parameters(7), [], emitFind);
  module.export('within', parameters(5), [Type.i32], (f) => {
    const [words, count, least, span, positions] = [0, 1, 2, 3, 4] as const;
    f.get(collect(f, { words, count, least, span, target: positions }, 'positions'));
  });
  return module.toBytes();
}

/**
 * `(words, count, bits, digit, rank, candidates, counts)`: leaves the word of that rank, how many are smaller, and how
 * many are the same, where the counts begin.
 */
function emitFind(f: FunctionBuilder): void {
  const [words, count, bits, digit, rank, candidates, counts] = [0, 1, 2, 3, 4, 5, 6] as const;
  const [word, below, size, mask, bucket, own, least, span] = locals(f, Type.i32, 8);
  f.block((end) =>
    f.loop((again) => {
      f.get(bits).i32(0).op(i32.leS).brIf(end);
      f.get(digit).get(bits).get(digit).get(bits).op(i32.ltS).select().set(size);
      f.get(bits).get(size).op(i32.sub).set(bits);
      f.i32(1).get(size).op(i32.shl).i32(1).op(i32.sub).set(mask);
      countDigits(f, { words, count, shift: bits, mask, counts });
      findBucket(f, { counts, rank, below, bucket, own });
      f.get(word).get(size).op(i32.shl).get(bucket).op(i32.or).set(word);
      f.get(own).get(count).op(i32.ne);
      f.if(() => {
        f.get(word).get(bits).op(i32.shl).set(least);
        f.i32(1).get(bits).op(i32.shl).i32(1).op(i32.sub).set(span);
        f.get(collect(f, { words, count, least, span, target: candidates }, 'words')).set(count);
        f.get(candidates).set(words);
      });
      f.br(again);
    }),
  );
  f.get(counts).get(word).memory(i32.store);
  f.get(counts).get(below).memory(i32.store, 4);
  f.get(counts).get(count).memory(i32.store, 8);
}

/** How often each digit occurs, into the first of the tables. All are locals. */
function countDigits(
  f: FunctionBuilder,
  { words, count, shift, mask, counts }: Record<'words' | 'count' | 'shift' | 'mask' | 'counts', number>,
): void {
  const [i, at, bytes, entry, table] = locals(f, Type.i32, 5);
  f.get(mask).i32(1).op(i32.add).i32(2).op(i32.shl).set(bytes);
  f.get(counts).i32(0).get(bytes).i32(TABLES).op(i32.mul).fillMemory();
  f.get(words).set(at).i32(0).set(i);
  const add = (offset: number): void => {
    f.get(at).memory(i32.load, offset).get(shift).op(i32.shrU).get(mask).op(i32.and);
    f.i32(2).op(i32.shl).get(table).op(i32.add).tee(entry);
    f.get(entry).memory(i32.load).i32(1).op(i32.add).memory(i32.store);
  };
  whileRoom(f, i, count, TABLES, () => {
    f.get(counts).set(table);
    for (let k = 0; k < TABLES; k++) {
      add(k * 4);
      advance(f, table, bytes);
    }
    f.increase(at, TABLES * 4);
  });
  f.get(counts).set(table);
  whileRoom(f, i, count, 1, () => {
    add(0);
    f.increase(at, 4);
  });
  // The tables' sum.
  f.i32(0).set(i).get(counts).set(at);
  whileRoom(f, i, bytes, 16, () => {
    f.get(at).set(entry);
    f.get(at).get(at).load();
    for (let k = 1; k < TABLES; k++) {
      advance(f, entry, bytes);
      f.get(entry).load().op(i32x4.add);
    }
    f.store().increase(at, 16);
  });
}

/** The bucket with the element of a rank: what lies before it is added to `below`, and `own` is what it holds. */
function findBucket(
  f: FunctionBuilder,
  { counts, rank, below, bucket, own }: Record<'counts' | 'rank' | 'below' | 'bucket' | 'own', number>,
): void {
  f.i32(0).set(bucket);
  f.block((found) =>
    f.loop((again) => {
      atElement(f, counts, bucket, 4).memory(i32.load).tee(own);
      f.get(below).op(i32.add).get(rank).op(i32.gtS).brIf(found);
      f.get(below).get(own).op(i32.add).set(below).increase(bucket, 1).br(again);
    }),
  );
}

/**
 * Writes the words of `least..least+span`, or their positions, one behind the other, and gives the local that counts
 * them. The target of words may be where they are.
 */
function collect(
  f: FunctionBuilder,
  { words, count, least, span, target }: Record<'words' | 'count' | 'least' | 'span' | 'target', number>,
  what: 'words' | 'positions',
): number {
  const [i, at, found, hits] = locals(f, Type.i32, 4);
  const given = f.local(Type.v128);
  f.i32(0).set(i).get(words).set(at).i32(0).set(found);
  // Every lane is written, and the next one over it where it does not count.
  const put = (lane: number, counts: () => void): void => {
    atElement(f, target, found, 4);
    if (what === 'words') f.get(given).lane(i32x4.extract, lane);
    else f.get(i).i32(lane).op(i32.add);
    f.memory(i32.store).get(found);
    counts();
    f.op(i32.add).set(found);
  };
  whileRoom(f, i, count, 4, () => {
    f.get(at).load().tee(given).get(least).op(i32x4.splat).op(i32x4.sub);
    f.get(span).op(i32x4.splat).op(i32x4.leU).op(i32x4.bitmask).tee(hits);
    f.if(() => {
      for (let lane = 0; lane < 4; lane++)
        put(lane, () => f.get(hits).i32(lane).op(i32.shrU).i32(1).op(i32.and));
    });
    f.increase(at, 16);
  });
  whileRoom(f, i, count, 1, () => {
    f.get(at).memory(i32.load).op(i32x4.splat).set(given);
    put(0, () => f.get(at).memory(i32.load).get(least).op(i32.sub).get(span).op(i32.leU));
    f.increase(at, 4);
  });
  return found;
}
