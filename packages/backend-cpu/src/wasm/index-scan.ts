import type { Operand } from '@flambeau/core/backend';
import type { IndexRoom, IndexScan } from '../indices.ts';
import { addressOf, inHeap } from '../staging.ts';
import { Code } from '../threads/code.ts';
import { type FunctionBuilder, i32, i32x4, i64, ModuleBuilder, Type, v128 } from './assembler/index.ts';
import { advance, locals, parameters, whileRoom } from './emit.ts';
import type { Engine } from './engine.ts';

/** Looks through indices in the heap, four at a time where they lie side by side. */
export class WasmIndexScan implements IndexScan {
  private readonly engine: Engine;
  private code: Code | null = null;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  room(count: number): IndexRoom | null {
    const { heap, leastElements } = this.engine;
    if (count < leastElements) return null;
    const byteLength = count * 4;
    const address = heap.allocateWorkspace(byteLength);
    if (address === 0) return null;
    const array = new Int32Array(heap.memory.buffer, address, count);
    return { array, free: () => heap.free(address, byteLength) };
  }

  reaches(index: Operand, count: number): boolean {
    return count >= this.engine.leastElements && inHeap(index);
  }

  check(index: Operand, offset: number, step: number, count: number, limit: number): number {
    const at = addressOf({ ...index, offset }, 4);
    return this.functions.check!(count, at, step * 4, limit) as number;
  }

  narrow(
    index: Operand,
    offset: number,
    step: number,
    count: number,
    limit: number,
    { array }: IndexRoom,
    filled: number,
  ): number {
    const at = addressOf({ ...index, offset }, 8);
    const to = array.byteOffset + filled * 4;
    return this.functions.narrow!(count, at, step * 8, limit, to) as number;
  }

  private get functions(): Code['functions'] {
    if (this.code === null) {
      const { heap } = this.engine;
      const module = new ModuleBuilder({ shared: heap.shared });
      addCheck(module);
      addNarrow(module);
      this.code = new Code(heap, module.toBytes());
    }
    return this.code.functions;
  }
}

/** `check(count, at, step, limit)`: how many int32 lie in `0..limit-1` before the first that does not. */
function addCheck(module: ModuleBuilder): void {
  module.export('check', parameters(4), [Type.i32], (f) => {
    const [count, at, step, limit] = [0, 1, 2, 3] as const;
    const [i] = locals(f, Type.i32, 1);
    const limits = splat(f, limit);
    vectors(f, count, i, step, 4, (stop) => {
      f.get(at).load().get(limits).op(i32x4.geU).op(v128.anyTrue).brIf(stop);
      f.increase(at, 16);
    });
    f.block((stop) =>
      whileRoom(f, i, count, 1, () => {
        f.get(at).memory(i32.load).get(limit).op(i32.geU).brIf(stop);
        advance(f, at, step);
      }),
    );
    f.get(i);
  });
}

/** `narrow(count, at, step, limit, to)`: the same of int64, which it writes as int32 side by side. */
function addNarrow(module: ModuleBuilder): void {
  module.export('narrow', parameters(5), [Type.i32], (f) => {
    const [count, at, step, limit, to] = [0, 1, 2, 3, 4] as const;
    const [i] = locals(f, Type.i32, 1);
    const limits = splat(f, limit);
    const [low, high, words] = locals(f, Type.v128, 3);
    vectors(f, count, i, step, 8, (stop) => {
      f.get(at).load().set(low).get(at).load(16).set(high);
      f.get(low).get(high).shuffle(everySecondWord(0)).tee(words).get(limits).op(i32x4.geU);
      f.get(low).get(high).shuffle(everySecondWord(1)).op(v128.or).op(v128.anyTrue).brIf(stop);
      f.get(to).get(words).store();
      f.increase(at, 32).increase(to, 16);
    });
    f.block((stop) =>
      whileRoom(f, i, count, 1, () => {
        f.get(at).memory(i64.load).get(limit).op(i64.extendI32U).op(i64.geU).brIf(stop);
        f.get(to).get(at).memory(i32.load).memory(i32.store);
        advance(f, at, step).increase(to, 4);
      }),
    );
    f.get(i);
  });
}

function splat(f: FunctionBuilder, local: number): number {
  const reg = f.local(Type.v128);
  f.get(local).op(i32x4.splat).set(reg);
  return reg;
}

/** Four at a time while they are neighbours of `bytes`; `stop` leaves with `i` at the first of four. */
function vectors(
  f: FunctionBuilder,
  count: number,
  i: number,
  step: number,
  bytes: number,
  body: (stop: number) => void,
): void {
  f.get(step).i32(bytes).op(i32.eq);
  f.if(() => void f.block((stop) => whileRoom(f, i, count, 4, () => body(stop))));
}

/** The bytes of the lower (0) or the upper (1) words of four int64 in two vectors. */
const everySecondWord = (first: 0 | 1): number[] =>
  [0, 1, 2, 3].flatMap((k) => [0, 1, 2, 3].map((byte) => (2 * k + first) * 4 + byte));
