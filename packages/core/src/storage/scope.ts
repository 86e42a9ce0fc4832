import type { Tensor } from '../graph/tensor.ts';

/** A scope that is open: the one around it, and the handles made since. */
export interface OpenScope {
  readonly outer: OpenScope | null;
  readonly made: (Tensor | undefined)[];
  count: number;
}

/** Most scopes make no more handles than this; an array that grows from nothing takes room for many. */
const FEW = 3;

/** The innermost scope; null outside of every scope. */
let current: OpenScope | null = null;

/** Notes a new handle with the innermost scope. */
export function track(tensor: Tensor): void {
  if (current !== null) current.made[current.count++] = tensor;
}

export function openScope(): OpenScope {
  current = { outer: current, made: new Array(FEW), count: 0 };
  return current;
}

/** Drops the handles made in a scope, but for those in `kept`, which go to the scope around it. */
export function closeScope({ outer, made, count }: OpenScope, kept: readonly unknown[]): void {
  current = outer;
  for (let i = 0; i < count; i++) {
    const tensor = made[i]!;
    if (!kept.includes(tensor)) drop(tensor);
    else track(tensor);
  }
}

/**
 * Runs `body` and then drops the handles that it made, sparing what it returns, what is stored as state and what
 * user code was shown. Storages that the graph needs live on. When `body` throws, all its handles go.
 */
export function scope<R>(body: () => R): R {
  const opened = openScope();
  let result: R;
  try {
    result = body();
  } catch (error) {
    closeScope(opened, []);
    throw error;
  }
  const kept: unknown[] = [];
  collect(result, kept);
  closeScope(opened, kept);
  return result;
}

/** Runs `body` outside of every scope: what it makes belongs to whoever holds it. */
export function unscoped<R>(body: () => R): R {
  const outer = current;
  current = null;
  try {
    return body();
  } finally {
    current = outer;
  }
}

function drop(tensor: Tensor): void {
  if (!tensor.shown) tensor.dispose();
}

/** Finds the tensors in a result: itself, in arrays, and in plain objects. Never element by element in typed arrays. */
function collect(value: unknown, into: unknown[]): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  if ('storage' in value) into.push(value);
  else if (Array.isArray(value)) for (const item of value) collect(item, into);
  else for (const key in value) collect((value as Record<string, unknown>)[key], into);
}
