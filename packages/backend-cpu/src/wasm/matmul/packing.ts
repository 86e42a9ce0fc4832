import { type FunctionBuilder, i32, type ModuleBuilder, Type, v128 } from '../assembler/index.ts';
import { advance, at, atElement, countOn, countUp, locals, parameters, whileRoom } from '../emit.ts';
import { Lanes, type Reg } from '../lanes/lanes.ts';
import { loadRepeated, loadUnits } from '../programs/memory.ts';
import { type Element, isPlain } from './lane.ts';

const words = (...lanes: number[]): number[] =>
  lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => lane * 4 + byte));

/** Stores four vectors as the columns of what they were the rows of, `apart` bytes from each other, from `to` + offset. */
export function storeTransposed(
  f: FunctionBuilder,
  to: number,
  rows: readonly number[],
  halves: readonly number[],
  apart: number,
  offset: number,
): void {
  const [a, b, c, d] = rows as [number, number, number, number];
  const [low, high, low2, high2] = halves as [number, number, number, number];
  f.get(a)
    .get(b)
    .shuffle(words(0, 4, 1, 5))
    .set(low);
  f.get(a)
    .get(b)
    .shuffle(words(2, 6, 3, 7))
    .set(high);
  f.get(c)
    .get(d)
    .shuffle(words(0, 4, 1, 5))
    .set(low2);
  f.get(c)
    .get(d)
    .shuffle(words(2, 6, 3, 7))
    .set(high2);
  f.get(to)
    .get(low)
    .get(low2)
    .shuffle(words(0, 1, 4, 5))
    .store(offset);
  f.get(to)
    .get(low)
    .get(low2)
    .shuffle(words(2, 3, 6, 7))
    .store(offset + apart);
  f.get(to)
    .get(high)
    .get(high2)
    .shuffle(words(0, 1, 4, 5))
    .store(offset + 2 * apart);
  f.get(to)
    .get(high)
    .get(high2)
    .shuffle(words(2, 3, 6, 7))
    .store(offset + 3 * apart);
}

/** Copies bytes that lie side by side, `offset` behind `from`, in the widest pieces. */
function copyLine(f: FunctionBuilder, to: number, from: number, offset: number, byteLength: number): void {
  let done = 0;
  for (; done + 16 <= byteLength; done += 16)
    f.get(to)
      .get(from)
      .load(offset + done)
      .store(done);
  for (; done + 8 <= byteLength; done += 8)
    f.get(to)
      .get(from)
      .memory(v128.load64Zero, offset + done)
      .memoryLane(v128.store64Lane, 0, done);
  if (done < byteLength)
    f.get(to)
      .get(from)
      .memory(i32.load, offset + done)
      .memory(i32.store, done);
}

/** Panels that are filled at once from lines side by side. */
const PANELS = 8;

/**
 * Adds `name(source, lineStep, step, target, lines, length)`: packs `lines` lines of `length` elements into panels
 * of `width` lines, element after element in the order in which the tile reads them. Steps are in bytes. Missing
 * lines of the last panel are zeros.
 */
export function addPack(module: ModuleBuilder, name: string, width: number, element: Element): number {
  const { lane, bytes } = element;
  return module.export(name, parameters(6), [], (f) => {
    const [source, lineStep, step, target, lines, length] = [0, 1, 2, 3, 4, 5] as const;
    const [line, place, from] = locals(f, Type.i32, 3);
    const pointers = locals(f, Type.i32, width);
    const panels = locals(f, Type.i32, PANELS);
    const lanes = new Lanes(f, false);
    const halves = locals(f, Type.v128, 4);
    const panelBytes = width * lane.bytes;
    const copy = (pointer: number, to: number, index: number, into: number = target): void => {
      const [reg] = loadRepeated(lanes, element.dtype, pointer, index * bytes).regs as [Reg];
      f.get(into)
        .get(reg)
        .memoryLane(lane.storeFirst, 0, to * lane.bytes);
    };
    /** Elements side by side, four to a vector as they are multiplied. */
    const vectors = (pointer: number, count: number, index = 0): Reg[] =>
      loadUnits(lanes, element.dtype, pointer, index * bytes, count).map(({ regs }) => regs[0]!);

    const widenLine = (to: number, index: number): void => {
      const whole = Math.floor(width / 4);
      for (const [i, reg] of vectors(from, whole, index).entries())
        f.get(to)
          .get(reg)
          .store(i * 16);
      for (let i = whole * 4; i < width; i++) copy(from, i, index + i, to);
    };

    /** Lines side by side fill `count` panels at once: a line of the source's cache is read once, its page too. */
    const sideBySide = (count: number): void => {
      const filled = panels.slice(0, count);
      for (const panel of filled) {
        f.get(target).set(panel);
        atElement(f, target, length, panelBytes).set(target);
      }
      countUp(f, place, length, 1, () => {
        for (const [i, panel] of filled.entries()) {
          if (isPlain(element)) copyLine(f, panel, from, i * panelBytes, panelBytes);
          else widenLine(panel, i * width);
          f.increase(panel, panelBytes);
        }
        advance(f, from, step);
      });
    };

    const byTransposing = (): void =>
      whileRoom(f, place, length, 4, () => {
        let first = 0;
        for (; first + 4 <= width; first += 4) {
          const rows = pointers.slice(first, first + 4).map((pointer) => vectors(pointer, 1)[0]!);
          storeTransposed(f, target, rows, halves, panelBytes, first * 4);
        }
        for (; first < width; first++) {
          const [reg] = vectors(pointers[first]!, 1) as [Reg];
          for (let r = 0; r < 4; r++)
            f.get(target)
              .get(reg)
              .memoryLane(v128.store32Lane, r, r * panelBytes + first * 4);
        }
        for (const pointer of pointers) f.increase(pointer, 4 * bytes);
        f.increase(target, 4 * panelBytes);
      });

    const oneByOne = (): void =>
      whileRoom(f, place, length, 1, () => {
        for (const [i, pointer] of pointers.entries()) {
          copy(pointer, i, 0);
          advance(f, pointer, step);
        }
        f.increase(target, panelBytes);
      });

    const apart = (): void => {
      f.get(from).set(pointers[0]!);
      for (let i = 1; i < width; i++)
        f.get(pointers[i - 1]!)
          .get(lineStep)
          .op(i32.add)
          .set(pointers[i]!);
      f.i32(0).set(place);
      if (lane.bytes === 4) f.get(step).i32(bytes).op(i32.eq).if(byTransposing);
      oneByOne();
    };

    const incomplete = (): void =>
      countUp(f, place, length, 1, () => {
        f.get(from).set(pointers[0]!);
        for (let i = 0; i < width; i++) {
          f.get(line).i32(i).op(i32.add).get(lines).op(i32.ltS);
          f.if(
            () => copy(pointers[0]!, i, 0),
            () =>
              void (lane.bytes === 8
                ? f
                    .get(target)
                    .i64(0n)
                    .memory(0x37, i * 8)
                : f
                    .get(target)
                    .i32(0)
                    .memory(i32.store, i * 4)),
          );
          advance(f, pointers[0]!, lineStep);
        }
        advance(f, from, step);
        f.increase(target, panelBytes);
      });

    f.get(lineStep)
      .i32(bytes)
      .op(i32.eq)
      .if(() =>
        whileRoom(f, line, lines, PANELS * width, () => {
          at(f, source, line, lineStep).set(from);
          sideBySide(PANELS);
        }),
      );
    countOn(f, line, lines, width, () => {
      at(f, source, line, lineStep).set(from);
      f.get(lines).get(line).op(i32.sub).i32(width).op(i32.ltS);
      f.if(incomplete, () => {
        f.get(lineStep)
          .i32(bytes)
          .op(i32.eq)
          .if(() => sideBySide(1), apart);
      });
    });
  });
}
