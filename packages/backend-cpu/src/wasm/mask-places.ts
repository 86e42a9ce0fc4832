import { i8x16, i32, ModuleBuilder, Type } from './assembler/index.ts';
import { atElement, locals, parameters, whileRoom } from './emit.ts';

const BYTES = 16;

/** `places(mask, count, target, room)`: the positions of the first `room` true bytes, and -1 behind the last. */
export function maskPlacesModule(shared: boolean): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({ shared });
  module.export('places', parameters(4), [], (f) => {
    const [mask, count, target, room] = [0, 1, 2, 3] as const;
    const [i, at, found, hits] = locals(f, Type.i32, 4);
    const put = (position: () => void): void => {
      f.get(found).get(room).op(i32.ltS);
      f.if(() => {
        atElement(f, target, found, 4);
        position();
        f.memory(i32.store).increase(found, 1);
      });
    };
    f.get(mask).set(at);
    whileRoom(f, i, count, BYTES, () => {
      f.get(at).load().i32x4([0, 0, 0, 0]).op(i8x16.ne).op(i8x16.bitmask).set(hits);
      f.block((none) =>
        f.loop((again) => {
          f.get(hits).op(i32.eqz).brIf(none);
          put(() => void f.get(i).get(hits).op(i32.ctz).op(i32.add));
          // Without the lowest bit.
          f.get(hits).i32(1).op(i32.sub).get(hits).op(i32.and).set(hits).br(again);
        }),
      );
      f.increase(at, BYTES);
    });
    whileRoom(f, i, count, 1, () => {
      f.get(at).memory(i32.load8U);
      f.if(() => put(() => void f.get(i)));
      f.increase(at, 1);
    });
    atElement(f, target, found, 4).i32(0xff).get(room).get(found).op(i32.sub).i32(4).op(i32.mul).fillMemory();
  });
  return module.toBytes();
}
