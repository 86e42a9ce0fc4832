import {
  ArgumentError,
  checkOptions,
  DTypeError,
  describe,
  isComplex,
  isFloating,
  isTensor,
  type Tensor,
} from '@flambeau/core';

/** What a tensor is to the modules that hold it. */
export type Role = { readonly kind: 'parameter' } | { readonly kind: 'buffer'; readonly persistent: boolean };

const PARAMETER: Role = { kind: 'parameter' };

// On a global symbol, so that two copies of this package agree on what is a parameter.
const KEY = Symbol.for('flambeau.nn.roles');
const globals = globalThis as { [KEY]?: WeakMap<Tensor, Role> };
const roles: WeakMap<Tensor, Role> = (globals[KEY] ??= new WeakMap());

export const roleOf = (tensor: Tensor): Role | undefined => roles.get(tensor);

/** Gives a tensor the role that another one had in its place. */
export const assume = (tensor: Tensor, role: Role): void => {
  roles.set(tensor, role);
};

export const isParameter = (value: unknown): value is Tensor =>
  isTensor(value) && roles.get(value)?.kind === 'parameter';
export const isBuffer = (value: unknown): value is Tensor =>
  isTensor(value) && roles.get(value)?.kind === 'buffer';

export interface ParameterOptions {
  /** Whether training changes it. Default true. */
  readonly requiresGrad?: boolean;
}

/**
 * Makes a parameter of a tensor's values: a leaf that shares the tensor's memory and collects a gradient. Stored in a
 * field of a module it is found by `parameters()`, `stateDict()`, `to()`.
 *
 * - `data`: any shape, floating or complex; any dtype with `requiresGrad: false`
 *
 * @throws {DTypeError} gradients are wanted for integers or booleans.
 * @example
 * class Scale extends Module {
 *   gain = parameter(ones([3]));
 *   forward(x: Tensor) { return x.mul(this.gain); }
 * }
 */
export function parameter(data: Tensor, options: ParameterOptions = {}): Tensor {
  refuseOther('parameter', data);
  checkOptions('parameter', options, ['requiresGrad']);
  const requiresGrad = options.requiresGrad ?? true;
  if (requiresGrad && !isFloating(data.dtype) && !isComplex(data.dtype)) {
    throw new DTypeError(
      `parameter: ${data.dtype} values cannot be trained; give floating ones, or use buffer(t) for what training leaves alone`,
      { op: 'parameter', data: { dtype: data.dtype } },
    );
  }
  const leaf = data.detach();
  leaf.requiresGrad_(requiresGrad);
  return stored(leaf, PARAMETER);
}

export interface BufferOptions {
  /** Whether it belongs to the state dict. Default true. */
  readonly persistent?: boolean;
}

/**
 * Makes a tensor a buffer: state of a module that is no parameter, such as running statistics. Stored in a field of a
 * module it moves with it and, if persistent, is part of its state dict.
 *
 * @example
 * class Centre extends Module {
 *   mean = buffer(zeros([3]));
 *   forward(x: Tensor) { return x.sub(this.mean); }
 * }
 */
export function buffer(data: Tensor, options: BufferOptions = {}): Tensor {
  refuseOther('buffer', data);
  checkOptions('buffer', options, ['persistent']);
  // Only a leaf that is no view can take over other elements when the module moves.
  const own = data.isLeaf && data.viewLink === null ? data : data.detach();
  return stored(own, { kind: 'buffer', persistent: options.persistent ?? true });
}

function stored(tensor: Tensor, role: Role): Tensor {
  tensor.shown = true;
  roles.set(tensor, role);
  return tensor;
}

function refuseOther(op: string, value: unknown): void {
  if (isTensor(value)) return;
  throw new ArgumentError(`${op}: it takes a tensor, got ${describe(value)}; make one: ${op}(tensor([…]))`, {
    op,
  });
}
