import { i32, type ModuleBuilder, Type } from '../assembler/index.ts';
import { advance, countUp, locals, parameters, whileRoom } from '../emit.ts';
import type { Lane } from '../matmul/lane.ts';
import { divideByWord, plusWord, plusWords, word } from './layout.ts';

/**
 * `copyIn(block, image, copy)`, `copyOut`: copies the channels of a group between an image of any strides and one with
 * zeros around it, whose rows are divided into phases. Into the copy all zeros are written too; out of it come the
 * elements alone.
 */
export function addImageCopy(module: ModuleBuilder, lane: Lane, direction: 'copyIn' | 'copyOut'): number {
  const { bytes, width: together } = lane;
  return module.export(direction, parameters(3), [], (f) => {
    const [block, image, copy] = [0, 1, 2] as const;
    const [c, q, d, h, w, count, step, toPhase] = locals(f, Type.i32, 8);
    const [fromDepth, fromRow, from, toDepth, toRow, to] = locals(f, Type.i32, 6);
    const ordered = (): typeof f => (direction === 'copyIn' ? f.get(to).get(from) : f.get(from).get(to));
    const row = (): void => {
      f.get(fromRow).set(from).get(toRow).set(to).i32(0).set(w);
      f.get(step).i32(bytes).op(i32.eq);
      f.if(() =>
        whileRoom(f, w, count, together, () => {
          ordered().load().store();
          f.increase(from, 16).increase(to, 16);
        }),
      );
      for (const several of [4, 1])
        whileRoom(f, w, count, several, () => {
          for (let i = 0; i < several; i++) {
            ordered().memory(lane.load).memory(lane.store);
            advance(f, from, step).increase(to, bytes);
          }
        });
    };
    const over = (
      counter: number,
      size: 'channels' | 'phases' | 'depth' | 'height',
      body: () => void,
    ): void => {
      f.i32(0).set(counter);
      f.loop((again) => {
        body();
        f.increase(counter, 1);
        word(f.get(counter), block, size).op(i32.ltS).brIf(again);
      });
    };
    if (direction === 'copyIn') {
      f.get(copy).i32(0);
      word(f, block, 'padBytes').fillMemory();
    }
    word(f.get(copy), block, 'padFirst').op(i32.add).set(copy);
    word(f, block, 'xWidth');
    word(f, block, 'phases').op(i32.mul).set(step);
    over(c, 'channels', () => {
      over(q, 'phases', () => {
        plusWords(f, block, image, q, 'xWidth').set(fromDepth);
        // The first of the elements that are a multiple of `phases` apart, and how many there are.
        word(f.get(q), block, 'padLeft').op(i32.add).set(toDepth);
        divideByWord(f, block, toDepth, toPhase, 'phases');
        f.get(toDepth).i32(bytes).op(i32.mul);
        plusWords(f, block, copy, toPhase, 'padPhase').op(i32.add).set(toDepth);
        word(f, block, 'width').get(q).op(i32.sub);
        word(f, block, 'phases').op(i32.add).i32(1).op(i32.sub);
        word(f, block, 'phases').op(i32.divS).set(count);
        over(d, 'depth', () => {
          f.get(fromDepth).set(fromRow).get(toDepth).set(toRow);
          over(h, 'height', () => {
            row();
            plusWord(f, block, fromRow, 'xHeight').set(fromRow);
            plusWord(f, block, toRow, 'padHeight').set(toRow);
          });
          plusWord(f, block, fromDepth, 'xDepth').set(fromDepth);
          plusWord(f, block, toDepth, 'padDepth').set(toDepth);
        });
      });
      plusWord(f, block, image, 'xChannel').set(image);
      plusWord(f, block, copy, 'padChannel').set(copy);
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
