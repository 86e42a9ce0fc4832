import { CheckpointError, clone, describe, isFloating, isTensor, type Tensor } from '@flambeau/core';
import { toTorchKey } from './keys.ts';

/**
 * What an optimiser needs to go on exactly where it was, in PyTorch's format and with PyTorch's keys: `state` by the
 * parameter's number (counted through the groups), `param_groups` with the options and the parameters' numbers.
 */
export interface OptimizerStateDict {
  state: Record<string, Record<string, Tensor | number>>;
  param_groups: SavedGroup[];
}

export interface SavedGroup {
  params: number[];
  [option: string]: unknown;
}

/** What an optimiser remembers of one parameter. */
export type ParamState = object;

/** Of what kind each entry of a parameter's state is; `optional` ones are tensors that some options bring. */
export type StateLayout<S extends ParamState> = {
  readonly [K in keyof S]-?: 'number' | 'tensor' | 'optional';
};

/** Lets a tensor outlive the scope that it was made in, as state does. */
export function kept(state: Tensor): Tensor {
  state.shown = true;
  return state;
}

/** A group's options under PyTorch's names. */
export function packGroup(group: object, numbers: number[]): SavedGroup {
  const saved: SavedGroup = { params: numbers };
  for (const [name, value] of Object.entries(group)) {
    if (name !== 'params') saved[toTorchKey(name)] = Array.isArray(value) ? value.slice() : value;
  }
  return saved;
}

/** Options of PyTorch's that choose among its own ways of computing the same. */
const WITHOUT_MEANING: ReadonlySet<string> = new Set([
  'params',
  'foreach',
  'fused',
  'capturable',
  'differentiable',
]);

/** A saved group's options under our names; only those that it has. */
export function unpackGroup(
  op: string,
  saved: SavedGroup,
  known: readonly string[],
): Record<string, unknown> {
  const names = new Map(known.map((name) => [toTorchKey(name), name]));
  const options: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(saved)) {
    if (WITHOUT_MEANING.has(key)) continue;
    const name = names.get(key);
    if (name === undefined) {
      throw new CheckpointError(
        `${op}: the saved group has the option ${key}, which this optimiser has not; its options are ${[...names.keys()].join(', ')}`,
        { op, data: { option: key } },
      );
    }
    options[name] = Array.isArray(value) ? value.slice() : value;
  }
  return options;
}

/** One parameter's state under PyTorch's names. */
export function packState(state: ParamState): Record<string, Tensor | number> {
  const saved: Record<string, Tensor | number> = {};
  for (const [name, value] of Object.entries(state)) {
    if (value !== undefined) saved[toTorchKey(name)] = value as Tensor | number;
  }
  return saved;
}

/** One parameter's state as copies of what was saved, in the parameter's dtype and on its device. */
export function unpackState<S extends ParamState>(
  op: string,
  saved: Readonly<Record<string, Tensor | number>>,
  param: Tensor,
  layout: StateLayout<S>,
): S {
  const names = Object.keys(layout) as (keyof S & string)[];
  for (const key of Object.keys(saved)) {
    if (!names.some((name) => toTorchKey(name) === key)) {
      throw new CheckpointError(`${op}: the saved state has ${key}, which this optimiser does not keep`, {
        op,
        data: { key },
      });
    }
  }
  const entries: [string, Tensor | number][] = [];
  for (const name of names) {
    const value = saved[toTorchKey(name)];
    if (value !== undefined) {
      const key = toTorchKey(name);
      entries.push([
        name,
        layout[name] === 'number' ? asNumber(op, key, value) : copyFor(op, key, value, param),
      ]);
    } else if (layout[name] !== 'optional') {
      throw new CheckpointError(`${op}: the saved state lacks ${toTorchKey(name)}`, {
        op,
        data: { key: name },
      });
    }
  }
  // Each entry of the layout was checked above.
  return Object.fromEntries(entries) as S;
}

/** PyTorch keeps counts as tensors of one element. */
function asNumber(op: string, key: string, value: Tensor | number): number {
  const number = isTensor(value) && value.size === 1 ? value.itemSync() : value;
  if (typeof number === 'number' && !Number.isNaN(number)) return number;
  throw new CheckpointError(`${op}: the saved ${key} must be a number, got ${describe(value)}`, { op });
}

function copyFor(op: string, key: string, value: Tensor | number, param: Tensor): Tensor {
  if (!isTensor(value)) {
    throw new CheckpointError(`${op}: the saved ${key} must be a tensor, got ${describe(value)}`, { op });
  }
  if (value.shape.join() !== param.shape.join()) {
    throw new CheckpointError(
      `${op}: the saved ${key} is [${value.shape.join(', ')}], its parameter is [${param.shape.join(', ')}]`,
      { op, data: { saved: value.shape, param: param.shape } },
    );
  }
  const moved = value.to({
    device: param.device,
    ...(isFloating(param.dtype) ? { dtype: param.dtype } : {}),
  });
  return kept(moved === value ? clone(value) : moved);
}
