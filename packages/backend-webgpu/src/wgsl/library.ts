import { FLOAT_FUNCTIONS } from './float-functions.ts';
import { INTEGER_FUNCTIONS } from './integer-functions.ts';
import { STORAGE_FUNCTIONS } from './storage-functions.ts';
import { TRIGONOMETRIC_FUNCTIONS } from './trigonometric-functions.ts';

/** A function of a shader, and those that it calls. */
export interface LibraryFunction {
  readonly source: string;
  readonly needs?: readonly string[];
}

export type FunctionTable = Readonly<Record<string, LibraryFunction>>;

const ALL: FunctionTable = {
  ...STORAGE_FUNCTIONS,
  ...FLOAT_FUNCTIONS,
  ...TRIGONOMETRIC_FUNCTIONS,
  ...INTEGER_FUNCTIONS,
};

/** The functions that one shader uses, each once, with those that they call. */
export class Library {
  private readonly used = new Set<string>();

  /** Uses a function; gives its name, to be called. */
  use(name: string): string {
    if (this.used.has(name)) return name;
    const known = ALL[name];
    if (known === undefined) throw new RangeError(`the shader library has no ${name}`);
    this.used.add(name);
    for (const needed of known.needs ?? []) this.use(needed);
    return name;
  }

  call(name: string, ...args: string[]): string {
    return `${this.use(name)}(${args.join(', ')})`;
  }

  /** The declarations of all that was used. WGSL asks for no order. */
  source(): string {
    return [...this.used].map((name) => ALL[name]!.source.trim()).join('\n');
  }
}
