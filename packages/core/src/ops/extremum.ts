import { choice, use } from '../dispatch/choice.ts';
import { pointwise } from '../dispatch/declare.ts';
import type { Value } from '../dispatch/pointwise-operands.ts';
import { ArgumentError, checkOptions } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';

/**
 * The larger of two values, broadcast; NaN where either is NaN. Ties share the gradient.
 *
 * @example maximum(tensor([1, 5]), tensor([3, 2])) // tensor([3., 5.])
 */
export const maximum = pointwise('maximum', (x, y) => x.max(y));

/** The smaller of two values, broadcast; NaN where either is NaN. Ties share the gradient. */
export const minimum = pointwise('minimum', (x, y) => x.min(y));

/** The larger of two values, broadcast; a NaN gives way to a number. */
export const fmax = pointwise('fmax', (x, y) => x.ge(y).or(y.isnan()).select(x, y));

/** The smaller of two values, broadcast; a NaN gives way to a number. */
export const fmin = pointwise('fmin', (x, y) => x.le(y).or(y.isnan()).select(x, y));

/**
 * `max(x, min)`: nothing below `min`, a number or a tensor; NaN spreads. The gradient passes at the bound.
 *
 * @example clampMin(tensor([-1, 2]), 0) // tensor([0., 2.])
 */
export const clampMin = pointwise('clampMin', (x, min) => x.max(min), {
  grad: ({ dy, inputs: [x, min] }) => [x!.ge(min!).select(dy, 0), x!.lt(min!).select(dy, 0)],
});

/**
 * `min(x, max)`: nothing above `max`, a number or a tensor; NaN spreads. The gradient passes at the bound.
 *
 * @example clampMax(tensor([-1, 2]), 0) // tensor([-1., 0.])
 */
export const clampMax = pointwise('clampMax', (x, max) => x.min(max), {
  grad: ({ dy, inputs: [x, max] }) => [x!.le(max!).select(dy, 0), x!.gt(max!).select(dy, 0)],
});

const clampBoth = pointwise('clamp', (x, min, max) => x.max(min).min(max), {
  grad: ({ dy, inputs }) => {
    const [x, min, max] = inputs as [typeof dy, typeof dy, typeof dy];
    return [
      x.ge(min).and(x.le(max)).select(dy, 0),
      x.lt(min).and(min.lt(max)).select(dy, 0),
      x.gt(max).or(max.lt(min)).select(dy, 0),
    ];
  },
});

export interface ClampOptions {
  /** The lower bound: a number, or a tensor that broadcasts with `x`. */
  readonly min?: Value | null;
  /** The upper bound; where it is below `min`, it is the result. */
  readonly max?: Value | null;
}

/**
 * `min(max(x, options.min), options.max)`, NaN spreading. The gradient passes at the bounds.
 *
 * @throws {ArgumentError} neither bound is given.
 * @example clamp(tensor([-1, 0.5, 2]), { min: 0, max: 1 }) // tensor([0.0000, 0.5000, 1.0000])
 */
export const clamp = choice('clamp', (x: Tensor, options: ClampOptions) => {
  checkOptions('clamp', options, ['min', 'max']);
  const min = options?.min ?? undefined;
  const max = options?.max ?? undefined;
  if (min !== undefined && max !== undefined) return use(clampBoth, x, min, max);
  if (min !== undefined) return use(clampMin, x, min);
  if (max !== undefined) return use(clampMax, x, max);
  throw new ArgumentError('clamp: give a bound: { min }, { max } or both', { op: 'clamp' });
});
