import { i32, type ModuleBuilder, Type } from './assembler/index.ts';
import { countUp, locals, parameters } from './emit.ts';
import type { Lane } from './matmul/lane.ts';

/** `addSlices(target, slices, length, count, apart)`: the sum of the slices' results, in their order. */
export function addSlices(module: ModuleBuilder, lane: Lane): void {
  module.export('addSlices', parameters(5), [], (f) => {
    const [target, slices, length, count, apart] = [0, 1, 2, 3, 4] as const;
    const [i, k, from] = locals(f, Type.i32, 3);
    const sum = f.local(lane.type);
    countUp(f, i, length, 1, () => {
      f.get(slices).tee(from).memory(lane.load).set(sum);
      f.i32(1).set(k);
      f.block((end) =>
        f.loop((again) => {
          f.get(k).get(count).op(i32.geS).brIf(end);
          f.get(sum).get(from).get(apart).op(i32.add).tee(from).memory(lane.load).op(lane.addOne).set(sum);
          f.increase(k, 1).br(again);
        }),
      );
      f.get(target).get(sum).memory(lane.store);
      f.increase(target, lane.bytes).increase(slices, lane.bytes);
    });
  });
}
