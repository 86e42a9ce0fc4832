import { text, unsigned } from './bytes.ts';
import { FunctionBuilder, type Type } from './function.ts';

/** The most pages a memory of 32-bit addresses has. Any memory may be imported under this maximum. */
const MOST_PAGES = 65536;

interface Imported {
  readonly name: string;
  readonly type: number;
}

/**
 * A WebAssembly module in the making. It imports its memory as `env.memory`, and functions from `env`.
 *
 * @example
 * const module = new ModuleBuilder({ shared: false });
 * module.export('negate', [Type.i32], [], (f) => f.get(0).get(0).load().op(f32x4.neg).store());
 * new WebAssembly.Instance(new WebAssembly.Module(module.toBytes()), { env: { memory } });
 */
export class ModuleBuilder {
  private readonly shared: boolean | null;
  private readonly types: number[][] = [];
  private readonly imports: Imported[] = [];
  private readonly functions: FunctionBuilder[] = [];
  private readonly exports: { readonly name: string; readonly index: number }[] = [];

  /** @param memory whether the memory is shared; null for a module without one. */
  constructor(memory: { readonly shared: boolean } | null) {
    this.shared = memory?.shared ?? null;
  }

  /** A function of the host under `env`. All imports come before the first function. */
  import(name: string, params: readonly Type[], results: readonly Type[]): number {
    this.imports.push({ name, type: this.typeOf(params, results) });
    return this.imports.length - 1;
  }

  /** Adds a function and gives its index, to call it by. */
  function(params: readonly Type[], results: readonly Type[], body: (f: FunctionBuilder) => void): number {
    const f = new FunctionBuilder(params, results);
    this.functions.push(f);
    const index = this.imports.length + this.functions.length - 1;
    body(f);
    return index;
  }

  /** Adds a function that the host calls by `name`. */
  export(
    name: string,
    params: readonly Type[],
    results: readonly Type[],
    body: (f: FunctionBuilder) => void,
  ): number {
    const index = this.function(params, results, body);
    this.exports.push({ name, index });
    return index;
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    const out = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
    const functionTypes = this.functions.map(({ params, results }) => this.typeOf(params, results));
    section(out, 1, this.types, (bytes, type) => bytes.push(...type));
    const imported: (Imported | null)[] = this.shared === null ? this.imports : [null, ...this.imports];
    section(out, 2, imported, (bytes, entry) => {
      text(bytes, 'env');
      text(bytes, entry?.name ?? 'memory');
      if (entry !== null) {
        bytes.push(0);
        unsigned(bytes, entry.type);
        return;
      }
      bytes.push(2, this.shared ? 3 : 1, 0);
      unsigned(bytes, MOST_PAGES);
    });
    section(out, 3, functionTypes, unsigned);
    section(out, 7, this.exports, (bytes, { name, index }) => {
      text(bytes, name);
      bytes.push(0);
      unsigned(bytes, index);
    });
    section(out, 10, this.functions, (bytes, f) => f.write(bytes));
    return Uint8Array.from(out);
  }

  private typeOf(params: readonly Type[], results: readonly Type[]): number {
    const type = [0x60, params.length, ...params, results.length, ...results];
    const known = this.types.findIndex((other) => other.join() === type.join());
    return known >= 0 ? known : this.types.push(type) - 1;
  }
}

function section<T>(
  out: number[],
  id: number,
  items: readonly T[],
  write: (bytes: number[], item: T) => void,
): void {
  if (items.length === 0) return;
  const bytes: number[] = [];
  unsigned(bytes, items.length);
  for (const item of items) write(bytes, item);
  out.push(id);
  unsigned(out, bytes.length);
  for (const byte of bytes) out.push(byte);
}
