import {
  ArgumentError,
  CheckpointError,
  checkOptions,
  describe,
  isComplex,
  isFloating,
  isTensor,
  noGrad,
  scope,
  showShape,
  supportsDType,
  swapData,
  type Tensor,
} from '@flambeau/core';
import type { AnyModule } from './module.ts';
import { classOf, descend, join } from './walk.ts';

/** Tensors by PyTorch's keys. */
export type StateDict = Record<string, Tensor>;

export interface StateDictOptions {
  /** Put before every key. */
  readonly prefix?: string;
  /** Gives the parameters and buffers themselves instead of detached handles on their memory. Default false. */
  readonly keepVars?: boolean;
}

/** A key's new name, or null to leave its value out; or a table of those that change. */
export type Rename = ((key: string) => string | null) | Readonly<Record<string, string>>;

export interface LoadOptions {
  /** Whether missing and unexpected keys are errors. Default true. */
  readonly strict?: boolean;
  readonly rename?: Rename;
  /**
   * Whether parameters and buffers become the state's tensors, in their memory, dtype and device, instead of taking their
   * values: what a model made on the meta device, where nothing is initialised, needs. Default false.
   */
  readonly assign?: boolean;
}

/** Keys that only one side has: empty after a strict load. */
export interface LoadReport {
  readonly missingKeys: string[];
  readonly unexpectedKeys: string[];
}

/** What the model has under a key, and what the state has. */
interface Pair {
  readonly key: string;
  readonly target: Tensor;
  readonly source: Tensor;
}

/** Parameters and persistent buffers by key: own parameters, own buffers, then the children's. */
function entries(module: AnyModule, prefix = ''): Map<string, Tensor> {
  const found = new Map<string, Tensor>();
  const put = (key: string, value: Tensor): void => {
    if (found.has(key))
      throw new ArgumentError(
        `stateDict: two fields of ${classOf(module)} have the key ${key}; rename one by static keys`,
        { op: 'stateDict', data: { key } },
      );
    found.set(key, value);
  };
  descend(module, prefix, (_module, at, members) => {
    for (const { kind, name, value } of members) if (kind === 'parameter') put(join(at, name), value);
    for (const member of members)
      if (member.kind === 'buffer' && member.persistent) put(join(at, member.name), member.value);
  });
  return found;
}

export function stateDictOf(module: AnyModule, options: StateDictOptions = {}): StateDict {
  checkOptions('stateDict', options, ['prefix', 'keepVars']);
  const { prefix = '', keepVars = false } = options;
  const state: StateDict = {};
  for (const [key, value] of entries(module)) state[prefix + key] = keepVars ? value : value.detach();
  return state;
}

export function loadState(module: AnyModule, state: unknown, options: LoadOptions = {}): LoadReport {
  checkOptions('loadStateDict', options, ['strict', 'rename', 'assign']);
  const given = renamed(asEntries(state), options.rename);
  const own = entries(module);
  const unexpectedKeys = [...given.keys()].filter((key) => !own.has(key));
  const missingKeys = [...own.keys()].filter((key) => !given.has(key) && !isOptional(key));
  const pairs = [...given].flatMap(([key, source]): Pair[] => {
    const target = own.get(key);
    return target === undefined ? [] : [{ key, target, source }];
  });
  const misfits = pairs.filter(({ target, source }) => showShape(target.shape) !== showShape(source.shape));
  const strict = options.strict ?? true;
  if (misfits.length > 0 || (strict && missingKeys.length + unexpectedKeys.length > 0)) {
    throw new CheckpointError(complaint(module, own, given, missingKeys, unexpectedKeys, misfits), {
      op: 'loadStateDict',
      data: { missingKeys, unexpectedKeys, mismatchedKeys: misfits.map(({ key }) => key) },
    });
  }
  if (options.assign === true) {
    assignAll(pairs);
    return { missingKeys, unexpectedKeys };
  }
  noGrad(() => {
    scope(() => {
      // All that can fail comes before the first value is written.
      const ready = pairs.map(({ target, source }) => ({ target, source: converted(source, target) }));
      for (const { target, source } of ready) target.copy_(source);
    });
  });
  return { missingKeys, unexpectedKeys };
}

/** Puts the state's tensors under the handles that the model and its optimisers hold. */
function assignAll(pairs: readonly Pair[]): void {
  for (const { key, target, source } of pairs) {
    if (!target.requiresGrad || isFloating(source.dtype) || isComplex(source.dtype)) continue;
    throw new CheckpointError(
      `loadStateDict: the parameter ${key} is trained and cannot become a tensor of ${source.dtype}; leave assign out to convert the values`,
      { op: 'loadStateDict', data: { key, dtype: source.dtype } },
    );
  }
  scope(() => {
    for (const { target, source } of pairs) {
      swapData(target, source.detach());
      target.grad = null;
    }
  });
}

/** PyTorch counts batches since 0.4.1; a state without the count is complete, for PyTorch and for us. */
const isOptional = (key: string): boolean => /(^|\.)num_batches_tracked$/.test(key);

/** A tensor in the dtype and on the device of another. */
function converted(source: Tensor, target: Tensor): Tensor {
  const { dtype, device } = target;
  if (source.device === device) return source.to({ dtype });
  return supportsDType(device, source.dtype)
    ? source.to({ device }).to({ dtype })
    : source.to({ dtype }).to({ device });
}

function asEntries(state: unknown): ReadonlyMap<string, Tensor> {
  const map = state instanceof Map ? (state as ReadonlyMap<unknown, unknown>) : undefined;
  if (
    map === undefined &&
    (typeof state !== 'object' ||
      state === null ||
      Array.isArray(state) ||
      isTensor(state) ||
      'then' in state)
  ) {
    const hint =
      typeof state === 'object' && state !== null && 'then' in state ? '; write await before it' : '';
    throw new ArgumentError(
      `loadStateDict: the state is a record or a Map of tensors by key, got ${hint === '' ? describe(state) : 'a promise'}${hint}`,
      { op: 'loadStateDict' },
    );
  }
  const found = new Map<string, Tensor>();
  for (const [key, value] of map ?? Object.entries(state as object)) {
    if (!isTensor(value))
      throw new ArgumentError(`loadStateDict: ${String(key)} must be a tensor, got ${describe(value)}`, {
        op: 'loadStateDict',
        data: { key },
      });
    found.set(String(key), value);
  }
  return found;
}

function renamed(
  state: ReadonlyMap<string, Tensor>,
  rename: Rename | undefined,
): ReadonlyMap<string, Tensor> {
  if (rename === undefined) return state;
  const rule =
    typeof rename === 'function'
      ? rename
      : (key: string): string => (Object.hasOwn(rename, key) ? rename[key]! : key);
  const found = new Map<string, Tensor>();
  const origin = new Map<string, string>();
  for (const [key, value] of state) {
    const name = rule(key);
    if (name === null) continue;
    if (typeof name !== 'string')
      throw new ArgumentError(
        `loadStateDict: rename must give a key or null for ${key}, got ${describe(name)}`,
        { op: 'loadStateDict' },
      );
    if (found.has(name))
      throw new ArgumentError(`loadStateDict: rename gives ${name} for both ${origin.get(name)} and ${key}`, {
        op: 'loadStateDict',
      });
    found.set(name, value);
    origin.set(name, key);
  }
  return found;
}

function complaint(
  module: AnyModule,
  own: ReadonlyMap<string, Tensor>,
  given: ReadonlyMap<string, Tensor>,
  missing: readonly string[],
  unexpected: readonly string[],
  misfits: readonly Pair[],
): string {
  const withShapes = (keys: readonly string[], of: ReadonlyMap<string, Tensor>): string =>
    keys.map((key) => `\n    ${key} ${showShape(of.get(key)!.shape)}`).join('');
  const lines = [`loadStateDict: the state does not fit ${classOf(module)}`];
  if (missing.length > 0) lines.push(`  missing from the state:${withShapes(missing, own)}`);
  if (unexpected.length > 0) lines.push(`  unexpected in the state:${withShapes(unexpected, given)}`);
  if (misfits.length > 0) {
    const rows = misfits.map(
      ({ key, target, source }) =>
        `\n    ${key}: the model has ${showShape(target.shape)}, the state ${showShape(source.shape)}`,
    );
    lines.push(`  of another shape:${rows.join('')}`);
  }
  const hint = prefixHint(missing, unexpected);
  return [...lines, ...(hint === undefined ? [] : [`  ${hint}`])].join('\n');
}

/** Names a prefix that all keys of one side have and the other has not, as wrappers leave it. */
function prefixHint(missing: readonly string[], unexpected: readonly string[]): string | undefined {
  if (missing.length === 0 || unexpected.length === 0) return undefined;
  const [wanted, got] = [missing[0]!, unexpected[0]!];
  const extra = commonPrefix(unexpected, missing);
  if (extra !== undefined)
    return `every unexpected key begins with '${extra}': loadStateDict(state, { rename: (key) => key.slice(${extra.length}) }) takes it off (${got} → ${got.slice(extra.length)})`;
  const lacking = commonPrefix(missing, unexpected);
  if (lacking !== undefined)
    return `the state's keys lack '${lacking}': loadStateDict(state, { rename: (key) => '${lacking}' + key }) puts it on (${wanted.slice(lacking.length)} → ${wanted})`;
  return undefined;
}

function commonPrefix(long: readonly string[], short: readonly string[]): string | undefined {
  const targets = new Set(short);
  for (let dot = long[0]!.indexOf('.'); dot >= 0; dot = long[0]!.indexOf('.', dot + 1)) {
    const prefix = long[0]!.slice(0, dot + 1);
    if (long.every((key) => key.startsWith(prefix) && targets.has(key.slice(prefix.length)))) return prefix;
  }
  return undefined;
}
