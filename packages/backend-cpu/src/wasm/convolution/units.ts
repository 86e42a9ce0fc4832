import { type FunctionBuilder, i32, type ModuleBuilder, Type } from '../assembler/index.ts';
import { countUp, locals, parameters } from '../emit.ts';
import { TILE_BYTES } from '../matmul/tile.ts';
import { divideByWord, plusWords, word } from './layout.ts';

/** Locals that say which image or slice, which group and which block of columns or taps a unit of work is. */
export interface Unit {
  readonly outer: number;
  readonly group: number;
  readonly block: number;
}

/** Adds a kernel over units, numbered by image or slice, then group, then block. */
export function overUnits(
  module: ModuleBuilder,
  name: string,
  body: (f: FunctionBuilder, unit: Unit) => void,
): void {
  module.export(name, parameters(4), [], (f) => {
    const [first, count] = [0, 1] as const;
    const [i, outer, group, part] = locals(f, Type.i32, 4);
    countUp(f, i, count, 1, () => {
      f.get(first).get(i).op(i32.add).set(outer);
      divideByWord(f, BLOCK, outer, part, 'blocks');
      divideByWord(f, BLOCK, outer, group, 'groups');
      body(f, { outer, group, block: part });
    });
  });
}

/** Parameters of every kernel. */
export const BLOCK = 2;
export const WORKSPACE = 3;

/** Sets `source` to where the windows of an image's group are read: the image itself, or its copy among zeros. */
export function findImage(
  f: FunctionBuilder,
  copyIn: number,
  image: number,
  group: number,
  source: number,
): void {
  word(f, BLOCK, 'x').set(source);
  plusWords(f, BLOCK, source, image, 'xImage').set(source);
  plusWords(f, BLOCK, source, group, 'xGroup').set(source);
  word(f, BLOCK, 'padded').if(() => {
    f.get(BLOCK).get(source).get(WORKSPACE).i32(TILE_BYTES).op(i32.add).call(copyIn);
    f.get(WORKSPACE).i32(TILE_BYTES).op(i32.add).set(source);
  });
}

/** Sets `out` to the output's, or its gradient's, rows of an image's group. */
export function findOutput(f: FunctionBuilder, image: number, group: number, out: number): void {
  word(f, BLOCK, 'y').set(out);
  plusWords(f, BLOCK, out, image, 'yImage').set(out);
  plusWords(f, BLOCK, out, group, 'yGroup').set(out);
}

/** Sets `start` and `width` of a block of the columns that `name` counts. */
export function findColumns(
  f: FunctionBuilder,
  part: number,
  start: number,
  width: number,
  limit: number,
): void {
  f.get(part);
  word(f, BLOCK, 'blockColumns').op(i32.mul).set(start);
  const rest = (): FunctionBuilder => f.get(limit).get(start).op(i32.sub);
  rest();
  word(f, BLOCK, 'blockColumns');
  rest();
  word(f, BLOCK, 'blockColumns').op(i32.ltS).select().set(width);
}

/** Runs the body for the images of the slice `unit.outer`; `more` is 0 for the first of them alone. */
export function overImages(
  f: FunctionBuilder,
  unit: Unit,
  body: (image: number, more: number) => void,
): void {
  const [image, last, more] = locals(f, Type.i32, 3);
  f.i32(0).set(more).get(unit.outer);
  word(f, BLOCK, 'sliceImages').op(i32.mul).tee(image);
  word(f, BLOCK, 'sliceImages').op(i32.add).set(last);
  f.get(last);
  word(f, BLOCK, 'images').get(last);
  word(f, BLOCK, 'images').op(i32.ltS).select().set(last);
  f.loop((again) => {
    body(image, more);
    f.i32(1).set(more).increase(image, 1).get(image).get(last).op(i32.ltS).brIf(again);
  });
}

/** Sets `out` to where the gradient of a group's weight is summed: in the result of the slice `unit.outer`. */
export function findGradient(f: FunctionBuilder, unit: Unit, out: number): void {
  word(f, BLOCK, 'weight').set(out);
  plusWords(f, BLOCK, out, unit.outer, 'sliceBytes').set(out);
  plusWords(f, BLOCK, out, unit.group, 'weightGroup').set(out);
}

/** Sets `weight` to a group's. */
export function findWeight(f: FunctionBuilder, unit: Unit, weight: number): void {
  word(f, BLOCK, 'weight').set(weight);
  plusWords(f, BLOCK, weight, unit.group, 'weightGroup').set(weight);
}
