interface NodeProcess {
  readonly arch?: string;
  readonly execArgv?: readonly string[];
  readonly versions?: { readonly v8?: string };
  getBuiltinModule?(name: string): unknown;
}

/** Node's `process`, where there is one: core's types know neither Node nor the page. */
export const nodeProcess = (globalThis as { readonly process?: NodeProcess }).process;

/** A module of Node's own; undefined in other hosts. */
export const builtin = (name: string): unknown => nodeProcess?.getBuiltinModule?.(name);
