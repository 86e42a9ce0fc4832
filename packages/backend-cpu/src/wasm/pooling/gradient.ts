import { type FunctionBuilder, f32, f64, i32, type ModuleBuilder, Type } from '../assembler/index.ts';
import { countUp, locals, parameters } from '../emit.ts';
import type { Lane } from '../matmul/lane.ts';
import { divisorOf, eachTap, readSpan, spanOf, type Walk, word } from './window.ts';

/**
 * Gradients of pools, `name(first, count, block)` for the planes from `first` on. The words `x` and `xChannel` stand for
 * the gradient of the input, whose planes lie one after the other and hold zeros; `y` for that of the output.
 */

/** The planes of the gradient of the input and of the outputs that a kernel goes over, by addresses. */
interface Plane {
  readonly plane: number;
  readonly dy: number;
  readonly indices: number;
}

/** Walks the planes; `body` finds where each of them begins. */
function eachPlane(f: FunctionBuilder, lane: Lane, body: (plane: Plane) => void): void {
  const [first, count] = [0, 1] as const;
  const [i, unit, plane, dy, indices] = locals(f, Type.i32, 5);
  const outputs = (): FunctionBuilder => {
    f.get(unit);
    for (const size of ['depthOutputs', 'heightOutputs', 'widthOutputs'] as const) word(f, size).op(i32.mul);
    return f;
  };
  countUp(f, i, count, 1, () => {
    f.get(first).get(i).op(i32.add).set(unit);
    word(f, 'x').get(unit);
    word(f, 'xChannel').op(i32.mul).op(i32.add).set(plane);
    word(f, 'y');
    outputs().i32(lane.bytes).op(i32.mul).op(i32.add).set(dy);
    word(f, 'indices');
    outputs().i32(4).op(i32.mul).op(i32.add).set(indices);
    body({ plane, dy, indices });
  });
}

/** Adds a lane's value, a local, to the one at an address, a local. */
function addTo(f: FunctionBuilder, lane: Lane, address: number, value: number): void {
  f.get(address).get(address).memory(lane.load).get(value);
  f.op(lane.type === Type.f32 ? f32.add : f64.add).memory(lane.store);
}

/** Each output's gradient goes to the element that the pool took. */
function addMaxGradient(module: ModuleBuilder, lane: Lane): void {
  module.export('maxGradient', parameters(3), [], (f) => {
    const [o, outputs, address] = locals(f, Type.i32, 3);
    const value = f.local(lane.type);
    word(f, 'depthOutputs');
    word(f, 'heightOutputs').op(i32.mul);
    word(f, 'widthOutputs').op(i32.mul).set(outputs);
    eachPlane(f, lane, ({ plane, dy, indices }) => {
      countUp(f, o, outputs, 1, () => {
        f.get(dy).memory(lane.load).set(value);
        // A window that holds nothing has a place outside of the plane.
        f.get(indices).memory(i32.load).i32(lane.bytes).op(i32.mul).tee(address);
        word(f, 'xChannel').op(i32.ltU);
        f.if(() => {
          f.get(address).get(plane).op(i32.add).set(address);
          addTo(f, lane, address, value);
        });
        f.increase(dy, lane.bytes).increase(indices, 4);
      });
    });
  });
}

/** Each output's gradient, divided by what its window counts for, goes to all elements of the window. */
function addMeanGradient(module: ModuleBuilder, lane: Lane): void {
  module.export('meanGradient', parameters(3), [], (f) => {
    const [d, h, w, depths, heights, widths] = locals(f, Type.i32, 6);
    const spans = [spanOf(f), spanOf(f), spanOf(f)] as const;
    const share = f.local(lane.type);
    word(f, 'depthOutputs').set(depths);
    word(f, 'heightOutputs').set(heights);
    word(f, 'widthOutputs').set(widths);
    eachPlane(f, lane, ({ plane, dy }) => {
      const walk: Walk = { f, spans, plane };
      countUp(f, d, depths, 1, () => {
        readSpan(f, 'depthTable', d, spans[0]);
        countUp(f, h, heights, 1, () => {
          readSpan(f, 'heightTable', h, spans[1]);
          countUp(f, w, widths, 1, () => {
            readSpan(f, 'widthTable', w, spans[2]);
            f.get(dy).memory(lane.load);
            divisorOf(walk, lane.type);
            f.op(lane.type === Type.f32 ? f32.div : f64.div).set(share);
            eachTap(walk, (address) => addTo(f, lane, address, share));
            f.increase(dy, lane.bytes);
          });
        });
      });
    });
  });
}

export function addPoolGradients(module: ModuleBuilder, lane: Lane): void {
  addMaxGradient(module, lane);
  addMeanGradient(module, lane);
}
