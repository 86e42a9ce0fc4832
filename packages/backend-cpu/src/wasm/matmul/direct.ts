import { type FunctionBuilder, i32, type ModuleBuilder, Type } from '../assembler/index.ts';
import { advance, at, atElement, countUp, locals, parameters, whileRoom } from '../emit.ts';
import type { Lane } from './lane.ts';
import { byElement, byVector, multiplyAdd, storeRows } from './packed.ts';
import { addStream, LONG_ROW, STREAMS } from './stream.ts';
import type { Tile } from './tile.ts';

/** `(depth, a, aRow, aStep, b, bStep, out, ld, base, baseLd)` for a few rows and `vectors` vectors of columns, 0 for one column. */
function addDirectTile(
  module: ModuleBuilder,
  lane: Lane,
  relaxed: boolean,
  rows: number,
  vectors: number,
): number {
  return module.function(parameters(10), [], (f) => {
    const [depth, a, aRow, aStep, b, bStep, out, ld, base, baseLd] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const;
    const sums = Array.from({ length: rows }, () => locals(f, Type.v128, Math.max(1, vectors)));
    const right = locals(f, Type.v128, Math.max(1, vectors));
    const splat = f.local(Type.v128);
    const lines = [a, ...locals(f, Type.i32, rows - 1)];
    for (let i = 1; i < rows; i++)
      f.get(lines[i - 1]!)
        .get(aRow)
        .op(i32.add)
        .set(lines[i]!);
    f.loop((again) => {
      for (const [j, vector] of right.entries()) {
        f.get(b);
        if (vectors === 0) f.memory(lane.loadFirst);
        else f.load(j * 16);
        f.set(vector);
      }
      advance(f, b, bStep);
      for (const [i, row] of sums.entries()) {
        f.get(lines[i]!).memory(lane.loadSplat).set(splat);
        advance(f, lines[i]!, aStep);
        for (const [j, sum] of row.entries()) multiplyAdd(f, lane, relaxed, splat, right[j]!, sum);
      }
      f.get(depth).i32(1).op(i32.sub).tee(depth).brIf(again);
    });
    const access = vectors === 0 ? byElement(f, lane) : byVector(f);
    storeRows(f, lane.add, sums, [out, ld, base, baseLd], access);
  });
}

const TALL = 4;
/**
 * `direct(rows, columns, depth, a, aRow, aStep, b, bStep, out, ld, base, baseLd)`: without packing, for a `b` whose
 * columns lie side by side. What lies at `base` must not be the output.
 */
function addDirect(module: ModuleBuilder, lane: Lane, { relaxed, vectors: most }: Tile): void {
  const widths = [4, 2, 1, 0].filter((vectors) => vectors <= most);
  const tall = widths.map((vectors) => addDirectTile(module, lane, relaxed, TALL, vectors));
  const flat = widths.map((vectors) => addDirectTile(module, lane, relaxed, 1, vectors));
  const streams = STREAMS.map(([rows, steps, vectors]) =>
    [steps, 1].map((count) => [count, addStream(module, lane, relaxed, rows, count, vectors)] as const),
  );
  module.export('direct', parameters(12), [], (f) => {
    const [rows, columns, depth, a, aRow, aStep, b, bStep, out, ld, base, baseLd] = [
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
    ] as const;
    const [i, j, length, to] = locals(f, Type.i32, 4);
    const tile = (callee: number): void => {
      f.get(depth);
      at(f, a, i, aRow).get(aRow).get(aStep);
      atElement(f, b, j, lane.bytes).get(bStep);
      at(f, out, i, ld).get(j).i32(lane.bytes).op(i32.mul).op(i32.add).get(ld);
      at(f, base, i, baseLd).get(j).i32(lane.bytes).op(i32.mul).op(i32.add).i32(0).get(base).select();
      f.get(baseLd).call(callee);
    };
    const stream = (kinds: readonly (readonly [number, number])[]): void => {
      f.get(columns).i32(lane.bytes).op(i32.mul).set(length);
      countUp(f, i, rows, 1, () => {
        at(f, out, i, ld).set(to);
        f.get(base).if(
          () => {
            f.get(to);
            at(f, base, i, baseLd).get(length).copyMemory();
          },
          () => void f.get(to).i32(0).get(length).fillMemory(),
        );
      });
      for (const [count, callee] of kinds)
        whileRoom(f, j, depth, count, () => {
          f.get(columns);
          at(f, a, j, aStep).get(aRow).get(aStep);
          at(f, b, j, bStep).get(bStep).get(out).get(ld).call(callee);
        });
      f.return();
    };
    for (const [w, [height, steps]] of STREAMS.entries()) {
      f.get(rows).i32(height).op(i32.eq);
      f.get(columns)
        .i32(LONG_ROW * lane.width)
        .op(i32.geS)
        .op(i32.and);
      f.get(depth).i32(steps).op(i32.geS).op(i32.and);
      f.if(() => stream(streams[w]!));
    }
    for (const [w, vectors] of widths.entries()) {
      const along = (): void =>
        whileRoom(f, j, columns, Math.max(1, vectors * lane.width), () => {
          f.i32(0).set(i);
          whileRoom(f, i, rows, TALL, () => tile(tall[w]!));
          whileRoom(f, i, rows, 1, () => tile(flat[w]!));
        });
      along();
      if (vectors !== 1) continue;
      // What is left of a row is computed by the row's last vector, in part for the second time.
      f.get(j).get(columns).op(i32.ltS);
      f.get(columns).i32(lane.width).op(i32.geS).op(i32.and);
      f.if(() => {
        f.get(columns).i32(lane.width).op(i32.sub).set(j);
        along();
      });
    }
  });
}

/** Leaves the sum of a vector's lanes in its first lane. */
export function addAcross(f: FunctionBuilder, lane: Lane, sum: number): void {
  for (let apart = 8; apart >= lane.bytes; apart /= 2) {
    const turned = Array.from({ length: 16 }, (_, i) => (i + apart) % 16);
    f.get(sum).get(sum).get(sum).shuffle(turned).op(lane.add).set(sum);
  }
}

/** `(depth, a, aRow, b, bColumn, out, ld, base, baseLd)`: sums along lines that lie in memory as they are multiplied. */
function addDotTile(
  module: ModuleBuilder,
  lane: Lane,
  relaxed: boolean,
  rows: number,
  columns: number,
  unroll: number,
): number {
  return module.function(parameters(9), [], (f) => {
    const [depth, a, aRow, b, bColumn, out, ld, base, baseLd] = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const;
    const parts = Array.from({ length: unroll }, () =>
      Array.from({ length: rows }, () => locals(f, Type.v128, columns)),
    );
    const right = locals(f, Type.v128, columns);
    const left = f.local(Type.v128);
    const l = f.local(Type.i32);
    const aLines = [a, ...locals(f, Type.i32, rows - 1)];
    const bLines = [b, ...locals(f, Type.i32, columns - 1)];
    for (let i = 1; i < rows; i++)
      f.get(aLines[i - 1]!)
        .get(aRow)
        .op(i32.add)
        .set(aLines[i]!);
    for (let j = 1; j < columns; j++)
      f.get(bLines[j - 1]!)
        .get(bColumn)
        .op(i32.add)
        .set(bLines[j]!);
    const step = (count: number, load: (at: number, part: number) => void, bytes: number): void => {
      for (let part = 0; part < count; part++) {
        for (const [j, line] of bLines.entries()) {
          load(line, part);
          f.set(right[j]!);
        }
        for (const [i, line] of aLines.entries()) {
          load(line, part);
          f.set(left);
          for (let j = 0; j < columns; j++)
            multiplyAdd(f, lane, relaxed, left, right[j]!, parts[part]![i]![j]!);
        }
      }
      for (const line of [...aLines, ...bLines]) f.increase(line, bytes);
    };
    const vector = (line: number, part: number): void => void f.get(line).load(part * 16);
    whileRoom(f, l, depth, unroll * lane.width, () => step(unroll, vector, unroll * 16));
    if (unroll > 1) whileRoom(f, l, depth, lane.width, () => step(1, vector, 16));
    whileRoom(f, l, depth, 1, () => step(1, (line) => void f.get(line).memory(lane.loadFirst), lane.bytes));
    const sums = parts[0]!;
    for (const [i, row] of sums.entries()) {
      for (const [j, sum] of row.entries()) {
        for (let part = 1; part < unroll; part++) f.get(sum).get(parts[part]![i]![j]!).op(lane.add).set(sum);
        addAcross(f, lane, sum);
      }
    }
    storeRows(f, lane.add, sums, [out, ld, base, baseLd], byElement(f, lane));
  });
}

/** `dots(rows, columns, depth, a, aRow, b, bColumn, out, ld, base, baseLd)`: for rows of `a` and columns of `b` that are contiguous. */
function addDots(module: ModuleBuilder, lane: Lane, relaxed: boolean): void {
  const shapes = [
    [
      2,
      [TALL, addDotTile(module, lane, relaxed, TALL, 2, 1)],
      [1, addDotTile(module, lane, relaxed, 1, 2, 4)],
    ],
    [
      1,
      [TALL, addDotTile(module, lane, relaxed, TALL, 1, 2)],
      [1, addDotTile(module, lane, relaxed, 1, 1, 8)],
    ],
  ] as const;
  module.export('dots', parameters(11), [], (f) => {
    const [rows, columns, depth, a, aRow, b, bColumn, out, ld, base, baseLd] = [
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ] as const;
    const [i, j] = locals(f, Type.i32, 2);
    for (const [columnsWide, ...heights] of shapes) {
      whileRoom(f, j, columns, columnsWide, () => {
        f.i32(0).set(i);
        for (const [height, callee] of heights) {
          whileRoom(f, i, rows, height, () => {
            f.get(depth);
            at(f, a, i, aRow).get(aRow);
            at(f, b, j, bColumn).get(bColumn);
            at(f, out, i, ld).get(j).i32(lane.bytes).op(i32.mul).op(i32.add).get(ld);
            at(f, base, i, baseLd).get(j).i32(lane.bytes).op(i32.mul).op(i32.add).i32(0).get(base).select();
            f.get(baseLd).call(callee);
          });
        }
      });
    }
  });
}

/** The products that read their operands where they lie: for small ones, and for those with few rows or columns. */
export function addUnpacked(module: ModuleBuilder, lane: Lane, tile: Tile): void {
  addDirect(module, lane, tile);
  addDots(module, lane, tile.relaxed);
}
