import { ArgumentError, describe, scope, type Tensor } from '@flambeau/core';
import { type AnyModule, Module } from '../module/module.ts';
import { isLeafLayer, isModule } from '../module/walk.ts';
import { asModule } from './check.ts';

/**
 * Modules one after the other, each given what the one before it gave. Their names are `0`, `1`, …, or the keys of a
 * record.
 *
 * @throws {ArgumentError} one is no module.
 * @example
 * new Sequential(new Linear(4, 8), new ReLU(), new Linear(8, 1)).forward(ones([2, 4])).shape // [2, 1]
 * new Sequential({ hidden: new Linear(4, 8), out: new Linear(8, 1) });
 */
export class Sequential<const Layers extends readonly Module[] = readonly Module[]> extends Module {
  static readonly builtIn = 'Sequential';
  #layers: (readonly [name: string, layer: Module])[];

  constructor(...layers: Layers);
  constructor(layers: Readonly<Record<string, Module>>);
  constructor(...layers: readonly (Module | Readonly<Record<string, Module>>)[]) {
    super();
    const check = asModule<Module>('Sequential');
    const [first] = layers;
    if (layers.length === 1 && Array.isArray(first)) {
      throw new ArgumentError(
        'Sequential: the modules come one by one, not in an array: new Sequential(...layers)',
        { op: 'Sequential' },
      );
    }
    const named = layers.length === 1 && typeof first === 'object' && first !== null && !isModule(first);
    const entries: [string, unknown][] = named
      ? Object.entries(first)
      : layers.map((layer, i) => [String(i), layer]);
    this.#layers = entries.map(([name, layer]) => [
      checkName(name),
      check(layer, named ? name : `module ${name}`),
    ]);
  }

  /** @internal */
  override *fieldEntries(): Iterable<readonly [string, unknown]> {
    yield* this.#layers;
    yield* super.fieldEntries();
  }

  get length(): number {
    return this.#layers.length;
  }

  [Symbol.iterator](): IterableIterator<Module> {
    return this.#layers.map(([, layer]) => layer).values();
  }

  /** The module at an index; negative ones count from the end. @throws {ArgumentError} there is none. */
  at<I extends number>(index: I): Layers[I] {
    // What stands at a known index, the constructor's types say.
    return this.#layers[this.#position(index)]![1] as Layers[I];
  }

  /** Puts another module in the place of one. @throws {ArgumentError} the index is out of range. */
  set(index: number, layer: Module): this {
    const at = this.#position(index);
    this.#layers[at] = [this.#layers[at]![0], asModule<Module>('Sequential')(layer, `module ${index}`)];
    return this;
  }

  /** Some of the modules in a new container; they are shared. */
  slice(start?: number, end?: number): Sequential {
    return new Sequential(Object.fromEntries(this.#layers.slice(start, end)));
  }

  /** Adds a module at the end. */
  append(layer: Module): this {
    this.#layers.push([String(this.#layers.length), asModule<Module>('Sequential')(layer, 'the module')]);
    return this;
  }

  /** Adds modules at the end. */
  extend(layers: Iterable<Module>): this {
    for (const layer of layers) this.append(layer);
    return this;
  }

  /**
   * - `x`: what the first module takes
   * - returns: what the last one gives; `x` where there are none
   */
  forward(x: Tensor): Tensor {
    const layers = this.#layers;
    let y = x;
    let i = 0;
    while (i < layers.length) {
      // What passes between our own layers nobody else sees; a user's module may keep what it is given.
      const start = i;
      while (i < layers.length && isOwn(layers[i]![1])) i++;
      if (i - start > 1) {
        const input = y;
        y = scope(() => run(layers, start, i, input));
      } else {
        i = start + 1;
        y = layers[start]![1].forward(y);
      }
    }
    return y;
  }

  #position(index: number): number {
    const { length } = this.#layers;
    const at = index < 0 ? index + length : index;
    if (Number.isInteger(at) && at >= 0 && at < length) return at;
    throw new ArgumentError(
      `Sequential: index ${describe(index)} is out of range; it holds ${length} modules`,
      { op: 'Sequential', data: { index } },
    );
  }

  /** @internal Whether all of it is ours. */
  get isOwn(): boolean {
    return this.#layers.every(([, layer]) => isOwn(layer));
  }
}

const isOwn = (layer: AnyModule): boolean =>
  layer instanceof Sequential ? layer.constructor === Sequential && layer.isOwn : isLeafLayer(layer);

function run(layers: readonly (readonly [string, Module])[], start: number, end: number, x: Tensor): Tensor {
  let y = x;
  for (let i = start; i < end; i++) y = layers[i]![1].forward(y);
  return y;
}

function checkName(name: string): string {
  if (name !== '' && !name.includes('.')) return name;
  throw new ArgumentError(`Sequential: a name is a text without dots, got ${describe(name)}`, {
    op: 'Sequential',
    data: { name },
  });
}
