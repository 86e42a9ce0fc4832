import { i32, type ModuleBuilder, Type } from '../assembler/index.ts';
import { advance, countUp, locals, parameters } from '../emit.ts';
import type { Lane } from '../matmul/lane.ts';
import { word } from './layout.ts';

/**
 * `(block, image, copy)`: copies the channels of a group between an image of any strides and a contiguous one with
 * zeros around it. Into the copy all zeros are written too; out of it come the elements alone.
 */
export function addImageCopy(module: ModuleBuilder, lane: Lane, direction: 'in' | 'out'): number {
  const { bytes } = lane;
  return module.function(parameters(3), [], (f) => {
    const [block, image, copy] = [0, 1, 2] as const;
    const [c, d, h, w, limit] = locals(f, Type.i32, 5);
    const [fromDepth, fromRow, from, toDepth, toRow, to] = locals(f, Type.i32, 6);
    const ordered = (plain: number, padded: number): typeof f =>
      direction === 'in' ? f.get(padded).get(plain) : f.get(plain).get(padded);
    const row = (): void => {
      word(f, block, 'xWidth').i32(bytes).op(i32.eq);
      f.if(
        () => {
          ordered(fromRow, toRow);
          word(f, block, 'width').i32(bytes).op(i32.mul).copyMemory();
        },
        () => {
          f.get(fromRow).set(from).get(toRow).set(to);
          word(f, block, 'width').set(limit);
          countUp(f, w, limit, 1, () => {
            ordered(from, to).memory(lane.load).memory(lane.store);
            word(f.get(from), block, 'xWidth').op(i32.add).set(from);
            f.increase(to, bytes);
          });
        },
      );
    };
    const over = (counter: number, size: 'channels' | 'depth' | 'height', body: () => void): void => {
      // Sizes are read again where a loop inside has used the local.
      f.i32(0).set(counter);
      f.loop((again) => {
        body();
        f.increase(counter, 1);
        word(f.get(counter), block, size).op(i32.ltS).brIf(again);
      });
    };
    if (direction === 'in') {
      f.get(copy).i32(0);
      word(f, block, 'padBytes').fillMemory();
    }
    word(f.get(copy), block, 'padFirst').op(i32.add).set(copy);
    over(c, 'channels', () => {
      f.get(image).set(fromDepth).get(copy).set(toDepth);
      over(d, 'depth', () => {
        f.get(fromDepth).set(fromRow).get(toDepth).set(toRow);
        over(h, 'height', () => {
          row();
          word(f.get(fromRow), block, 'xHeight').op(i32.add).set(fromRow);
          word(f.get(toRow), block, 'padHeight').op(i32.add).set(toRow);
        });
        word(f.get(fromDepth), block, 'xDepth').op(i32.add).set(fromDepth);
        word(f.get(toDepth), block, 'padDepth').op(i32.add).set(toDepth);
      });
      word(f.get(image), block, 'xChannel').op(i32.add).set(image);
      word(f.get(copy), block, 'padChannel').op(i32.add).set(copy);
    });
  });
}

/** `fillRows(target, ld, rows, columns, values, step)`: every row with its own value. */
export function addFillRows(module: ModuleBuilder, lane: Lane): number {
  return module.function(parameters(6), [], (f) => {
    const [target, ld, rows, columns, values, step] = [0, 1, 2, 3, 4, 5] as const;
    const [i, j, to] = locals(f, Type.i32, 3);
    const value = f.local(lane.type);
    countUp(f, i, rows, 1, () => {
      f.get(values).memory(lane.load).set(value).get(target).set(to);
      countUp(f, j, columns, 1, () => {
        f.get(to).get(value).memory(lane.store).increase(to, lane.bytes);
      });
      advance(f, target, ld);
      advance(f, values, step);
    });
  });
}
