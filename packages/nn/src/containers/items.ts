import { ArgumentError, describe } from '@flambeau/core';

/** Refuses an item that does not belong. */
type Check<T> = (value: unknown, where: string) => T;

/** An ordered list with the indices as names: `'0'`, `'1'`, … Negative indices count from the end. */
export class IndexedItems<T> {
  readonly values: T[] = [];
  private readonly owner: string;
  private readonly check: Check<T>;

  constructor(owner: string, check: Check<T>) {
    this.owner = owner;
    this.check = check;
  }

  entries(): [string, T][] {
    return this.values.map((value, i) => [String(i), value]);
  }

  at(index: number): T {
    return this.values[this.position(index)]!;
  }

  set(index: number, value: unknown): void {
    const at = this.position(index);
    this.values[at] = this.check(value, `item ${at}`);
  }

  append(value: unknown): void {
    this.values.push(this.check(value, `item ${this.values.length}`));
  }

  extend(values: unknown): void {
    if (typeof values !== 'object' || values === null || !(Symbol.iterator in values)) {
      throw new ArgumentError(`${this.owner}: it takes an array, got ${describe(values)}`, {
        op: this.owner,
      });
    }
    // Checked as a whole, so that a wrong one adds none.
    const start = this.values.length;
    this.values.push(
      ...Array.from(values as Iterable<unknown>, (value, i) => this.check(value, `item ${start + i}`)),
    );
  }

  insert(index: number, value: unknown): void {
    const { length } = this.values;
    const at = index < 0 ? index + length : index;
    if (!Number.isInteger(at) || at < 0 || at > length) throw this.outOfRange(index);
    this.values.splice(at, 0, this.check(value, `item ${at}`));
  }

  remove(index: number): T {
    return this.values.splice(this.position(index), 1)[0]!;
  }

  private position(index: number): number {
    const { length } = this.values;
    const at = index < 0 ? index + length : index;
    if (!Number.isInteger(at) || at < 0 || at >= length) throw this.outOfRange(index);
    return at;
  }

  private outOfRange(index: number): ArgumentError {
    return new ArgumentError(
      `${this.owner}: index ${describe(index)} is out of range; it holds ${this.values.length}`,
      { op: this.owner, data: { index } },
    );
  }
}

/** Items by name, in the order given. */
export class NamedItems<T> {
  readonly map = new Map<string, T>();
  private readonly owner: string;
  private readonly check: Check<T>;

  constructor(owner: string, check: Check<T>) {
    this.owner = owner;
    this.check = check;
  }

  get(name: string): T {
    const found = this.map.get(name);
    if (found !== undefined) return found;
    throw new ArgumentError(
      `${this.owner}: there is no ${JSON.stringify(name)}; it holds: ${[...this.map.keys()].join(', ') || 'nothing'}`,
      { op: this.owner, data: { name } },
    );
  }

  set(name: string, value: unknown): void {
    if (typeof name !== 'string' || name === '' || name.includes('.')) {
      throw new ArgumentError(`${this.owner}: a name is a text without dots, got ${describe(name)}`, {
        op: this.owner,
        data: { name },
      });
    }
    this.map.set(name, this.check(value, name));
  }

  setAll(values: unknown): void {
    if (typeof values !== 'object' || values === null || Array.isArray(values)) {
      throw new ArgumentError(`${this.owner}: it takes a record, { name: … }, got ${describe(values)}`, {
        op: this.owner,
      });
    }
    for (const [name, value] of values instanceof Map
      ? (values as Map<string, unknown>)
      : Object.entries(values))
      this.set(name, value);
  }

  remove(name: string): T {
    const value = this.get(name);
    this.map.delete(name);
    return value;
  }
}
