import type { Tensor } from '../graph/tensor.ts';

/** The handles made in the scopes that are open, the innermost last. */
const made: (Tensor | undefined)[] = [];
let count = 0;
/** Whether new handles belong to a scope. */
let tracking = false;

/** Notes a new handle with the innermost scope. */
export function track(tensor: Tensor): void {
  if (tracking) made[count++] = tensor;
}

/** Opens a scope. What comes back says how to close it: where its handles begin, negative inside no other scope. */
export function openScope(): number {
  const mark = tracking ? count : ~count;
  tracking = true;
  return mark;
}

/** Drops the handles made in a scope, but for those in `kept`, which go to the scope around it. */
export function closeScope(mark: number, kept: readonly unknown[]): void {
  const start = mark < 0 ? ~mark : mark;
  const end = count;
  count = start;
  tracking = mark >= 0;
  for (let i = start; i < end; i++) {
    const tensor = made[i]!;
    made[i] = undefined;
    if (!kept.includes(tensor)) drop(tensor);
    else track(tensor);
  }
}

/**
 * Runs `body` and then drops the handles that it made, sparing what it returns, what is stored as state and what
 * user code was shown. Storages that the graph needs live on. When `body` throws, all its handles go.
 */
export function scope<R>(body: () => R): R {
  const mark = openScope();
  let result: R;
  try {
    result = body();
  } catch (error) {
    closeScope(mark, []);
    throw error;
  }
  const kept: unknown[] = [];
  collect(result, kept);
  closeScope(mark, kept);
  return result;
}

/** Leaves every scope until `resumeScopes` is given the result. */
export function pauseScopes(): boolean {
  const before = tracking;
  tracking = false;
  return before;
}

export function resumeScopes(before: boolean): void {
  tracking = before;
}

/** Runs `body` outside of every scope: what it makes belongs to whoever holds it. */
export function unscoped<R>(body: () => R): R {
  const before = pauseScopes();
  try {
    return body();
  } finally {
    resumeScopes(before);
  }
}

function drop(tensor: Tensor): void {
  if (tensor.droppable) tensor.dispose();
}

/** Finds the tensors in a result: itself, in arrays, and in plain objects. Never element by element in typed arrays. */
function collect(value: unknown, into: unknown[]): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  if ('storage' in value) into.push(value);
  else if (Array.isArray(value)) for (const item of value) collect(item, into);
  else for (const key in value) collect((value as Record<string, unknown>)[key], into);
}
