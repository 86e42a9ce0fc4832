import {
  ArgumentError,
  checkOptions,
  type Device,
  describe,
  noGrad,
  type Tensor,
  type ToOptions,
} from '@flambeau/core';
import { addHook, addPreHook } from './hooks.ts';
import { moveTo, moveToCpu } from './move.ts';
import { describeModule } from './repr.ts';
import {
  type LoadOptions,
  type LoadReport,
  loadState,
  type StateDict,
  type StateDictOptions,
  stateDictOf,
} from './state.ts';
import {
  childrenFirst,
  classOf,
  descend,
  join,
  type Member,
  MODULE,
  membersOf,
  type Path,
  within,
} from './walk.ts';

/** A module, whatever its `forward` takes and gives. */
export type AnyModule = Module<unknown[], unknown>;

export interface WalkOptions {
  /** Put before every name. Default: nothing. */
  readonly prefix?: string;
  /** Whether to go into children. Default true. */
  readonly recurse?: boolean;
  /** Whether what is shared comes once. Default true. */
  readonly removeDuplicate?: boolean;
}

/**
 * The base of every model and layer. Parameters (`parameter(t)`), buffers (`buffer(t)`) and other modules are its own
 * fields, found in the order declared; nothing has to be registered. `forward` computes; call it as
 * `model.forward(x)`.
 *
 * A class may name its fields in state dicts differently: `static keys = { tokenEmb: 'token_emb' }`.
 *
 * @typeParam Args what `forward` takes; one tensor unless said otherwise
 * @typeParam Out what `forward` gives
 * @example
 * class Net extends Module {
 *   hidden = new Linear(4, 8);
 *   out = new Linear(8, 1);
 *   forward(x: Tensor) { return this.out.forward(F.relu(this.hidden.forward(x))); }
 * }
 * new Net().forward(ones([2, 4])).shape // [2, 1]
 */
export abstract class Module<Args extends unknown[] = [x: Tensor], Out = Tensor> {
  /** Whether dropout drops and batch norms learn: see `train()` and `eval()`. */
  training = true;

  /** Names in state dicts of fields that have another one there; those of base classes hold too. */
  static readonly keys: Readonly<Record<string, string>> = {};

  /** What the module computes. */
  abstract forward(...args: Args): Out;

  /** @internal */
  get [MODULE](): true {
    return true;
  }

  /** @internal What is walked for parameters, buffers and children: the own fields; containers add their items. */
  fieldEntries(): Iterable<readonly [string, unknown]> {
    return Object.entries(this);
  }

  /** Parameters of the module and all below it, with their names; a shared one once. */
  namedParameters(options?: WalkOptions): [name: string, parameter: Tensor][] {
    return this.#named('namedParameters', 'parameter', options);
  }

  /** Parameters of the module and all below it; a shared one once. */
  parameters(options?: { readonly recurse?: boolean }): Tensor[] {
    return this.#named('parameters', 'parameter', options).map(([, tensor]) => tensor);
  }

  /** Buffers of the module and all below it, with their names. */
  namedBuffers(options?: WalkOptions): [name: string, buffer: Tensor][] {
    return this.#named('namedBuffers', 'buffer', options);
  }

  /** Buffers of the module and all below it. */
  buffers(options?: { readonly recurse?: boolean }): Tensor[] {
    return this.#named('buffers', 'buffer', options).map(([, tensor]) => tensor);
  }

  /** The modules right below this one, with their names; a shared one once. */
  namedChildren(): [name: string, child: AnyModule][] {
    const seen = new Set<AnyModule>();
    return membersOf(this).flatMap(({ kind, name, value }): [string, AnyModule][] => {
      if (kind !== 'child' || seen.has(value)) return [];
      seen.add(value);
      return [[name, value]];
    });
  }

  /** The modules right below this one; a shared one once. */
  children(): AnyModule[] {
    return this.namedChildren().map(([, child]) => child);
  }

  /** This module, under the name `''`, and all below it, each before its children; a shared one once. */
  namedModules(options: Omit<WalkOptions, 'recurse'> = {}): [name: string, module: AnyModule][] {
    checkOptions('namedModules', options, ['prefix', 'removeDuplicate']);
    const found: [string, AnyModule][] = [];
    this.#walk(options, (module, prefix) => found.push([prefix, module]));
    return found;
  }

  /** This module and all below it, each before its children; a shared one once. */
  modules(): AnyModule[] {
    return this.namedModules().map(([, module]) => module);
  }

  /**
   * The module below this one that a dotted name leads to; this one for `''`.
   * @throws {ArgumentError} there is none.
   * @example new Sequential(new Linear(2, 2)).getSubmodule('0')
   */
  getSubmodule(target: string): AnyModule {
    let module: AnyModule = this;
    for (const name of target === '' ? [] : target.split('.')) {
      const member = find(module, 'getSubmodule', target, name, ['child']);
      module = member.value as AnyModule;
    }
    return module;
  }

  /** The parameter that a dotted name leads to. @throws {ArgumentError} there is none. */
  getParameter(target: string): Tensor {
    return this.#tensorAt('getParameter', target, 'parameter');
  }

  /** The buffer that a dotted name leads to. @throws {ArgumentError} there is none. */
  getBuffer(target: string): Tensor {
    return this.#tensorAt('getBuffer', target, 'buffer');
  }

  /** Sets this module and all below it to training, or with `false` to evaluation. */
  train(mode = true): this {
    if (typeof mode !== 'boolean')
      throw new ArgumentError(`train: the mode is true or false, got ${describe(mode)}`, { op: 'train' });
    this.training = mode;
    within(switching, this, () => {
      for (const child of this.children()) child.train(mode);
    });
    return this;
  }

  /** Sets this module and all below it to evaluation. Gradients are another matter: see `noGrad`. */
  eval(): this {
    return this.train(false);
  }

  /**
   * Moves the parameters, buffers and gradients to a device, or converts the floating ones. The tensors stay the same
   * objects with new elements, so that optimisers go on with them.
   *
   * @throws {DeviceError} the device has no backend. @throws {ArgumentError} the dtype is not floating.
   * @example model.to('webgpu'); model.to({ dtype: 'float64' })
   */
  to(target: Device | ToOptions): this {
    moveTo(this, target);
    return this;
  }

  /** Moves the module to the CPU, from devices that can only be read by waiting. */
  async cpu(): Promise<this> {
    await moveToCpu(this);
    return this;
  }

  /**
   * Parameters and persistent buffers by PyTorch's keys, as detached tensors that share their memory.
   *
   * @example await save('model.safetensors', model.stateDict())
   */
  stateDict(options?: StateDictOptions): StateDict {
    return stateDictOf(this, options);
  }

  /**
   * Copies values into the parameters and buffers, converting dtype and device. It changes all or, when it throws,
   * nothing.
   *
   * With `assign` they become the state's tensors instead, so that a model made on the meta device costs nothing before.
   *
   * @param state a record or a Map of tensors by key, as `stateDict()` or `load()` give it
   * @throws {CheckpointError} a shape differs; with `strict`, a key is missing or unexpected. One report names them all.
   * @example model.loadStateDict(state, { rename: (key) => key.replace(/^module\./, '') })
   */
  loadStateDict(
    state: Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>,
    options?: LoadOptions,
  ): LoadReport {
    return loadState(this, state, options);
  }

  /** Sets whether all parameters collect gradients. */
  requiresGrad_(requiresGrad = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad_(requiresGrad);
    return this;
  }

  /** Lets go of all parameters' gradients, or with `setToNone: false` fills them with zeros. */
  zeroGrad(options: { readonly setToNone?: boolean } = {}): void {
    checkOptions('zeroGrad', options, ['setToNone']);
    for (const parameter of this.parameters()) {
      if (options.setToNone ?? true) parameter.grad = null;
      else noGrad(() => parameter.ownGrad?.zero_());
    }
  }

  /** Calls a function for every module below this one, then for this one. */
  apply(fn: (module: AnyModule) => void): this {
    for (const module of childrenFirst(this)) fn(module);
    return this;
  }

  /**
   * Lets a function see the arguments of every `forward`, and replace them by returning an array. Call what comes back
   * to take it off.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a hook that only looks may be any function without a result
  registerForwardPreHook(hook: (module: this, args: Args) => Args | undefined | void): () => void {
    return addPreHook(this, hook as (module: AnyModule, args: unknown[]) => unknown);
  }

  /**
   * Lets a function see arguments and result of every `forward`, and replace the result by returning one. Call what
   * comes back to take it off.
   *
   * @example const remove = model.registerForwardHook((_module, _args, y) => console.log(y.shape));
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: as above
  registerForwardHook(hook: (module: this, args: Args, output: Out) => Out | undefined | void): () => void {
    return addHook(this, hook as (module: AnyModule, args: unknown[], output: unknown) => unknown);
  }

  /** The settings that `toString` shows in brackets. */
  extraRepr(): string {
    return '';
  }

  /** The module as PyTorch prints it. */
  toString(): string {
    return describeModule(this);
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  #walk(
    { prefix = '', removeDuplicate = true }: WalkOptions,
    visit: (module: AnyModule, prefix: string, members: readonly Member[]) => void,
  ): void {
    const seen = new Set<AnyModule>();
    descend(this, prefix, (module, at, members) => {
      if (removeDuplicate && seen.has(module)) return;
      seen.add(module);
      visit(module, at, members);
    });
  }

  #named(op: string, kind: 'parameter' | 'buffer', options: WalkOptions = {}): [string, Tensor][] {
    checkOptions(op, options, ['prefix', 'recurse', 'removeDuplicate']);
    const seen = new Set<Tensor>();
    const found: [string, Tensor][] = [];
    const take = (at: string, members: readonly Member[]): void => {
      for (const member of members) {
        if (member.kind !== kind) continue;
        if ((options.removeDuplicate ?? true) && seen.has(member.value)) continue;
        seen.add(member.value);
        found.push([join(at, member.name), member.value]);
      }
    };
    if (options.recurse ?? true) this.#walk(options, (_module, at, members) => take(at, members));
    else take(options.prefix ?? '', membersOf(this));
    return found;
  }

  #tensorAt(op: string, target: string, kind: 'parameter' | 'buffer'): Tensor {
    const dot = target.lastIndexOf('.');
    const module = dot < 0 ? this : this.getSubmodule(target.slice(0, dot));
    return find(module, op, target, target.slice(dot + 1), [kind]).value as Tensor;
  }
}

/** The modules whose mode is being set. */
const switching: Path = new Set();

function find(
  module: AnyModule,
  op: string,
  target: string,
  name: string,
  kinds: readonly Member['kind'][],
): Member {
  const members = membersOf(module).filter(({ kind }) => kinds.includes(kind));
  const found = members.find((member) => member.name === name);
  if (found !== undefined) return found;
  const known = members.map((member) => member.name).join(', ') || 'none';
  throw new ArgumentError(
    `${op}: there is no ${name} in ${classOf(module)}${target === name ? '' : ` (looking for ${target})`}; it has: ${known}`,
    { op, data: { target } },
  );
}
