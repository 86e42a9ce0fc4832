import { i32, type ModuleBuilder, Type, v128 } from '../assembler/index.ts';
import { advance, atElement, countUp, locals, parameters, whileRoom } from '../emit.ts';
import type { Lane } from '../matmul/lane.ts';
import { storeTransposed } from '../matmul/packing.ts';
import { columnsOf, type Tile } from '../matmul/tile.ts';

const words = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/**
 * `packWindows(source, lineTable, depthTable, target, lines, length)`: packs the elements at
 * `source + lineTable[i] + depthTable[l]` into panels for the tile, so that the windows of a convolution are unfolded
 * no further than one packed block. Missing lines of the last panel repeat the last one: their products are dropped.
 */
export function addPackWindows(module: ModuleBuilder, lane: Lane, tile: Tile): number {
  const panel = columnsOf(lane, tile);
  const vectors = words(tile.vectors);
  const panelBytes = tile.vectors * 16;
  const { width, bytes } = lane;
  return module.function(parameters(6), [], (f) => {
    const [source, lineTable, depthTable, target, lines, length] = [0, 1, 2, 3, 4, 5] as const;
    const [line, l, place, from, last] = locals(f, Type.i32, 5);
    const starts = locals(f, Type.i32, panel);
    const rows = locals(f, Type.v128, 4);
    const halves = locals(f, Type.v128, 4);
    const depthAt = (offset = 0): typeof f => atElement(f, depthTable, l, 4).memory(i32.load, 4 * offset);
    /** Leaves whether a vector's places lie side by side: in a copy with phases, taps do not come in order. */
    const sideBySide = (count: number, at: (i: number) => void): void => {
      for (let i = 1; i < count; i++) {
        at(i);
        at(0);
        f.op(i32.sub)
          .i32(i * bytes)
          .op(i32.eq);
        if (i > 1) f.op(i32.and);
      }
    };
    const byVectors = (): void =>
      void countUp(f, l, length, 1, () => {
        depthAt().set(place);
        for (const v of vectors) {
          f.get(target)
            .get(starts[v * width]!)
            .get(place)
            .op(i32.add)
            .load()
            .store(v * 16);
        }
        f.increase(target, panelBytes);
      });
    const byTransposing = (): void => {
      for (const v of vectors) {
        for (let r = 0; r < 4; r++)
          f.get(starts[v * 4 + r]!)
            .get(place)
            .op(i32.add)
            .load()
            .set(rows[r]!);
        storeTransposed(f, target, rows, halves, panelBytes, v * 16);
      }
      f.increase(target, 4 * panelBytes);
      f.increase(l, 4);
    };
    const oneByOne = (): void => {
      for (const [i, start] of starts.entries()) {
        f.get(target).get(start).get(place).op(i32.add);
        f.memory(bytes === 8 ? v128.load64Zero : v128.load32Zero);
        f.memoryLane(lane.storeFirst, 0, i * bytes);
      }
      f.increase(target, panelBytes);
      f.increase(l, 1);
    };
    const apart = (): void => {
      f.i32(0).set(l);
      f.block((end) =>
        f.loop((again) => {
          f.get(l).get(length).op(i32.geS).brIf(end);
          depthAt().set(place);
          if (width !== 4) {
            oneByOne();
          } else {
            f.get(length).get(l).op(i32.sub).i32(4).op(i32.geS);
            f.if(
              () => sideBySide(4, (i) => void (i === 0 ? f.get(place) : depthAt(i))),
              () => f.i32(0),
              Type.i32,
            );
            f.if(byTransposing, oneByOne);
          }
          f.br(again);
        }),
      );
    };
    f.get(lines).i32(1).op(i32.sub).set(last);
    countUp(f, line, lines, panel, () => {
      for (const i of words(panel)) {
        f.get(line).i32(i).op(i32.add).set(from);
        f.get(from).get(last).get(from).get(last).op(i32.ltS).select().set(from);
        f.get(source);
        atElement(f, lineTable, from, 4).memory(i32.load).op(i32.add).set(starts[i]!);
      }
      for (const v of vectors) {
        sideBySide(width, (i) => void f.get(starts[v * width + i]!));
        if (v > 0) f.op(i32.and);
      }
      f.if(byVectors, apart);
    });
  });
}

/**
 * `scatterWindows(source, ld, tapTable, columnTable, target, taps, columns)`: adds each element of a matrix to
 * `target + tapTable[i] + columnTable[j]`: the transpose of unfolding.
 */
export function addScatterWindows(module: ModuleBuilder, lane: Lane): number {
  const { width, bytes } = lane;
  return module.function(parameters(7), [], (f) => {
    const [source, ld, tapTable, columnTable, target, taps, columns] = [0, 1, 2, 3, 4, 5, 6] as const;
    const [i, j, base, place, from, table] = locals(f, Type.i32, 6);
    const addOne = (): void => {
      f.get(base).get(table).memory(i32.load).op(i32.add).tee(place).get(place).memory(lane.load);
      f.get(from).memory(lane.load).op(lane.addOne).memory(lane.store);
      f.increase(from, bytes).increase(table, 4);
    };
    countUp(f, i, taps, 1, () => {
      f.get(target);
      atElement(f, tapTable, i, 4).memory(i32.load).op(i32.add).set(base);
      f.get(source).set(from);
      f.get(columnTable).set(table);
      f.i32(0).set(j);
      whileRoom(f, j, columns, width, () => {
        f.get(table)
          .memory(i32.load, 4 * (width - 1))
          .get(table)
          .memory(i32.load)
          .op(i32.sub);
        f.i32((width - 1) * bytes).op(i32.eq);
        f.if(
          () => {
            f.get(base).get(table).memory(i32.load).op(i32.add).tee(place).get(place).load();
            f.get(from).load().op(lane.add).store();
            f.increase(from, 16).increase(table, 4 * width);
          },
          () => {
            for (let k = 0; k < width; k++) addOne();
          },
        );
      });
      whileRoom(f, j, columns, 1, addOne);
      advance(f, source, ld);
    });
  });
}
