import {
  type FunctionBuilder,
  f32,
  f32x4,
  f64,
  i32,
  i32x4,
  type ModuleBuilder,
  Type,
  v128,
} from '../assembler/index.ts';
import { countUp, locals, parameters } from '../emit.ts';
import type { Lane } from '../matmul/lane.ts';
import { divisorOf, eachTap, firstFlat, readSpan, spanOf, type Walk, word } from './window.ts';

const lowest = (f: FunctionBuilder, lane: Lane): FunctionBuilder =>
  lane.type === Type.f32 ? f.f32(Number.NEGATIVE_INFINITY) : f.f64(Number.NEGATIVE_INFINITY);

/** One output by scalars. */
function poolOne(walk: Walk, lane: Lane, kind: 'max' | 'mean', y: number, indices: number): void {
  const { f } = walk;
  const ops = lane.type === Type.f32 ? f32 : f64;
  const [best, value] = [f.local(lane.type), f.local(lane.type)];
  if (kind === 'mean') {
    (lane.type === Type.f32 ? f.f32(0) : f.f64(0)).set(best);
    eachTap(walk, (address) => f.get(best).get(address).memory(lane.load).op(ops.add).set(best));
    f.get(y).get(best);
    divisorOf(walk, lane.type);
    f.op(ops.div).memory(lane.store);
    return;
  }
  const at = f.local(Type.i32);
  lowest(f, lane).set(best);
  firstFlat(walk);
  f.set(at);
  eachTap(walk, (address, flat) => {
    // Larger, or the first NaN.
    f.get(address).memory(lane.load).tee(value).get(best).op(ops.le).op(i32.eqz);
    f.get(best).get(best).op(ops.eq).op(i32.and);
    f.if(() => f.get(value).set(best).get(flat).set(at));
  });
  f.get(y).get(best).memory(lane.store);
  f.get(indices).get(at).memory(i32.store);
}

const words = (...lanes: number[]): number[] =>
  lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => lane * 4 + byte));

/** Loads the elements of four neighbouring windows, and no element that is not in one of them. */
function loadFour(f: FunctionBuilder, address: number, value: number): void {
  const at = f.local(Type.i32);
  word(f, 'widthStride').i32(1).op(i32.eq);
  f.if(
    () => f.get(address).load().set(value),
    () => {
      word(f, 'widthStride').i32(2).op(i32.eq);
      f.if(
        () =>
          f
            .get(address)
            .load()
            .get(address)
            .load(12)
            .shuffle(words(0, 2, 5, 7))
            .set(value),
        () => {
          f.get(address).set(at);
          for (let lane = 0; lane < 4; lane++) {
            f.get(at).get(value).memoryLane(v128.load32Lane, lane).set(value);
            f.get(at);
            word(f, 'widthStride').i32(4).op(i32.mul).op(i32.add).set(at);
          }
        },
      );
    },
  );
}

/** Four outputs at once. */
function poolFour(walk: Walk, kind: 'max' | 'mean', y: number, indices: number): void {
  const { f } = walk;
  const [best, value, at, mask, steps] = locals(f, Type.v128, 5);
  if (kind === 'mean') {
    f.splat('f32', 0).set(best);
    eachTap(walk, (address) => {
      loadFour(f, address, value);
      f.get(best).get(value).op(f32x4.add).set(best);
    });
    f.get(y).get(best);
    divisorOf(walk, Type.f32);
    f.op(f32x4.splat).op(f32x4.div).store();
    return;
  }
  f.i32x4([0, 1, 2, 3]);
  word(f, 'widthStride').op(i32x4.splat).op(i32x4.mul).set(steps);
  f.splat('f32', Number.NEGATIVE_INFINITY).set(best);
  firstFlat(walk);
  f.op(i32x4.splat).get(steps).op(i32x4.add).set(at);
  eachTap(walk, (address, flat) => {
    loadFour(f, address, value);
    f.get(best).get(best).op(f32x4.eq).get(value).get(best).op(f32x4.le).op(v128.andnot).set(mask);
    f.get(value).get(best).get(mask).op(v128.bitselect).set(best);
    f.get(flat).op(i32x4.splat).get(steps).op(i32x4.add).get(at).get(mask).op(v128.bitselect).set(at);
  });
  f.get(y).get(best).store();
  f.get(indices).get(at).store();
}

/** Adds `name(first, count, block)`: pools of the planes from `first` on. */
export function addPool(module: ModuleBuilder, name: string, lane: Lane, kind: 'max' | 'mean'): void {
  module.export(name, parameters(3), [], (f) => {
    const [first, count] = [0, 1] as const;
    const [i, unit, plane, y, indices, d, h, w] = locals(f, Type.i32, 8);
    const [depths, heights, widths] = locals(f, Type.i32, 3);
    const spans = [spanOf(f), spanOf(f), spanOf(f)] as const;
    const walk: Walk = { f, spans, plane };
    word(f, 'depthOutputs').set(depths);
    word(f, 'heightOutputs').set(heights);
    word(f, 'widthOutputs').set(widths);
    const advanceBy = (outputs: number): void => {
      f.increase(y, outputs * lane.bytes).increase(indices, outputs * 4);
    };
    const row = (): void => {
      f.i32(0).set(w);
      f.block((end) =>
        f.loop((again) => {
          f.get(w).get(widths).op(i32.geS).brIf(end);
          readSpan(f, 'widthTable', w, spans[2]);
          const one = (): void => {
            poolOne(walk, lane, kind, y, indices);
            advanceBy(1);
            f.increase(w, 1);
          };
          if (lane.type === Type.f32) {
            f.get(w);
            word(f, 'wholeFrom').op(i32.geS);
            word(f, 'wholeTo').get(w).op(i32.sub).i32(4).op(i32.geS).op(i32.and);
            f.if(() => {
              poolFour(walk, kind, y, indices);
              advanceBy(4);
              f.increase(w, 4);
            }, one);
          } else one();
          f.br(again);
        }),
      );
    };
    countUp(f, i, count, 1, () => {
      f.get(first).get(i).op(i32.add).set(unit);
      const perPlane = (): FunctionBuilder =>
        f.get(unit).get(depths).op(i32.mul).get(heights).op(i32.mul).get(widths).op(i32.mul);
      word(f, 'y');
      perPlane().i32(lane.bytes).op(i32.mul).op(i32.add).set(y);
      word(f, 'indices');
      perPlane().i32(4).op(i32.mul).op(i32.add).set(indices);
      word(f, 'x').get(unit);
      word(f, 'channels').op(i32.divU);
      word(f, 'xImage').op(i32.mul).op(i32.add).get(unit);
      word(f, 'channels').op(i32.remU);
      word(f, 'xChannel').op(i32.mul).op(i32.add).set(plane);
      countUp(f, d, depths, 1, () => {
        readSpan(f, 'depthTable', d, spans[0]);
        countUp(f, h, heights, 1, () => {
          readSpan(f, 'heightTable', h, spans[1]);
          row();
        });
      });
    });
  });
}
