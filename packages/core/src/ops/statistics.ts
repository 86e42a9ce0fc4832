import { checkTensor } from '../dispatch/checks.ts';
import { composite, pointwise } from '../dispatch/declare.ts';
import { type Dims, dimAndOptions, reducedDims, reducedShape } from '../dispatch/reduction.ts';
import { getDefaultDtype, isDifferentiable } from '../dtype.ts';
import { ArgumentError, checkOptions, DTypeError, describe } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, div, mul, sub } from './arithmetic.ts';
import { sum, unreduce } from './broadcast.ts';
import { square } from './power.ts';
import { mean } from './reductions.ts';
import { reshape } from './reshape.ts';

export interface VarianceOptions {
  /** What is taken from the number of elements: 1 for Bessel's correction, 0 for none. Default 1. */
  readonly correction?: number | null;
  /** Keeps reduced dimensions with size 1. */
  readonly keepdim?: boolean;
}

/** Variance and mean of checked arguments; `degrees` is the number of elements less the correction. */
const momentsOver = composite('varMean', {
  infer(x: Tensor, dims: readonly number[], keepdim: boolean, degrees: number) {
    const spec = { shape: reducedShape(x.shape, dims, keepdim), dtype: x.dtype };
    const count = dims.reduce((n, dim) => n * x.shape[dim]!, 1);
    return {
      inputs: { x },
      attrs: { dims, keepdim, degrees, count, shape: x.shape },
      outputs: { variance: spec, mean: spec },
    };
  },
  decompose({ x }, { dims, keepdim, degrees }) {
    const center = mean(x, dims, { keepdim: true });
    const squares = sum(square(sub(x, center)), dims, { keepdim });
    return {
      variance: div(squares, Math.max(0, degrees)),
      mean: keepdim ? center : reshape(center, squares.shape),
    };
  },
  saves: ['x'],
  vjp({ variance: dv, mean: dm }, { x }, attrs) {
    const { dims, degrees, count } = attrs;
    const byMean = dm && unreduce(div(dm, count), attrs);
    if (dv === undefined) return { x: byMean };
    const away = sub(x, mean(x, dims, { keepdim: true }));
    const byVariance = mul(unreduce(mul(dv, 2 / degrees), attrs), away);
    return { x: byMean === undefined ? byVariance : add(byVariance, byMean) };
  },
});

function moments(
  op: string,
  x: Tensor,
  dimOrOptions: Dims | VarianceOptions,
  given: VarianceOptions | undefined,
): { readonly variance: Tensor; readonly mean: Tensor } {
  checkTensor(op, 'x', x);
  const [dim, options] = dimAndOptions<VarianceOptions>(dimOrOptions, given);
  checkOptions(op, options, ['correction', 'keepdim']);
  const correction = options?.correction ?? 1;
  if (typeof correction !== 'number') {
    throw new ArgumentError(`${op}: correction must be a number, got ${describe(correction)}`, { op });
  }
  if (!isDifferentiable(x.dtype)) {
    throw new DTypeError(
      `${op}: ${x.dtype} has no exact result; convert it: to({ dtype: '${getDefaultDtype()}' })`,
      { op },
    );
  }
  const dims = reducedDims(op, x, dim);
  const count = dims.reduce((n, reduced) => n * x.shape[reduced]!, 1);
  return momentsOver(x, dims, options?.keepdim ?? false, count - correction);
}

/** A square root whose gradient at 0 is 0: all elements were equal. */
const deviation = pointwise('std', (x) => x.sqrt(), {
  grad: ({ dy, y }) => y.eq(0).select(0, dy.div(y.mul(2))),
});

/**
 * The variance over `dim`, several dims, or all: `sum((x - mean)²) / (n - correction)`.
 *
 * - `x`: any shape, floating
 *
 * @throws {DTypeError} integers and booleans. @throws {ShapeError} a dim is out of range.
 * @example variance(tensor([1, 3])) // tensor(2.)
 */
export const variance = composite(
  'var',
  (x: Tensor, dim?: Dims | VarianceOptions, options?: VarianceOptions): Tensor =>
    moments('var', x, dim, options).variance,
);

/**
 * The standard deviation over `dim`, several dims, or all: the square root of the variance. The gradient is 0 where
 * all elements are equal.
 *
 * - `x`: any shape, floating
 *
 * @throws {DTypeError} integers and booleans. @throws {ShapeError} a dim is out of range.
 * @example std(tensor([1, 3]), { correction: 0 }) // tensor(1.)
 */
export const std = composite(
  'std',
  (x: Tensor, dim?: Dims | VarianceOptions, options?: VarianceOptions): Tensor =>
    deviation(moments('std', x, dim, options).variance),
);

/** Variance and mean at once. @throws {DTypeError} integers and booleans. @throws {ShapeError} a dim is out of range. */
export const varMean = composite(
  'varMean',
  (x: Tensor, dim?: Dims | VarianceOptions, options?: VarianceOptions): readonly [Tensor, Tensor] => {
    const { variance: v, mean: m } = moments('varMean', x, dim, options);
    return [v, m];
  },
);

/** Standard deviation and mean at once. @throws {DTypeError} integers and booleans. @throws {ShapeError} a dim is out of range. */
export const stdMean = composite(
  'stdMean',
  (x: Tensor, dim?: Dims | VarianceOptions, options?: VarianceOptions): readonly [Tensor, Tensor] => {
    const { variance: v, mean: m } = moments('stdMean', x, dim, options);
    return [deviation(v), m];
  },
);
