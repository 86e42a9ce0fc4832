import { ArgumentError, type DType, type Tensor } from '@flambeau/core';
import { Module } from '../module/module.ts';
import { asParameter } from './check.ts';
import { IndexedItems, NamedItems } from './items.ts';

const TYPE_NAMES: Readonly<Record<DType, string>> = {
  float32: 'Float',
  float64: 'Double',
  float16: 'Half',
  bfloat16: 'BFloat16',
  int64: 'Long',
  int32: 'Int',
  int16: 'Short',
  int8: 'Char',
  uint8: 'Byte',
  bool: 'Bool',
  complex64: 'ComplexFloat',
};

const line = (name: string, type: string, { shape }: Tensor): string =>
  `  (${name}): Parameter containing: [${type} of size ${shape.join('x')}]`;

/**
 * A list of parameters, in state dicts under their indices. Plain tensors become parameters.
 *
 * @throws {ArgumentError} an item is no tensor.
 * @example new ParameterList([randn([2, 3]), randn([3])]).parameters().length // 2
 */
export class ParameterList extends Module<[], never> {
  static readonly builtIn = 'ParameterList';
  #items = new IndexedItems<Tensor>('ParameterList', asParameter('ParameterList'));

  constructor(parameters: Iterable<Tensor> = []) {
    super();
    this.#items.extend(parameters);
  }

  /** @internal */
  override *fieldEntries(): Iterable<readonly [string, unknown]> {
    yield* this.#items.entries();
    yield* super.fieldEntries();
  }

  get length(): number {
    return this.#items.values.length;
  }

  [Symbol.iterator](): IterableIterator<Tensor> {
    return this.#items.values.values();
  }

  /** The parameter at an index; negative ones count from the end. @throws {ArgumentError} there is none. */
  at(index: number): Tensor {
    return this.#items.at(index);
  }

  /** Puts another parameter in the place of one. @throws {ArgumentError} there is none. */
  set(index: number, parameter: Tensor): this {
    this.#items.set(index, parameter);
    return this;
  }

  /** Adds a parameter at the end. */
  append(parameter: Tensor): this {
    this.#items.append(parameter);
    return this;
  }

  /** Adds parameters at the end. */
  extend(parameters: Iterable<Tensor>): this {
    this.#items.extend(parameters);
    return this;
  }

  /** @throws {ArgumentError} always. */
  forward(): never {
    throw new ArgumentError('ParameterList: it has no forward; loop over it or take at(i)', {
      op: 'ParameterList',
    });
  }

  override toString(): string {
    const lines = this.#items
      .entries()
      .map(([name, tensor]) => `  ${line(name, `torch.${tensor.dtype}`, tensor)}`);
    return lines.length === 0 ? 'ParameterList()' : `ParameterList(\n${lines.join('\n')}\n)`;
  }
}

/**
 * Parameters by name, in the order given. Plain tensors become parameters.
 *
 * @throws {ArgumentError} an item is no tensor, or a name has a dot.
 * @example new ParameterDict({ scale: ones([3]) }).get('scale').requiresGrad // true
 */
export class ParameterDict<K extends string = string> extends Module<[], never> {
  static readonly builtIn = 'ParameterDict';
  #items = new NamedItems<Tensor>('ParameterDict', asParameter('ParameterDict'));

  constructor(parameters?: Readonly<Record<K, Tensor>> | ReadonlyMap<K, Tensor>) {
    super();
    if (parameters !== undefined) this.#items.setAll(parameters);
  }

  /** @internal */
  override *fieldEntries(): Iterable<readonly [string, unknown]> {
    yield* this.#items.map;
    yield* super.fieldEntries();
  }

  get size(): number {
    return this.#items.map.size;
  }

  /** The parameter of a name. @throws {ArgumentError} there is none. */
  get(name: K): Tensor {
    return this.#items.get(name);
  }

  has(name: string): boolean {
    return this.#items.map.has(name);
  }

  set(name: K, parameter: Tensor): this {
    this.#items.set(name, parameter);
    return this;
  }

  /** Takes a parameter out and gives it back. @throws {ArgumentError} there is none. */
  pop(name: K): Tensor {
    return this.#items.remove(name);
  }

  keys(): IterableIterator<string> {
    return this.#items.map.keys();
  }

  values(): IterableIterator<Tensor> {
    return this.#items.map.values();
  }

  [Symbol.iterator](): IterableIterator<[string, Tensor]> {
    return this.#items.map.entries();
  }

  /** @throws {ArgumentError} always. */
  forward(): never {
    throw new ArgumentError("ParameterDict: it has no forward; take get('name')", { op: 'ParameterDict' });
  }

  override toString(): string {
    const lines = [...this.#items.map].map(([name, tensor]) =>
      line(name, `torch.${TYPE_NAMES[tensor.dtype]}Tensor`, tensor),
    );
    return `ParameterDict(${lines.join('\n')})`;
  }
}
