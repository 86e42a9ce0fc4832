import type { DType } from '@flambeau/core/backend';
import type { Heap } from '../../heap/heap.ts';
import { Code } from '../../threads/code.ts';
import { ModuleBuilder, Type } from '../assembler/index.ts';
import { advance, countUp, locals, parameters, whileRoom } from '../emit.ts';
import { Lanes } from '../lanes/lanes.ts';
import { storeUnits } from '../programs/memory.ts';
import { kindOf, type Value, value, wrap } from '../programs/value.ts';
import { addUnpacked } from './direct.ts';
import { ELEMENTS, type Element, isPlain } from './lane.ts';
import { addPacked } from './packed.ts';
import type { Tile } from './tile.ts';

/** `narrow(source, out, ld, rows, columns)`: stores a product in the dtype of its operands. */
function addNarrow(module: ModuleBuilder, { dtype, lane, bytes, narrow }: Element): void {
  if (narrow === null) return;
  module.export('narrow', parameters(5), [], (f) => {
    const [source, out, ld, rows, columns] = [0, 1, 2, 3, 4] as const;
    const [i, j, to, scratch] = locals(f, Type.i32, 4);
    const lanes = new Lanes(f, false);
    countUp(f, i, rows, 1, () => {
      f.get(out).set(to).i32(0).set(j);
      whileRoom(f, j, columns, 8, () => {
        const four = (offset: number): Value => {
          f.get(source).load(offset);
          return value(kindOf(dtype), wrap(lanes, dtype, lanes.keep()));
        };
        storeUnits(lanes, dtype, to, 0, [four(0), four(16)]);
        f.increase(source, 32).increase(to, 8 * bytes);
      });
      whileRoom(f, j, columns, 1, () => {
        f.get(to).get(source).memory(lane.load);
        narrow(f, scratch);
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
