import { type FunctionBuilder, i32, type ModuleBuilder, Type } from '../assembler/index.ts';
import { atElement, countUp, locals, remaining } from '../emit.ts';
import type { Element, Lane } from '../matmul/lane.ts';
import { addPacked, BLOCK_DEPTH, type PackedFunctions } from '../matmul/packed.ts';
import { ROWS, TILE_BYTES, type Tile } from '../matmul/tile.ts';
import { addSlices } from '../slices.ts';
import { addDirect } from './direct.ts';
import { addFillRows, addImageCopy } from './image.ts';
import { plusWord, plusWords, word } from './layout.ts';
import {
  BLOCK,
  findColumns,
  findGradient,
  findImage,
  findOutput,
  findWeight,
  overImages,
  overUnits,
  WORKSPACE,
} from './units.ts';
import { addPackWindows, addScatterWindows } from './windows.ts';

/** Taps whose products with a block of columns are scattered at once: they stay in the second cache. */
export const SCATTER_TAPS = 96;

interface Parts extends PackedFunctions {
  readonly lane: Lane;
  readonly packWindows: number;
  readonly scatter: number;
  readonly copyIn: number;
  readonly copyOut: number;
  readonly fillRows: number;
}

/** `value` rounded up to whole panels of rows. */
const wholePanels = (f: FunctionBuilder): FunctionBuilder =>
  f
    .i32(ROWS - 1)
    .op(i32.add)
    .i32(ROWS)
    .op(i32.divU)
    .i32(ROWS)
    .op(i32.mul);

/**
 * The kernels of convolutions. Each takes `(first, count, block, workspace)`: units of work from `first` on, the
 * block that describes the convolution, and the thread's own workspace.
 */
export function addConvolution(module: ModuleBuilder, element: Element, tile: Tile): void {
  const { lane } = element;
  const parts: Parts = {
    lane,
    ...addPacked(module, element, tile),
    packWindows: addPackWindows(module, lane, tile),
    scatter: addScatterWindows(module, lane),
    copyIn: addImageCopy(module, lane, 'copyIn'),
    copyOut: addImageCopy(module, lane, 'copyOut'),
    fillRows: addFillRows(module, lane),
  };
  addForward(module, parts);
  addWeightGradient(module, parts);
  addInputGradient(module, parts);
  addDirect(module, lane, tile, parts.copyIn);
  addSlices(module, lane);
}

function addForward(module: ModuleBuilder, parts: Parts): void {
  const { lane, packWindows, copyIn, block, fillRows } = parts;
  overUnits(module, 'forward', (f, unit) => {
    const [source, out, start, width, limit, l, deep, base, weight, bias] = locals(f, Type.i32, 10);
    findImage(f, copyIn, unit.outer, unit.group, source);
    findOutput(f, unit.outer, unit.group, out);
    word(f, BLOCK, 'columns').set(limit);
    findColumns(f, unit.block, start, width, limit);
    atElement(f, out, start, lane.bytes).set(out);
    f.i32(0).set(base);
    word(f, BLOCK, 'bias')
      .tee(bias)
      .if(() => {
        f.get(out);
        word(f, BLOCK, 'yRow');
        word(f, BLOCK, 'outChannels').get(width);
        f.get(bias).get(unit.group);
        word(f, BLOCK, 'outChannels').op(i32.mul);
        word(f, BLOCK, 'biasStep').op(i32.mul).op(i32.add);
        word(f, BLOCK, 'biasStep').call(fillRows);
        f.get(out).set(base);
      });
    findWeight(f, unit, weight);
    word(f, BLOCK, 'taps').set(limit);
    countUp(f, l, limit, BLOCK_DEPTH, () => {
      remaining(f, limit, l, BLOCK_DEPTH).set(deep);
      f.get(source);
      word(f, BLOCK, 'columnTable').get(start).i32(4).op(i32.mul).op(i32.add);
      word(f, BLOCK, 'tapTable').get(l).i32(4).op(i32.mul).op(i32.add);
      plusWord(f, BLOCK, WORKSPACE, 'packedColumns').get(width).get(deep).call(packWindows);
      word(f, BLOCK, 'outChannels').get(width).get(deep);
      f.get(weight);
      wholePanels(word(f, BLOCK, 'outChannels'))
        .get(l)
        .op(i32.mul)
        .i32(lane.bytes)
        .op(i32.mul)
        .op(i32.add);
      plusWord(f, BLOCK, WORKSPACE, 'packedColumns').get(out);
      word(f, BLOCK, 'yRow').get(base);
      word(f, BLOCK, 'yRow').get(WORKSPACE).call(block);
      f.get(out).set(base);
    });
  });
}

function addWeightGradient(module: ModuleBuilder, parts: Parts): void {
  const { lane, packWindows, packRows, copyIn, block } = parts;
  overUnits(module, 'weightGradient', (f, unit) => {
    const [source, dy, start, width, limit, l, deep, base, out, ld] = locals(f, Type.i32, 10);
    word(f, BLOCK, 'taps').set(limit);
    findColumns(f, unit.block, start, width, limit);
    f.get(limit).i32(lane.bytes).op(i32.mul).set(ld);
    findGradient(f, unit, out);
    atElement(f, out, start, lane.bytes).set(out);
    f.i32(0).set(base);
    overImages(f, unit, (image) => {
      findImage(f, copyIn, image, unit.group, source);
      findOutput(f, image, unit.group, dy);
      word(f, BLOCK, 'columns').set(limit);
      countUp(f, l, limit, BLOCK_DEPTH, () => {
        remaining(f, limit, l, BLOCK_DEPTH).set(deep);
        atElement(f, dy, l, lane.bytes);
        word(f, BLOCK, 'yRow').i32(lane.bytes);
        plusWord(f, BLOCK, WORKSPACE, 'packedRows');
        word(f, BLOCK, 'outChannels').get(deep).call(packRows);
        f.get(source);
        word(f, BLOCK, 'tapTable').get(start).i32(4).op(i32.mul).op(i32.add);
        word(f, BLOCK, 'columnTable').get(l).i32(4).op(i32.mul).op(i32.add);
        plusWord(f, BLOCK, WORKSPACE, 'packedColumns').get(width).get(deep).call(packWindows);
        word(f, BLOCK, 'outChannels').get(width).get(deep);
        plusWord(f, BLOCK, WORKSPACE, 'packedRows');
        plusWord(f, BLOCK, WORKSPACE, 'packedColumns')
          .get(out)
          .get(ld)
          .get(base)
          .get(ld)
          .get(WORKSPACE)
          .call(block);
        f.get(out).set(base);
      });
    });
  });
}

function addInputGradient(module: ModuleBuilder, parts: Parts): void {
  const { lane, packColumns, block, scatter, copyOut } = parts;
  overUnits(module, 'inputGradient', (f, unit) => {
    const [dx, target, dy, j, width, columns, tap, count, taps, l, deep, base, channels, ld, weight] = locals(
      f,
      Type.i32,
      15,
    ) as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    word(f, BLOCK, 'x').set(dx);
    plusWords(f, BLOCK, dx, unit.outer, 'xImage').set(dx);
    plusWords(f, BLOCK, dx, unit.group, 'xGroup').set(dx);
    f.get(WORKSPACE).i32(TILE_BYTES).op(i32.add).get(dx);
    word(f, BLOCK, 'padded').select().set(target);
    f.get(target).i32(0);
    word(f, BLOCK, 'padBytes').fillMemory();
    findOutput(f, unit.outer, unit.group, dy);
    findWeight(f, unit, weight);
    word(f, BLOCK, 'columns').set(columns);
    word(f, BLOCK, 'taps').set(taps);
    word(f, BLOCK, 'outChannels').set(channels);
    word(f, BLOCK, 'blockColumns').i32(lane.bytes).op(i32.mul).set(ld);
    f.i32(0).set(j);
    f.block((end) =>
      f.loop((again) => {
        f.get(j).get(columns).op(i32.geS).brIf(end);
        const rest = (): FunctionBuilder => f.get(columns).get(j).op(i32.sub);
        rest();
        word(f, BLOCK, 'blockColumns');
        rest();
        word(f, BLOCK, 'blockColumns').op(i32.ltS).select().set(width);
        countUp(f, tap, taps, SCATTER_TAPS, () => {
          remaining(f, taps, tap, SCATTER_TAPS).set(count);
          f.i32(0).set(base);
          countUp(f, l, channels, BLOCK_DEPTH, () => {
            remaining(f, channels, l, BLOCK_DEPTH).set(deep);
            plusWords(f, BLOCK, dy, l, 'yRow').get(j).i32(lane.bytes).op(i32.mul).op(i32.add).i32(lane.bytes);
            word(f, BLOCK, 'yRow');
            plusWord(f, BLOCK, WORKSPACE, 'packedColumns').get(width).get(deep).call(packColumns);
            f.get(count).get(width).get(deep);
            f.get(weight);
            wholePanels(f.get(taps)).get(l).op(i32.mul).get(tap).get(deep).op(i32.mul).op(i32.add);
            f.i32(lane.bytes).op(i32.mul).op(i32.add);
            plusWord(f, BLOCK, WORKSPACE, 'packedColumns');
            plusWord(f, BLOCK, WORKSPACE, 'packedRows').get(ld).get(base).get(ld).get(WORKSPACE).call(block);
            plusWord(f, BLOCK, WORKSPACE, 'packedRows').set(base);
          });
          plusWord(f, BLOCK, WORKSPACE, 'packedRows').get(ld);
          word(f, BLOCK, 'tapTable').get(tap).i32(4).op(i32.mul).op(i32.add);
          word(f, BLOCK, 'columnTable').get(j).i32(4).op(i32.mul).op(i32.add);
          f.get(target).get(count).get(width).call(scatter);
        });
        f.get(j);
        word(f, BLOCK, 'blockColumns').op(i32.add).set(j).br(again);
      }),
    );
    word(f, BLOCK, 'padded').if(() => f.get(BLOCK).get(dx).get(target).call(copyOut));
  });
}
