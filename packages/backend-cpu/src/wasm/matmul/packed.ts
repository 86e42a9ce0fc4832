import { type FunctionBuilder, i32, type ModuleBuilder, type Opcode, Type } from '../assembler/index.ts';
import { advance, at, atElement, countUp, locals, parameters, remaining } from '../emit.ts';
import type { Element, Lane } from './lane.ts';
import { addPack } from './packing.ts';
import { columnsOf, ROWS, TILE_BYTES, type Tile } from './tile.ts';

/** Rows, steps and columns of a packed block: a block of `a` stays in the second cache, a panel of `b` in the first. */
export const BLOCK_ROWS = 96;
export const BLOCK_DEPTH = 512;
export const BLOCK_COLUMNS = 512;

/** Leaves a * b + c for a splat element, a vector and a sum. */
export function multiplyAdd(
  f: FunctionBuilder,
  lane: Lane,
  relaxed: boolean,
  a: number,
  b: number,
  sum: number,
): void {
  if (relaxed && lane.madd !== null) f.get(a).get(b).get(sum).op(lane.madd).set(sum);
  else f.get(sum).get(a).get(b).op(lane.mul).op(lane.add).set(sum);
}

/** How a tile's columns are read and written, from the address of a row on. */
export interface RowAccess {
  readonly load: (from: number, column: number) => void;
  readonly store: (to: number, column: number, sum: number) => void;
}

export const byVector = (f: FunctionBuilder): RowAccess => ({
  load: (from, column) => void f.get(from).load(column * 16),
  store: (to, column, sum) =>
    void f
      .get(to)
      .get(sum)
      .store(column * 16),
});

export const byElement = (f: FunctionBuilder, lane: Lane): RowAccess => ({
  load: (from, column) => void f.get(from).memory(lane.loadFirst, column * lane.bytes),
  store: (to, column, sum) =>
    void f
      .get(to)
      .get(sum)
      .memoryLane(lane.storeFirst, 0, column * lane.bytes),
});

/**
 * Stores a tile's rows at `out`, each `ld` bytes behind the last: as they are, or added to what lies at `base`, whose
 * rows are `baseLd` apart, where `base` is not 0. So a product is begun, continued, or given a bias. A row is read
 * before one is written, and all are written in one place, as V8 pairs vectors only from neighbouring stores on.
 */
export function storeRows(
  f: FunctionBuilder,
  add: Opcode,
  sums: readonly (readonly number[])[],
  [out, ld, base, baseLd]: readonly [number, number, number, number],
  { load, store }: RowAccess,
): void {
  const bases = locals(f, Type.v128, sums[0]!.length);
  f.get(base).if(() => {
    for (const [i, row] of sums.entries()) {
      if (i > 0) advance(f, base, baseLd);
      for (const [j, vector] of bases.entries()) {
        load(base, j);
        f.set(vector);
      }
      for (const [j, sum] of row.entries()) f.get(bases[j]!).get(sum).op(add).set(sum);
    }
  });
  for (const [i, row] of sums.entries()) {
    if (i > 0) advance(f, out, ld);
    for (const [j, sum] of row.entries()) store(out, j, sum);
  }
}

/** `tile(depth, a, b, out, ld, base, baseLd)`: the product of two panels. */
function addTile(module: ModuleBuilder, lane: Lane, { relaxed, vectors }: Tile): number {
  return module.function(parameters(7), [], (f) => {
    const [depth, a, b, out, ld, base, baseLd] = [0, 1, 2, 3, 4, 5, 6] as const;
    const sums = Array.from({ length: ROWS }, () => locals(f, Type.v128, vectors));
    const right = locals(f, Type.v128, vectors);
    const splat = f.local(Type.v128);
    const end = f.local(Type.i32);
    atElement(f, a, depth, ROWS * lane.bytes).set(end);
    f.loop((again) => {
      for (const [j, vector] of right.entries())
        f.get(b)
          .load(j * 16)
          .set(vector);
      for (const [i, row] of sums.entries()) {
        f.get(a)
          .memory(lane.loadSplat, i * lane.bytes)
          .set(splat);
        for (const [j, sum] of row.entries()) multiplyAdd(f, lane, relaxed, splat, right[j]!, sum);
      }
      f.increase(b, 16 * vectors);
      f.get(a)
        .i32(ROWS * lane.bytes)
        .op(i32.add)
        .tee(a)
        .get(end)
        .op(i32.ne)
        .brIf(again);
    });
    storeRows(f, lane.add, sums, [out, ld, base, baseLd], byVector(f));
  });
}

/** `edge(tile, out, ld, rows, columns, base, baseLd)`: stores a part of a finished tile. */
function addEdge(module: ModuleBuilder, lane: Lane, shape: Tile): number {
  return module.function(parameters(7), [], (f) => {
    const [tile, out, ld, rows, columns, base, baseLd] = [0, 1, 2, 3, 4, 5, 6] as const;
    const [i, j] = locals(f, Type.i32, 2);
    countUp(f, i, rows, 1, () => {
      countUp(f, j, columns, 1, () => {
        atElement(f, out, j, lane.bytes);
        atElement(f, tile, j, lane.bytes).memory(lane.load);
        f.get(base).if(
          () => atElement(f, base, j, lane.bytes).memory(lane.load),
          () =>
            void {
              [Type.f32]: () => f.f32(-0),
              [Type.f64]: () => f.f64(-0),
              [Type.i32]: () => f.i32(0),
              [Type.i64]: () => f.i64(0n),
              [Type.v128]: () => f,
            }[lane.type](),
          lane.type,
        );
        f.op(lane.addOne).memory(lane.store);
      });
      f.increase(tile, columnsOf(lane, shape) * lane.bytes);
      advance(f, out, ld);
      advance(f, base, baseLd);
    });
  });
}

/**
 * `block(rows, columns, depth, a, b, out, ld, base, baseLd, tile)`: the product of packed blocks.
 */
function addBlock(module: ModuleBuilder, lane: Lane, shape: Tile): number {
  const tile = addTile(module, lane, shape);
  const edge = addEdge(module, lane, shape);
  const columnsWide = columnsOf(lane, shape);
  return module.export('block', parameters(10), [], (f) => {
    const [rows, columns, depth, a, b, out, ld, base, baseLd, spare] = [
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
    ] as const;
    const [i, j, panel, to, from] = locals(f, Type.i32, 5);
    // Nothing stays nothing from row to row.
    f.get(baseLd).i32(0).get(base).select().set(baseLd);
    countUp(f, j, columns, columnsWide, () => {
      f.get(a).set(panel);
      atElement(f, out, j, lane.bytes).set(to);
      atElement(f, base, j, lane.bytes).i32(0).get(base).select().set(from);
      countUp(f, i, rows, ROWS, () => {
        f.get(rows).get(i).op(i32.sub).i32(ROWS).op(i32.geS);
        f.get(columns).get(j).op(i32.sub).i32(columnsWide).op(i32.geS).op(i32.and);
        f.if(
          () => f.get(depth).get(panel).get(b).get(to).get(ld).get(from).get(baseLd).call(tile),
          () => {
            f.get(depth).get(panel).get(b).get(spare);
            f.i32(columnsWide * lane.bytes)
              .i32(0)
              .i32(0)
              .call(tile);
            f.get(spare).get(to).get(ld);
            remaining(f, rows, i, ROWS);
            remaining(f, columns, j, columnsWide);
            f.get(from).get(baseLd).call(edge);
          },
        );
        atElement(f, panel, depth, ROWS * lane.bytes).set(panel);
        for (const [place, step] of [
          [to, ld],
          [from, baseLd],
        ] as const)
          f.get(place).get(step).i32(ROWS).op(i32.mul).op(i32.add).set(place);
      });
      atElement(f, b, depth, columnsWide * lane.bytes).set(b);
    });
  });
}

export interface PackedFunctions {
  readonly packRows: number;
  readonly packColumns: number;
  readonly block: number;
  readonly product: number;
}

/**
 * The packed product, as exports:
 * - `packRows`, `packColumns` `(source, lineStep, step, target, lines, length)`
 * - `block(rows, columns, depth, a, b, out, ld, base, baseLd, tile)` of packed blocks
 * - `product(rows, columns, depth, a, aRow, aStep, b, bStep, bColumn, out, ld, base, baseLd, workspace, packedB)`
 */
export function addPacked(module: ModuleBuilder, element: Element, tile: Tile): PackedFunctions {
  const { lane } = element;
  const packRows = addPack(module, 'packRows', ROWS, element);
  const packColumns = addPack(module, 'packColumns', columnsOf(lane, tile), element);
  const block = addBlock(module, lane, tile);
  const rowsOf = addRows(module, packRows, block);
  const product = addProduct(module, lane, packColumns, rowsOf);
  return { packRows, packColumns, block, product };
}

/** `rows(rows, columns, depth, a, aRow, aStep, b, out, ld, base, baseLd, workspace)`: rows of `a`, packed here, by a packed `b`. */
function addRows(module: ModuleBuilder, packRows: number, block: number): number {
  return module.function(parameters(12), [], (f) => {
    const [rows, columns, depth, a, aRow, aStep, b, out, ld, base, baseLd, workspace] = [
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
    ] as const;
    const [i, count, packed] = locals(f, Type.i32, 3);
    f.get(workspace).i32(TILE_BYTES).op(i32.add).set(packed);
    countUp(f, i, rows, BLOCK_ROWS, () => {
      remaining(f, rows, i, BLOCK_ROWS).set(count);
      at(f, a, i, aRow).get(aRow).get(aStep).get(packed).get(count).get(depth).call(packRows);
      f.get(count).get(columns).get(depth).get(packed).get(b);
      at(f, out, i, ld).get(ld);
      at(f, base, i, baseLd).i32(0).get(base).select();
      f.get(baseLd).get(workspace).call(block);
    });
  });
}

function addProduct(module: ModuleBuilder, lane: Lane, packColumns: number, rowsOf: number): number {
  return module.export('product', parameters(15), [], (f) => {
    const [
      rows,
      columns,
      depth,
      a,
      aRow,
      aStep,
      b,
      bStep,
      bColumn,
      out,
      ld,
      base,
      baseLd,
      workspace,
      packed,
    ] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14] as const;
    const [j, l, width, count, to, from, fromLd] = locals(f, Type.i32, 7);
    countUp(f, j, columns, BLOCK_COLUMNS, () => {
      remaining(f, columns, j, BLOCK_COLUMNS).set(width);
      atElement(f, out, j, lane.bytes).set(to);
      atElement(f, base, j, lane.bytes).i32(0).get(base).select().set(from);
      f.get(baseLd).set(fromLd);
      countUp(f, l, depth, BLOCK_DEPTH, () => {
        remaining(f, depth, l, BLOCK_DEPTH).set(count);
        at(f, b, l, bStep).get(j).get(bColumn).op(i32.mul).op(i32.add);
        f.get(bColumn).get(bStep).get(packed).get(width).get(count).call(packColumns);
        f.get(rows).get(width).get(count);
        at(f, a, l, aStep)
          .get(aRow)
          .get(aStep)
          .get(packed)
          .get(to)
          .get(ld)
          .get(from)
          .get(fromLd)
          .get(workspace);
        f.call(rowsOf);
        f.get(to).set(from).get(ld).set(fromLd);
      });
    });
  });
}
