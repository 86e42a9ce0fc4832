import { ArgumentError } from '@flambeau/core';
import { type AnyModule, Module } from '../module/module.ts';
import { asModule } from './check.ts';
import { NamedItems } from './items.ts';

/**
 * Modules by name, in the order given, found by `parameters()` and in state dicts under their names. It has no
 * `forward`.
 *
 * @throws {ArgumentError} an item is no module, or a name has a dot.
 * @example
 * const heads = new ModuleDict({ value: new Linear(4, 1), policy: new Linear(4, 3) });
 * heads.get('policy').forward(ones([2, 4])).shape // [2, 3]
 */
export class ModuleDict<
  Items extends Readonly<Record<string, AnyModule>> = Readonly<Record<string, Module>>,
> extends Module<[], never> {
  static readonly builtIn = 'ModuleDict';
  #items = new NamedItems<AnyModule>('ModuleDict', asModule('ModuleDict'));

  constructor(modules?: Items | ReadonlyMap<string, Items[keyof Items]>) {
    super();
    if (modules !== undefined) this.#items.setAll(modules);
  }

  /** @internal */
  override *fieldEntries(): Iterable<readonly [string, unknown]> {
    yield* this.#items.map;
    yield* super.fieldEntries();
  }

  get size(): number {
    return this.#items.map.size;
  }

  /** The module of a name. @throws {ArgumentError} there is none. */
  get<K extends keyof Items & string>(name: K): Items[K] {
    return this.#items.get(name) as Items[K];
  }

  has(name: string): boolean {
    return this.#items.map.has(name);
  }

  set(name: string, module: Items[keyof Items]): this {
    this.#items.set(name, module);
    return this;
  }

  /** Takes a module out and gives it back. @throws {ArgumentError} there is none. */
  pop<K extends keyof Items & string>(name: K): Items[K] {
    return this.#items.remove(name) as Items[K];
  }

  keys(): IterableIterator<string> {
    return this.#items.map.keys();
  }

  values(): IterableIterator<Items[keyof Items]> {
    return this.#items.map.values() as IterableIterator<Items[keyof Items]>;
  }

  [Symbol.iterator](): IterableIterator<[string, Items[keyof Items]]> {
    return this.#items.map.entries() as IterableIterator<[string, Items[keyof Items]]>;
  }

  /** @throws {ArgumentError} always. */
  forward(): never {
    throw new ArgumentError(
      "ModuleDict: it has no forward; call its modules: this.heads.get('value').forward(x)",
      { op: 'ModuleDict' },
    );
  }
}
