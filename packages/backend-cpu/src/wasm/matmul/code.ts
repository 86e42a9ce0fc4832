import type { DType } from '@flambeau/core/backend';
import type { Heap } from '../../heap/heap.ts';
import { Code } from '../../threads/code.ts';
import { ModuleBuilder, type Opcode, Type, v128 } from '../assembler/index.ts';
import { advance, countUp, locals, parameters, whileRoom } from '../emit.ts';
import { Lanes } from '../lanes/lanes.ts';
import { store, storeUnits } from '../programs/memory.ts';
import { kindOf, type Value, value, wrap } from '../programs/value.ts';
import { addUnpacked } from './direct.ts';
import { ELEMENTS, type Element, isPlain } from './lane.ts';
import { addPacked } from './packed.ts';
import type { Tile } from './tile.ts';

/** `narrow(source, out, ld, rows, columns)`: stores a product in the dtype of its operands. */
function addNarrow(module: ModuleBuilder, element: Element): void {
  if (isPlain(element)) return;
  const { dtype, lane, bytes } = element;
  module.export('narrow', parameters(5), [], (f) => {
    const [source, out, ld, rows, columns] = [0, 1, 2, 3, 4] as const;
    const [i, j, to] = locals(f, Type.i32, 3);
    const lanes = new Lanes(f, false);
    const load = (code: Opcode, offset = 0): Value => {
      f.get(source).memory(code, offset);
      return value(kindOf(dtype), wrap(lanes, dtype, lanes.keep()));
    };
    countUp(f, i, rows, 1, () => {
      f.get(out).set(to).i32(0).set(j);
      whileRoom(f, j, columns, 8, () => {
        storeUnits(lanes, dtype, to, 0, [load(v128.load), load(v128.load, 16)]);
        f.increase(source, 32).increase(to, 8 * bytes);
      });
      whileRoom(f, j, columns, 1, () => {
        store(lanes, dtype, { each: [to] }, load(lane.loadFirst), 'first');
        f.increase(source, lane.bytes).increase(to, bytes);
      });
      advance(f, out, ld);
    });
  });
}

/** The module that multiplies elements of a dtype. */
export function productModule(element: Element, tile: Tile, shared: boolean): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({ shared });
  addPacked(module, element, tile);
  if (isPlain(element)) addUnpacked(module, element.lane, tile);
  addNarrow(module, element);
  return module.toBytes();
}

/** The compiled products of a heap, by dtype, each made when it is first needed. */
export class MatmulCodes {
  private readonly heap: Heap;
  readonly tile: Tile;
  private readonly made = new Map<Element, Code>();

  constructor(heap: Heap, tile: Tile) {
    this.heap = heap;
    this.tile = tile;
  }

  /** How a dtype is multiplied; undefined for one that has no products. */
  element(dtype: DType): Element | undefined {
    return ELEMENTS[dtype];
  }

  code(element: Element): Code {
    let code = this.made.get(element);
    if (code === undefined) {
      code = new Code(this.heap, productModule(element, this.tile, this.heap.shared), this.tile.compile);
      this.made.set(element, code);
    }
    return code;
  }
}
