import type { Backend } from '@flambeau/core/backend';
import { camelCase } from './names.ts';

/** What a module exports, looked up by name: the runner maps names, so it knows no function's type. */
export type Namespace = Readonly<Record<string, unknown>>;

export type ElementArray =
  | Float64Array
  | Float32Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | BigInt64Array;

/** What the runner itself asks of a tensor. */
export interface TensorLike {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly requiresGrad: boolean;
  readonly grad: TensorLike | null | undefined;
  requiresGrad_(): TensorLike;
  data(): Promise<ElementArray>;
  backward(gradient?: TensorLike): void;
}

/** The implementation under test. */
export interface Framework {
  readonly core: Namespace;
  /** Absent where only operators run. */
  readonly nn?: Namespace | undefined;
  readonly optim?: Namespace | undefined;
  readonly device: string;
  /** The dtypes that the backend stores; `undefined` when it does not say. */
  readonly dtypes?: ReadonlySet<string> | undefined;
  /** False where the device is read asynchronously only: what must know values then goes by the forms that wait. */
  readonly synchronousReads?: boolean | undefined;
}

/** The framework on a registered backend, which is to be the default device while cases run. */
export const frameworkOn = (
  { device, limits }: Pick<Backend, 'device' | 'limits'>,
  modules: Pick<Framework, 'core' | 'nn' | 'optim'>,
): Framework => ({
  ...modules,
  device,
  dtypes: new Set<string>(limits.dtypes),
  synchronousReads: limits.synchronousReads,
});

/** A case that the runner's tables do not cover. It counts as failed. */
export class UnmappedError extends Error {
  override readonly name = 'UnmappedError';
}

type Callable = (...args: unknown[]) => unknown;
type Constructor = new (...args: unknown[]) => object;

export function isTensor(value: unknown): value is TensorLike {
  return isObject(value) && Array.isArray(value.shape) && typeof value.dtype === 'string';
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

export function isCallable(value: unknown): value is Callable {
  return typeof value === 'function';
}

/** Does the backend store `dtype`? Complex numbers are core's own matter, so they are never ruled out here. */
export function stores(framework: Framework, dtype: string): boolean {
  return framework.dtypes === undefined || dtype.startsWith('complex') || framework.dtypes.has(dtype);
}

/** Calls an exported function of core. */
export function callCore(framework: Framework, name: string, ...args: unknown[]): unknown {
  const found = framework.core[name];
  if (!isCallable(found)) throw new UnmappedError(`core exports no function ${name}`);
  return found(...args);
}

/** Makes an instance of a class that `namespace` exports. */
export function construct(
  namespace: Namespace | undefined,
  where: string,
  name: string,
  ...args: unknown[]
): Record<string, unknown> {
  const found = namespace?.[name];
  if (!isCallable(found)) throw new UnmappedError(`${where} exports no class ${name}`);
  // A class is callable to `typeof`; `new` needs the other signature.
  return new (found as unknown as Constructor)(...args) as Record<string, unknown>;
}

/** Calls a method by name, with a readable error when there is none. */
export function callMethod(target: object, name: string, ...args: unknown[]): unknown {
  const method = (target as Record<string, unknown>)[name];
  if (!isCallable(method)) throw new UnmappedError(`${target.constructor.name} has no method ${name}()`);
  return method.apply(target, args);
}

/**
 * Our function for one of PyTorch's names, as a call on all arguments: core's export, a namespace of core (`linalg`,
 * `fft`, `special` …), nn's `functional`, or the method of the first argument.
 */
export function findOperator(framework: Framework, torchName: string): Callable | undefined {
  const path = torchName
    .replace(/^nn\.functional\./, '')
    .split('.')
    .map(camelCase);
  const leaf = path.at(-1) ?? torchName;
  for (const namespace of [framework.core, framework.nn?.functional]) {
    let found: unknown = namespace;
    for (const key of path) found = isObject(found) ? found[key] : undefined;
    if (isCallable(found)) return found;
    if (path.length > 1 && isObject(namespace) && isCallable(namespace[leaf])) return namespace[leaf];
  }
  const tensorClass = framework.core.Tensor;
  const prototype: unknown = isCallable(tensorClass) ? tensorClass.prototype : undefined;
  if (!isObject(prototype) || !(leaf in prototype)) return undefined;
  return (self, ...rest) => callMethod(self as object, leaf, ...rest);
}
