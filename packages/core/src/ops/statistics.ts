import { checkTensor } from '../dispatch/checks.ts';
import { composite, pointwise } from '../dispatch/declare.ts';
import { type Dims, dimAndOptions, reducedDims } from '../dispatch/reduction.ts';
import { getDefaultDtype, isDifferentiable } from '../dtype.ts';
import { checkOptions, DTypeError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { div, sub } from './arithmetic.ts';
import { sum } from './broadcast.ts';
import { square } from './power.ts';
import { mean } from './reductions.ts';
import { reshape } from './reshape.ts';

export interface VarianceOptions {
  /** What is taken from the number of elements: 1 for Bessel's correction. Default 1. */
  readonly correction?: number;
  /** Keeps reduced dimensions with size 1. */
  readonly keepdim?: boolean;
}

interface Moments {
  readonly variance: Tensor;
  readonly mean: Tensor;
}

function moments(
  op: string,
  x: Tensor,
  dimOrOptions: Dims | VarianceOptions,
  given: VarianceOptions | undefined,
): Moments {
  checkTensor(op, 'x', x);
  const [dim, options] = dimAndOptions(dimOrOptions, given);
  checkOptions(op, options, ['correction', 'keepdim']);
  if (!isDifferentiable(x.dtype)) {
    throw new DTypeError(
      `${op}: ${x.dtype} has no exact result; convert it: to({ dtype: '${getDefaultDtype()}' })`,
      { op },
    );
  }
  const dims = reducedDims(op, x, dim);
  const count = dims.reduce((n, reduced) => n * x.shape[reduced]!, 1);
  const center = mean(x, dims, { keepdim: true });
  const keepdim = options?.keepdim ?? false;
  const squares = sum(square(sub(x, center)), dims, { keepdim });
  return {
    variance: div(squares, Math.max(0, count - (options?.correction ?? 1))),
    mean: keepdim ? center : reshape(center, squares.shape),
  };
}

/** A square root whose gradient at 0 is 0: all elements were equal. */
const deviation = pointwise('deviation', (x) => x.sqrt(), {
  grad: ({ dy, y }) => y.eq(0).select(0, dy.div(y.mul(2))),
});

/**
 * The variance over `dim`, several dims, or all: `sum((x - mean)²) / (n - correction)`.
 *
 * - `x`: any shape, floating
 *
 * @throws {DTypeError} on integers. @throws {ShapeError} a dim is out of range.
 * @example variance(tensor([1, 3])) // tensor(2.)
 */
export const variance = composite(
  'var',
  (x: Tensor, dim?: Dims | VarianceOptions, options?: VarianceOptions): Tensor =>
    moments('var', x, dim, options).variance,
);

/** The standard deviation: the square root of the variance. */
export const std = composite(
  'std',
  (x: Tensor, dim?: Dims | VarianceOptions, options?: VarianceOptions): Tensor =>
    deviation(moments('std', x, dim, options).variance),
);

/** Variance and mean at once. */
export const varMean = composite(
  'varMean',
  (x: Tensor, dim?: Dims | VarianceOptions, options?: VarianceOptions): readonly [Tensor, Tensor] => {
    const { variance: v, mean: m } = moments('varMean', x, dim, options);
    return [v, m];
  },
);

/** Standard deviation and mean at once. */
export const stdMean = composite(
  'stdMean',
  (x: Tensor, dim?: Dims | VarianceOptions, options?: VarianceOptions): readonly [Tensor, Tensor] => {
    const { variance: v, mean: m } = moments('stdMean', x, dim, options);
    return [deviation(v), m];
  },
);
