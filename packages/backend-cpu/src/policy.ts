import { float16Values } from './half.ts';
import { runtime } from './scalar/arithmetic.ts';

/** How programs become loops: by `new Function` where the page's policy allows it, else by composed closures. */
export type Compiler = 'auto' | 'function' | 'closures';

let permitted: boolean | null = null;

/** Whether this page may compile source; asked once. */
export function mayCompile(): boolean {
  if (permitted === null) {
    try {
      permitted = new Function('return true')() === true;
    } catch {
      permitted = false;
    }
  }
  return permitted;
}

let wasmPermitted: boolean | null = null;

/** Whether this page may compile WebAssembly; asked once. */
export function mayCompileWasm(): boolean {
  if (wasmPermitted === null) {
    try {
      // The empty module.
      wasmPermitted = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)) !== null;
    } catch {
      wasmPermitted = false;
    }
  }
  return wasmPermitted;
}

/** Evaluates the source of a function; it finds the arithmetic under `rt` and the float16 values under `float16`. */
export function compileSource<F>(source: string): F {
  const wantsTable = source.includes('float16[');
  // What the source evaluates to is the caller's to know.
  return new Function('rt', 'float16', `'use strict';\nreturn ${source}`)(
    runtime,
    wantsTable ? float16Values() : null,
  ) as F;
}

/**
 * One copy of a kernel for each class of arrays, so that each copy sees one kind alone: a function that is fed
 * several becomes many times slower. `kernel` must name nothing but its parameters and JavaScript's own globals.
 */
export function perKind<F extends (...args: never[]) => unknown>(
  kernel: F,
  bySource: boolean,
): (kind: number) => F {
  if (!bySource) return () => kernel;
  const copies: F[] = [];
  return (kind) => (copies[kind] ??= compileSource<F>(String(kernel)));
}
