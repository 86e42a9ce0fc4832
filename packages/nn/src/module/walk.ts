import { ArgumentError, isTensor, type Tensor } from '@flambeau/core';
import type { AnyModule } from './module.ts';
import { assume, type Role, roleOf } from './roles.ts';

const BRAND = Symbol.for('flambeau.nn.Module');

/** Marks the class of modules: `instanceof` would fail across two copies of this package. */
export const MODULE: typeof BRAND = BRAND;

export const isModule = (value: unknown): value is AnyModule =>
  typeof value === 'object' && value !== null && BRAND in value;

interface ModuleClass {
  readonly keys?: Renames;
  /** The name of a class of this package, which survives minifying. */
  readonly builtIn?: string;
  /** Set where a class of this package runs modules that it was given. */
  readonly runsOthers?: boolean;
}

/** Whether a module's class is one of this package, and no class that a user derived from one. */
const isBuiltIn = (module: AnyModule): boolean => Object.hasOwn(module.constructor, 'builtIn');

/** Whether nothing but code of this package runs in a module's `forward`, hooks aside. */
export const isLeafLayer = (module: AnyModule): boolean =>
  isBuiltIn(module) && !Object.hasOwn(module.constructor, 'runsOthers');

/** The name of a module's class; that of a built-in class survives minifying. */
export function classOf(module: AnyModule): string {
  return (
    (isBuiltIn(module) ? (module.constructor as ModuleClass).builtIn : undefined) ?? module.constructor.name
  );
}

/** A parameter, a buffer or a child, under the name that it has in state dicts. */
export type Member =
  | { readonly kind: 'parameter'; readonly name: string; readonly value: Tensor }
  | { readonly kind: 'buffer'; readonly name: string; readonly value: Tensor; readonly persistent: boolean }
  | { readonly kind: 'child'; readonly name: string; readonly value: AnyModule };

/** What each field held when it was last walked, to notice a parameter or buffer that a plain tensor replaced. */
const remembered = new WeakMap<AnyModule, Map<string, Role>>();

type Renames = Readonly<Record<string, string>>;
const renamesOf = new WeakMap<object, Renames>();

/** The renames of a class and all that it extends. */
function renames(type: object): Renames {
  let found = renamesOf.get(type);
  if (found === undefined) {
    const parent: object | null = Object.getPrototypeOf(type);
    const own = Object.hasOwn(type, 'keys') ? (type as ModuleClass).keys : undefined;
    found = { ...(parent === null || parent === Function.prototype ? {} : renames(parent)), ...own };
    renamesOf.set(type, found);
  }
  return found;
}

/**
 * What a module holds itself, in the order declared.
 *
 * @throws {ArgumentError} a field is an array of modules, or a plain tensor stands where a parameter was.
 */
export function membersOf(module: AnyModule): readonly Member[] {
  const names = renames(module.constructor);
  const members: Member[] = [];
  for (const [field, value] of module.fieldEntries()) {
    if (typeof value !== 'object' || value === null) continue;
    const name = names[field] ?? field;
    if (isTensor(value)) {
      const role = roleIn(module, field, value);
      if (role !== undefined) members.push({ ...role, name, value });
    } else if (isModule(value)) {
      members.push({ kind: 'child', name, value });
    } else {
      refuseHidden(module, field, value);
    }
  }
  return members;
}

function roleIn(module: AnyModule, field: string, tensor: Tensor): Role | undefined {
  let memory = remembered.get(module);
  const role = roleOf(tensor);
  if (role !== undefined) {
    if (memory === undefined) remembered.set(module, (memory = new Map()));
    memory.set(field, role);
    return role;
  }
  const before = memory?.get(field);
  if (before?.kind === 'parameter') {
    throw new ArgumentError(
      `${classOf(module)}.${field} was a parameter and now holds a plain tensor; assign parameter(t), or write into it: noGrad(() => this.${field}.copy_(t))`,
      { op: classOf(module), data: { field } },
    );
  }
  if (before !== undefined) assume(tensor, before);
  return before;
}

/** Refuses modules and parameters inside plain collections, where nothing would find them. */
function refuseHidden(module: AnyModule, field: string, value: object): void {
  const array = Array.isArray(value) || value instanceof Set;
  const items: Iterable<unknown> = array
    ? value
    : value instanceof Map
      ? value.values()
      : isPlain(value)
        ? Object.values(value)
        : [];
  for (const item of items) {
    const what = isModule(item)
      ? 'Module'
      : isTensor(item) && roleOf(item)?.kind === 'parameter'
        ? 'Parameter'
        : undefined;
    if (what === undefined) continue;
    const container = `${what}${array ? 'List' : 'Dict'}`;
    const kind = Array.isArray(value)
      ? 'an array'
      : value instanceof Set
        ? 'a Set'
        : value instanceof Map
          ? 'a Map'
          : 'a plain object';
    throw new ArgumentError(
      `${classOf(module)}.${field} is ${kind} of ${what.toLowerCase()}s, which parameters(), stateDict() and to() would miss; wrap it: new ${container}(…), or make it a #private field to keep it out of the model`,
      { op: classOf(module), data: { field } },
    );
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The modules that are being walked, from the outermost to the one at hand. */
export type Path = Set<AnyModule>;

/**
 * Runs `body` inside a module.
 * @throws {ArgumentError} the module holds itself.
 */
export function within<R>(path: Path, module: AnyModule, body: () => R): R {
  if (path.has(module)) {
    const name = classOf(module);
    throw new ArgumentError(
      `${name}: the module holds itself through its children; keep a reference to a parent in a #private field`,
      { op: name },
    );
  }
  path.add(module);
  try {
    return body();
  } finally {
    path.delete(module);
  }
}

export const join = (prefix: string, name: string): string => (prefix === '' ? name : `${prefix}.${name}`);

type Visit = (module: AnyModule, prefix: string, members: readonly Member[]) => void;

/**
 * Calls `visit` for a module and all below it, each before its children; a shared one as often as it occurs.
 */
export function descend(module: AnyModule, prefix: string, visit: Visit, path: Path = new Set()): void {
  within(path, module, () => {
    const members = membersOf(module);
    visit(module, prefix, members);
    for (const { kind, name, value } of members) {
      if (kind === 'child') descend(value, join(prefix, name), visit, path);
    }
  });
}

/** A module and all below it, each after its children and once. */
export function childrenFirst(module: AnyModule): ReadonlySet<AnyModule> {
  const found = new Set<AnyModule>();
  const path: Path = new Set();
  const visit = (at: AnyModule): void =>
    within(path, at, () => {
      for (const { kind, value } of membersOf(at)) if (kind === 'child' && !found.has(value)) visit(value);
      found.add(at);
    });
  visit(module);
  return found;
}
