import type { Json } from './case.ts';
import { callCore, type Framework, findOperator, isObject, isTensor, UnmappedError } from './framework.ts';
import { camelCase } from './names.ts';
import type { Signature } from './schema.ts';
import { DTypeName, ellipsis, FloatScalar, SliceIndex } from './values.ts';

/** One call of one operator, its arguments under PyTorch's names. */
export interface OperatorCall {
  readonly framework: Framework;
  readonly signature: Signature;
  readonly named: ReadonlyMap<string, unknown>;
  /** What the case expects, where PyTorch leaves a choice that the call must follow. */
  readonly expected: Json;
  /** Our function, called by the signature's rule. */
  invoke(): Promise<unknown>;
}

/** For an operator whose call is more than a matter of names and order. */
export type Adapter = (call: OperatorCall) => unknown;

/** A family of operators: PyTorch's signatures, and adapters for the few that need one. */
export interface OperatorFamily {
  readonly signatures: readonly string[];
  readonly adapters?: Readonly<Record<string, Adapter>>;
}

/** Calls our function for `signature` and gives its results as PyTorch orders them. */
export async function invoke(
  framework: Framework,
  signature: Signature,
  named: ReadonlyMap<string, unknown>,
): Promise<unknown> {
  const operator = findOperator(framework, signature.ourName);
  if (operator === undefined) throw new UnmappedError(`there is no operator ${camelCase(signature.ourName)}`);
  return inOrder(await operator(...callArguments(framework, signature, named)), signature);
}

/** Positional arguments first, all others in one options object, as the framework's rule for calls says. */
export function callArguments(
  framework: Framework,
  signature: Signature,
  given: ReadonlyMap<string, unknown>,
): unknown[] {
  const named = modernise(given);
  const types = new Map(signature.parameters.map((p) => [p.name, p.type]));
  const settle = (name: string): unknown => settled(framework, named.get(name), types.get(name) === 'Scalar');
  const positional = signature.positional.map(settle);
  const options: Record<string, unknown> = {};
  for (const name of named.keys()) {
    if (!signature.positional.includes(name)) options[camelCase(name)] = settle(name);
  }
  if (Object.keys(options).length > 0) return [...positional, options];
  while (positional.length > 0 && positional.at(-1) === undefined) positional.pop();
  return positional;
}

/**
 * PyTorch's older spellings of an argument as the newer ones: `size_average`, `reduce` of losses, `unbiased`, and a pool's
 * `stride=()` for none.
 */
function modernise(named: ReadonlyMap<string, unknown>): ReadonlyMap<string, unknown> {
  const result = new Map(named);
  const stride = named.get('stride');
  if (Array.isArray(stride) && stride.length === 0 && named.has('kernel_size')) result.delete('stride');
  if (named.has('size_average') || typeof named.get('reduce') === 'boolean') {
    const reduced = named.get('reduce') ?? true;
    result.set('reduction', reduced ? ((named.get('size_average') ?? true) ? 'mean' : 'sum') : 'none');
    result.delete('size_average');
    result.delete('reduce');
  }
  if (named.has('unbiased')) {
    if (typeof named.get('unbiased') === 'boolean') result.set('correction', named.get('unbiased') ? 1 : 0);
    result.delete('unbiased');
  }
  return result;
}

/** A decoded argument as our functions take it. */
export function settled(framework: Framework, value: unknown, scalar = false): unknown {
  if (value instanceof DTypeName) return value.name;
  if (value instanceof FloatScalar) {
    return scalar ? callCore(framework, 'tensor', value.value, { dtype: 'float32' }) : value.value;
  }
  if (value instanceof SliceIndex) return callCore(framework, 'slice', value.start, value.stop, value.step);
  if (value === ellipsis) return framework.core.ELLIPSIS;
  if (Array.isArray(value)) return value.map((item) => settled(framework, item, scalar));
  return value;
}

/** Our named results as PyTorch's tuple. */
export function inOrder(result: unknown, signature: Signature | undefined): unknown {
  if (!isObject(result) || Array.isArray(result) || isTensor(result)) return result;
  const outputs = signature?.outputs;
  if (outputs?.every((name) => name in result)) return outputs.map((name) => result[name]);
  return Object.values(result);
}
