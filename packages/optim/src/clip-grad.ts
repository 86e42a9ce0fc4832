import {
  ArgumentError,
  AutogradError,
  add,
  BackendError,
  checkOptions,
  clamp,
  describe,
  div,
  isTensor,
  mul,
  noGrad,
  norm,
  pointwise,
  scope,
  stack,
  type Tensor,
  zeros,
} from '@flambeau/core';
import { checkNotNegative } from './checks.ts';

export interface ClipGradNormOptions {
  /** Which p-norm; `Infinity` is the largest absolute value. Default 2. */
  readonly normType?: number;
  /** Throws when the norm is NaN or infinite. Reads the norm on the host. Default false. */
  readonly errorIfNonfinite?: boolean;
}

interface Overwritable<A extends unknown[]> {
  (x: Tensor, ...rest: A): Tensor;
  readonly inPlace?: unknown;
}

/** The form of a pointwise operator that writes its result over its first operand. */
/* @__NO_SIDE_EFFECTS__ */
function inPlace<A extends unknown[]>(op: Overwritable<A>): (x: Tensor, ...rest: A) => Tensor {
  // Core leaves the other arguments open, as they are those of the operator itself.
  return op.inPlace as (x: Tensor, ...rest: A) => Tensor;
}

const scaleBy = inPlace(mul);
const confine = inPlace(
  /* @__PURE__ */ pointwise('clipGradValue', (g, { limit }) => g.max(limit.neg()).min(limit), {
    params: { limit: Number.NaN },
  }),
);

/**
 * Scales the gradients of all parameters together, in place, so that their norm as one vector is at most `maxNorm`.
 * Returns the norm that they had, a tensor without dimensions. Nothing is read on the host.
 *
 * @throws {ArgumentError} `maxNorm` is negative.
 * @throws {AutogradError} the norm is not finite and `errorIfNonfinite` is set.
 * @see Pascanu et al., On the difficulty of training Recurrent Neural Networks (2012)
 * @example const norm = clipGradNorm(model.parameters(), 1);
 */
export function clipGradNorm(
  params: Tensor | Iterable<Tensor>,
  maxNorm: number,
  options: ClipGradNormOptions = {},
): Tensor {
  checkOptions('clipGradNorm', options, ['normType', 'errorIfNonfinite']);
  const { normType = 2, errorIfNonfinite = false } = options;
  checkNotNegative('clipGradNorm', { maxNorm });
  if (typeof normType !== 'number' || Number.isNaN(normType)) {
    throw new ArgumentError(`clipGradNorm: normType must be a number, got ${describe(normType)}`, {
      op: 'clipGradNorm',
    });
  }
  const grads = gradientsOf('clipGradNorm', params);
  return noGrad(() =>
    scope(() => {
      if (grads.length === 0) return zeros([]);
      const total = totalNorm(grads, normType);
      if (errorIfNonfinite) checkFinite(total, normType);
      const factor = clamp(div(maxNorm, add(total, 1e-6)), { max: 1 });
      for (const grad of grads) scaleBy(grad, factor.to(grad.device));
      return total;
    }),
  );
}

/**
 * Confines every element of the gradients to `-clipValue..clipValue`, in place.
 *
 * @throws {ArgumentError} `clipValue` is negative.
 * @example clipGradValue(model.parameters(), 0.5);
 */
export function clipGradValue(params: Tensor | Iterable<Tensor>, clipValue: number): void {
  checkNotNegative('clipGradValue', { clipValue });
  const grads = gradientsOf('clipGradValue', params);
  noGrad(() => {
    for (const grad of grads) confine(grad, { limit: clipValue });
  });
}

function gradientsOf(op: string, params: Tensor | Iterable<Tensor>): Tensor[] {
  const listed = isTensor(params) ? [params] : [...params];
  return listed.flatMap((param) => {
    if (!isTensor(param)) {
      throw new ArgumentError(`${op}: parameters must be tensors, got ${describe(param)}`, { op });
    }
    return param.ownGrad === null ? [] : [param.ownGrad];
  });
}

/** The norm of all tensors as one vector, on the device of the first. */
function totalNorm(tensors: readonly Tensor[], p: number): Tensor {
  const { device } = tensors[0]!;
  const norms = tensors.map((tensor) => norm(tensor, undefined, { p }).to(device));
  return norm(stack(norms), undefined, { p });
}

function checkFinite(total: Tensor, p: number): void {
  let value: number | boolean;
  try {
    value = total.itemSync();
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    throw new BackendError(
      `clipGradNorm: errorIfNonfinite reads the norm at once, which ${total.device} cannot; leave it out and check await norm.item()`,
      { op: 'clipGradNorm', cause: error },
    );
  }
  if (Number.isFinite(value)) return;
  throw new AutogradError(
    `clipGradNorm: the total norm of order ${p} of the gradients is ${value}, so they cannot be clipped; leave errorIfNonfinite out to scale them all the same`,
    { op: 'clipGradNorm', data: { norm: value } },
  );
}
