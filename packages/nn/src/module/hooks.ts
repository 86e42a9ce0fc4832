import { ArgumentError, describe, isTensor } from '@flambeau/core';
import type { AnyModule } from './module.ts';
import { classOf } from './walk.ts';

type PreHook = (module: AnyModule, args: unknown[]) => unknown;
type ForwardHook = (module: AnyModule, args: unknown[], output: unknown) => unknown;

interface Hooks {
  readonly before: PreHook[];
  readonly after: ForwardHook[];
  /** The `forward` that the module had as a field of its own, if it had one. */
  readonly own: PropertyDescriptor | undefined;
}

const hooksOf = new WeakMap<AnyModule, Hooks>();

/** Adds a function that sees, and may replace, the arguments of `forward`. Returns the way to take it off. */
export const addPreHook = (module: AnyModule, hook: PreHook): (() => void) =>
  add(module, hook, ({ before }) => before);

/** Adds a function that sees, and may replace, the result of `forward`. Returns the way to take it off. */
export const addHook = (module: AnyModule, hook: ForwardHook): (() => void) =>
  add(module, hook, ({ after }) => after);

function add<H>(module: AnyModule, hook: H, listOf: (hooks: Hooks) => H[]): () => void {
  if (typeof hook !== 'function')
    throw new ArgumentError(`${classOf(module)}: a hook is a function, got ${describe(hook)}`, {
      op: classOf(module),
    });
  const hooks = hooksOf.get(module) ?? wrap(module);
  const list = listOf(hooks);
  list.push(hook);
  return () => {
    const at = list.indexOf(hook);
    if (at >= 0) list.splice(at, 1);
    if (hooks.before.length + hooks.after.length === 0 && hooksOf.get(module) === hooks)
      unwrap(module, hooks);
  };
}

/** Lays a `forward` that runs the hooks over the module's own. */
function wrap(module: AnyModule): Hooks {
  const hooks: Hooks = { before: [], after: [], own: Object.getOwnPropertyDescriptor(module, 'forward') };
  const inner = module.forward;
  const forward = (...args: unknown[]): unknown => run(module, hooks, inner, args);
  Object.defineProperty(module, 'forward', {
    value: forward,
    enumerable: false,
    configurable: true,
    writable: true,
  });
  hooksOf.set(module, hooks);
  return hooks;
}

function unwrap(module: AnyModule, { own }: Hooks): void {
  hooksOf.delete(module);
  Reflect.deleteProperty(module, 'forward');
  if (own !== undefined) Object.defineProperty(module, 'forward', own);
}

function run(module: AnyModule, hooks: Hooks, inner: AnyModule['forward'], given: unknown[]): unknown {
  let args = given;
  for (const hook of hooks.before.slice()) {
    show(args);
    const replaced = hook(module, args);
    if (replaced === undefined) continue;
    if (!Array.isArray(replaced)) {
      throw new ArgumentError(
        `${classOf(module)}: a forward pre-hook returns an array of arguments, or nothing; got ${describe(replaced)}`,
        { op: classOf(module) },
      );
    }
    args = replaced as unknown[];
  }
  let output = inner.apply(module, args);
  for (const hook of hooks.after.slice()) {
    show(args);
    show(output);
    const replaced = hook(module, args, output);
    if (replaced !== undefined) output = replaced;
  }
  return output;
}

/** Notes that user code has seen these tensors: a scope around the module must not drop them. */
function show(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (isTensor(value)) value.shown = true;
  else if (Array.isArray(value)) value.forEach(show);
  else if (Object.getPrototypeOf(value) === Object.prototype) Object.values(value).forEach(show);
}
