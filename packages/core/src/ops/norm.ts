import { checkTensor } from '../dispatch/checks.ts';
import { composite, pointwise, reduction } from '../dispatch/declare.ts';
import { type Dims, dimAndOptions, reducedDims, reducedShape } from '../dispatch/reduction.ts';
import { asDType, type DType, isDifferentiable } from '../dtype.ts';
import { ArgumentError, checkOptions, DTypeError, describe } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { abs, div, mul, sign } from './arithmetic.ts';
import { sum } from './broadcast.ts';
import { eq } from './comparison.ts';
import { cast } from './copying.ts';
import { clampMin } from './extremum.ts';
import { zerosOf } from './filling.ts';
import { pow } from './power.ts';
import { reshape } from './reshape.ts';
import { where } from './where.ts';

export interface NormOptions {
  /** The order: a number, Infinity, -Infinity, or 'fro', which is 2. Default 2. */
  readonly p?: number | 'fro' | 'nuc' | null;
  /** Keeps reduced dimensions with size 1. */
  readonly keepdim?: boolean;
  /** Converts to this dtype first. */
  readonly dtype?: DType;
}

const countOf = reduction('norm', {
  combiner: 'sum',
  pre: (x) => x.ne(0).select(1, 0),
  result: 'float',
  empty: 0,
});
const sumOf = reduction('norm', { combiner: 'sum', pre: (x) => x.abs(), result: 'float', empty: 0 });
const lengthOf = reduction('norm', {
  combiner: 'sum',
  pre: (x) => x.square(),
  post: (total) => total.sqrt(),
  result: 'float',
  empty: 0,
});
const largestOf = reduction('norm', { combiner: 'max', pre: (x) => x.abs(), result: 'float' });
const smallestOf = reduction('norm', { combiner: 'min', pre: (x) => x.abs(), result: 'float' });

/** The gradient of a length; 0 where it has none. */
const alongLength = pointwise('normBackward', (dy, x, y) => y.eq(0).select(0, dy.mul(x).div(y)));

function normOf(x: Tensor, p: number, dims: readonly number[]): Tensor {
  const keepdim = { keepdim: true };
  switch (p) {
    case 0:
      return countOf(x, dims, keepdim);
    case 1:
      return sumOf(x, dims, keepdim);
    case 2:
      return lengthOf(x, dims, keepdim);
    case Number.POSITIVE_INFINITY:
      return largestOf(x, dims, keepdim);
    case Number.NEGATIVE_INFINITY:
      return smallestOf(x, dims, keepdim);
    default:
      return pow(sum(pow(abs(x), p), dims, keepdim), 1 / p);
  }
}

/** The gradient of a norm, with 0 chosen wherever it has no single value; `y` and `dy` have their dims kept. */
function normGradient(dy: Tensor, x: Tensor, y: Tensor, p: number, dims: readonly number[]): Tensor {
  switch (p) {
    case 0:
      return zerosOf(x);
    case 1:
      return mul(dy, sign(x));
    case 2:
      return alongLength(dy, x, y);
    case Number.POSITIVE_INFINITY:
    case Number.NEGATIVE_INFINITY: {
      const extreme = cast(eq(abs(x), y), x.dtype);
      return mul(mul(sign(x), extreme), div(dy, sum(extreme, dims, { keepdim: true })));
    }
    default: {
      const scaled =
        p < 2 ? where(eq(x, 0), 0, mul(sign(x), pow(abs(x), p - 1))) : mul(x, pow(abs(x), p - 2));
      return mul(scaled, where(eq(y, 0), 0, mul(dy, pow(y, 1 - p))));
    }
  }
}

const normOver = composite('norm', {
  infer: (x: Tensor, p: number, dims: readonly number[]) => ({
    inputs: { x },
    attrs: { p, dims },
    outputs: { y: { shape: reducedShape(x.shape, dims, true), dtype: x.dtype } },
  }),
  decompose: ({ x }, { p, dims }) => normOf(x, p, dims),
  saves: ['x', 'y'],
  vjp: ({ y: dy }, { x, y }, { p, dims }) => (dy === undefined ? {} : { x: normGradient(dy, x, y, p, dims) }),
});

/**
 * The vector norm over `dim`, several dims, or all elements: `(sum |x|^p)^(1/p)`; for 0 the number of elements that
 * are not 0, for ±Infinity the extreme of `|x|`.
 *
 * @throws {DTypeError} on integers. @throws {ArgumentError} the order is no number.
 * @example norm(tensor([3, 4])) // tensor(5.)
 */
export const norm = composite(
  'norm',
  (x: Tensor, dimOrOptions?: Dims | NormOptions, given?: NormOptions): Tensor => {
    checkTensor('norm', 'x', x);
    const [dim, options] = dimAndOptions<NormOptions>(dimOrOptions, given);
    checkOptions('norm', options, ['p', 'keepdim', 'dtype']);
    const p = options?.p === 'fro' ? 2 : (options?.p ?? 2);
    if (typeof p !== 'number' || Number.isNaN(p)) {
      throw new ArgumentError(
        `norm: p must be a number or 'fro', got ${describe(p)}${p === 'nuc' ? '; the nuclear norm needs a singular value decomposition, which does not exist yet' : ''}`,
        { op: 'norm' },
      );
    }
    const converted = options?.dtype === undefined ? x : cast(x, asDType('norm', options.dtype));
    if (!isDifferentiable(converted.dtype))
      throw new DTypeError(`norm: ${x.dtype} is not floating; give { dtype: 'float32' }`, { op: 'norm' });
    const dims = reducedDims('norm', converted, dim);
    const y = normOver(converted, p, dims);
    return options?.keepdim ? y : reshape(y, reducedShape(x.shape, dims, false));
  },
);

export interface NormalizeOptions {
  /** The order of the norm. Default 2. */
  readonly p?: number;
  /** The least divisor. Default 1e-12. */
  readonly eps?: number;
}

/**
 * Scales vectors along `dim` to norm 1: `x / max(‖x‖, eps)`.
 *
 * @throws {ShapeError} `dim` is out of range.
 * @example normalize(tensor([3, 4]), 0) // tensor([0.6000, 0.8000])
 */
export const normalize = composite(
  'normalize',
  (x: Tensor, dim: number | readonly number[] = 1, options: NormalizeOptions = {}): Tensor => {
    checkOptions('normalize', options, ['p', 'eps']);
    return div(x, clampMin(norm(x, dim, { p: options.p ?? 2, keepdim: true }), options.eps ?? 1e-12));
  },
);
