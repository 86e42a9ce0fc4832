import {
  ArgumentError,
  AutogradError,
  CheckpointError,
  checkOptions,
  DeviceError,
  describe,
  enableGrad,
  isTensor,
  noGrad,
  ShapeError,
  scope,
  type Tensor,
  type UpdateOperator,
  zerosLike,
} from '@flambeau/core';
import {
  kept,
  type OptimizerStateDict,
  type ParamState,
  packGroup,
  packState,
  type StateLayout,
  unpackGroup,
  unpackState,
} from './state-dict.ts';
import { UpdateQueue } from './update-queue.ts';

/** What learning-rate schedulers note down in a group. */
export interface ScheduleMarks {
  initialLr?: number;
  maxLr?: number;
  minLr?: number;
  maxMomentum?: number;
  baseMomentum?: number;
}

const SCHEDULE_MARKS = ['initialLr', 'maxLr', 'minLr', 'maxMomentum', 'baseMomentum'] as const;

/** Parameters that are updated with the same options. */
export type ParamGroup<O> = Required<O> & ScheduleMarks & { params: Tensor[] };

/** A group as it is given: what it leaves out is taken from the optimiser's own options. */
export type ParamGroupInput<O> = O & { readonly params: Tensor | Iterable<Tensor> };

/** The parameters alone, or groups of them with options of their own. */
export type Params<O> = Iterable<Tensor> | Iterable<ParamGroupInput<O>>;

export interface ZeroGradOptions {
  /** Lets go of the gradients instead of filling them with zeros. Default true. */
  readonly setToNone?: boolean;
}

/**
 * The base of all optimisers: groups of parameters, what is remembered of each, and the walk through them. A rule of
 * your own says what it remembers (`newState`) and what one step does (`update`).
 *
 * @example
 * class Sign extends Optimizer<{ lr?: number }> {
 *   constructor(params, options = {}) { super('Sign', params, options, { lr: 0.01 }); }
 *   update(x, gradient, _state, { lr }) { x.sub_(gradient.sign().mul(lr)); }
 * }
 */
export abstract class Optimizer<O extends { lr?: number }, S extends ParamState = ParamState> {
  /** What error texts call it. */
  readonly name: string;
  readonly defaults: Readonly<Required<O>>;
  readonly paramGroups: ParamGroup<O>[] = [];
  /** What is remembered of each parameter that had a gradient. */
  readonly state = new Map<Tensor, S>();
  /** Of what kind each entry of the state is. */
  protected readonly layout: StateLayout<S> = {} as StateLayout<S>;
  private updates = new UpdateQueue();

  /**
   * `options` are what the user gave, `defaults` a value for every option that there is.
   *
   * @throws {ArgumentError} an option is unknown or out of range, there are no parameters, or one comes twice.
   */
  constructor(name: string, params: Params<O>, options: O, defaults: Required<O>) {
    this.name = name;
    checkOptions(name, options, Object.keys(defaults));
    this.defaults = { ...defaults, ...given(options) };
    const listed = listParams(name, params);
    if (listed.length === 0) {
      throw new ArgumentError(`${name}: there are no parameters to optimise; pass model.parameters()`, {
        op: name,
      });
    }
    // One tensor among them makes all of them parameters; the group's own check finds what is none.
    const groups = listed.some(isTensor) ? [{ params: listed }] : listed;
    for (const group of groups) this.addParamGroup(group as ParamGroupInput<O>);
  }

  /** Refuses options out of range; called for every group. */
  protected check(_options: Required<O>): void {}

  /** What is remembered of a parameter before its first update. */
  protected newState(_param: Tensor, _group: ParamGroup<O>): S {
    return {} as S;
  }

  /**
   * Changes one parameter in place, now or by `overwrite`. Runs without recording and inside a scope: tensors made here
   * are given free, unless `keep` noted them as state.
   */
  protected abstract update(param: Tensor, gradient: Tensor, state: S, group: ParamGroup<O>): void;

  /**
   * Has tensors of one parameter overwritten by a rule that core's `update` declared: before the step ends, in one call
   * with those of other parameters whose rule and numbers are the same.
   */
  protected overwrite<N extends string>(
    rule: UpdateOperator<N>,
    row: readonly Tensor[],
    numbers: Readonly<Record<N, number>>,
  ): void {
    this.updates.add(rule, row, numbers);
  }

  /** A parameter's gradient, which an update may hold on to. */
  protected gradientOf(param: Tensor): Tensor | null {
    return param.grad;
  }

  /** Notes a tensor as state, so that it outlives the update that made it. */
  protected keep(state: Tensor): Tensor {
    return kept(state);
  }

  /** Zeros like a parameter, as state. */
  protected zeros(param: Tensor): Tensor {
    return kept(zerosLike(param));
  }

  /**
   * Adds parameters, with options of their own where given.
   *
   * @throws {ArgumentError} an option is unknown or out of range, or a parameter is in a group already.
   * @throws {AutogradError} a parameter is no leaf.
   */
  addParamGroup(input: ParamGroupInput<O>): void {
    const op = this.name;
    checkOptions(op, input, [...Object.keys(this.defaults), 'params', ...SCHEDULE_MARKS]);
    const params = isTensor(input.params) ? [input.params] : [...input.params];
    const taken = new Set(this.paramGroups.flatMap((group) => group.params));
    for (const param of params) {
      if (!isTensor(param)) {
        throw new ArgumentError(`${op}: only tensors can be optimised, got ${describe(param)}`, { op });
      }
      if (!param.isLeaf && !param.retainsGrad) {
        throw new AutogradError(
          `${op}: a parameter must be a leaf, but this one, [${param.shape.join(', ')}], was computed from others; optimise those, or a detach() of it`,
          { op },
        );
      }
      if (taken.has(param)) {
        throw new ArgumentError(
          `${op}: a parameter of shape [${param.shape.join(', ')}] is given twice; each can be in one group, once`,
          { op },
        );
      }
      taken.add(param);
    }
    const group = { ...this.defaults, ...given(input), params } as ParamGroup<O>;
    this.check(group);
    this.paramGroups.push(group);
  }

  /**
   * Updates every parameter that has a gradient. `closure` computes the loss anew, with gradients, and its result is
   * what `step` returns.
   *
   * @throws {ShapeError} a gradient has not its parameter's shape; nothing is changed then.
   */
  step(): undefined;
  step<R>(closure: () => R): R;
  step<R>(closure?: () => R): R | undefined {
    const loss = closure === undefined ? undefined : enableGrad(closure as () => never);
    noGrad(() => {
      this.checkGradients();
      this.updates = new UpdateQueue();
      for (const group of this.paramGroups) {
        for (const param of group.params) {
          const gradient = this.gradientOf(param);
          if (gradient === null) continue;
          const state = this.stateOf(param, group);
          scope(() => this.update(param, gradient, state, group));
        }
      }
      this.updates.run();
    });
    return loss;
  }

  private checkGradients(): void {
    for (const { params } of this.paramGroups) {
      for (const { ownGrad: grad, shape, device } of params) {
        if (grad === null) continue;
        if (grad.shape.length !== shape.length || grad.shape.some((size, dim) => size !== shape[dim])) {
          throw new ShapeError(
            `${this.name}: a parameter of shape [${shape.join(', ')}] has a gradient of shape [${grad.shape.join(', ')}]`,
            { op: this.name },
          );
        }
        if (grad.device !== device) {
          throw new DeviceError(
            `${this.name}: a parameter on ${device} has its gradient on ${grad.device}; call zeroGrad() after moving a model`,
            { op: this.name },
          );
        }
      }
    }
  }

  private stateOf(param: Tensor, group: ParamGroup<O>): S {
    const known = this.state.get(param);
    if (known !== undefined) return follow(known, param);
    const state = this.newState(param, group);
    this.state.set(param, state);
    return state;
  }

  /** Lets go of all gradients, or fills them with zeros. */
  zeroGrad(options: ZeroGradOptions = {}): void {
    checkOptions(`${this.name}.zeroGrad`, options, ['setToNone']);
    const { setToNone = true } = options;
    for (const { params } of this.paramGroups) {
      for (const param of params) {
        const grad = param.ownGrad;
        if (grad === null) continue;
        if (setToNone) param.grad = null;
        // A gradient that was itself recorded must not be written over.
        else if (grad.requiresGrad) param.grad = zerosLike(grad);
        else noGrad(() => grad.fill_(0));
      }
    }
  }

  /**
   * What is needed to go on exactly from here, in PyTorch's format. The tensors are the optimiser's own: copy what
   * must not change while training goes on.
   */
  stateDict(): OptimizerStateDict {
    const numbers = new Map(this.paramGroups.flatMap(({ params }) => params).map((param, i) => [param, i]));
    const state: OptimizerStateDict['state'] = {};
    for (const [param, number] of numbers) {
      const saved = packState(this.state.get(param) ?? {});
      if (Object.keys(saved).length > 0) state[number] = saved;
    }
    const groups = this.paramGroups.map((group) =>
      packGroup(
        group,
        group.params.map((param) => numbers.get(param)!),
      ),
    );
    return { state, param_groups: groups };
  }

  /**
   * Takes over a saved state, copying its tensors: ours, or PyTorch's of the same optimiser. Parameters are matched by
   * their order in the groups.
   *
   * @throws {CheckpointError} it does not fit; nothing is changed then.
   */
  loadStateDict(saved: OptimizerStateDict): void {
    const op = `${this.name}.loadStateDict`;
    const sizes = saved.param_groups.map(({ params }) => params.length);
    const own = this.paramGroups.map(({ params }) => params.length);
    if (sizes.join() !== own.join()) {
      throw new CheckpointError(
        `${op}: the saved groups have [${sizes.join(', ')}] parameters, this optimiser's have [${own.join(', ')}]`,
        { op, data: { saved: sizes, own } },
      );
    }
    const known = [...Object.keys(this.defaults), ...SCHEDULE_MARKS];
    const options = saved.param_groups.map((group) => unpackGroup(op, group, known));
    this.paramGroups.forEach((group, i) => {
      this.check({ ...group, ...options[i] });
    });
    const order = saved.param_groups.flatMap(({ params }) => params);
    const params = this.paramGroups.flatMap((group) => group.params);
    const state = noGrad(() =>
      order.flatMap((number, i): [Tensor, S][] => {
        const entry = saved.state[number];
        return entry === undefined ? [] : [[params[i]!, unpackState(op, entry, params[i]!, this.layout)]];
      }),
    );
    this.paramGroups.forEach((group, i) => {
      Object.assign(group, options[i]);
    });
    this.state.clear();
    for (const [param, entry] of state) this.state.set(param, entry);
  }
}

/** The options that were given: those left `undefined` count as absent. */
function given<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function listParams<O>(op: string, params: Params<O>): (Tensor | ParamGroupInput<O>)[] {
  const iterable = typeof params === 'object' && params !== null && Symbol.iterator in params;
  if (isTensor(params) || !iterable) {
    throw new ArgumentError(
      `${op}: parameters come as a list, e.g. model.parameters(), got ${describe(params)}`,
      { op },
    );
  }
  return [...(params as Iterable<Tensor | ParamGroupInput<O>>)];
}

/** State stays where its parameter is, also when a model was moved to another device. */
function follow<S extends ParamState>(state: S, param: Tensor): S {
  for (const name in state) {
    const value: unknown = state[name];
    if (isTensor(value) && value.device !== param.device)
      Object.assign(state, { [name]: kept(value.to(param.device)) });
  }
  return state;
}
