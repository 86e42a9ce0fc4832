import { ArgumentError } from '@flambeau/core';
import { type AnyModule, Module } from '../module/module.ts';
import { describeList } from '../module/repr.ts';
import { asModule } from './check.ts';
import { IndexedItems } from './items.ts';

/**
 * A list of modules, found by `parameters()` and in state dicts under their indices. It has no `forward`: a model
 * loops over it.
 *
 * @throws {ArgumentError} an item is no module.
 * @example
 * class Deep extends Module {
 *   layers = new ModuleList([new Linear(4, 4), new Linear(4, 4)]);
 *   forward(x: Tensor) {
 *     for (const layer of this.layers) x = layer.forward(x);
 *     return x;
 *   }
 * }
 */
export class ModuleList<M extends AnyModule = Module> extends Module<[], never> {
  static readonly builtIn = 'ModuleList';
  #items = new IndexedItems<M>('ModuleList', asModule<M>('ModuleList'));

  constructor(modules: Iterable<M> = []) {
    super();
    this.#items.extend(modules);
  }

  /** @internal */
  override *fieldEntries(): Iterable<readonly [string, unknown]> {
    yield* this.#items.entries();
    yield* super.fieldEntries();
  }

  get length(): number {
    return this.#items.values.length;
  }

  [Symbol.iterator](): IterableIterator<M> {
    return this.#items.values.values();
  }

  /** The module at an index; negative ones count from the end. @throws {ArgumentError} there is none. */
  at(index: number): M {
    return this.#items.at(index);
  }

  /** Puts another module in the place of one. @throws {ArgumentError} there is none. */
  set(index: number, module: M): this {
    this.#items.set(index, module);
    return this;
  }

  /** Adds a module at the end. */
  append(module: M): this {
    this.#items.append(module);
    return this;
  }

  /** Adds modules at the end. */
  extend(modules: Iterable<M>): this {
    this.#items.extend(modules);
    return this;
  }

  /** Adds a module before the one at an index. */
  insert(index: number, module: M): this {
    this.#items.insert(index, module);
    return this;
  }

  /** Takes a module out, the last one unless said otherwise. */
  pop(index = -1): M {
    return this.#items.remove(index);
  }

  /** @throws {ArgumentError} always: a list does not say in which order, or whether, its modules run. */
  forward(): never {
    throw new ArgumentError(
      'ModuleList: it has no forward; loop over it: for (const layer of this.layers) x = layer.forward(x)',
      { op: 'ModuleList' },
    );
  }

  override toString(): string {
    return describeList(this);
  }
}
