import { along } from '../dispatch/along.ts';
import { checkTensor } from '../dispatch/checks.ts';
import { composite, type Declared, pointwise, primitive } from '../dispatch/declare.ts';
import { operandWith } from '../dispatch/operands.ts';
import { asDType, type DType, isDifferentiable, isFloating } from '../dtype.ts';
import { checkOptions, DTypeError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { wrapDim } from '../shape.ts';
import type { ScanCombiner } from '../storage/contract.ts';
import { add, mul } from './arithmetic.ts';
import { cast } from './copying.ts';
import { shift } from './shift.ts';

/** A scan of a checked tensor along a checked dim, in its own dtype. */
export type Scan = ((x: Tensor, dim: number, reverse: boolean) => Tensor) & Declared;

interface ScanSaved {
  readonly x: Tensor;
  readonly y: Tensor;
}

/** The kernel with one combiner. */
export function scanOf(
  name: string,
  combiner: ScanCombiner,
  saves: readonly (keyof ScanSaved)[] = [],
  vjp?: (dy: Tensor, saved: ScanSaved, dim: number, reverse: boolean) => Tensor,
): Scan {
  return primitive(name, {
    infer: (x: Tensor, dim: number, reverse: boolean) => ({
      inputs: { x },
      attrs: { dim, reverse },
      outputs: { y: { shape: x.shape, dtype: x.dtype } },
    }),
    run(kernels, { y }, { x }, { dim, reverse }) {
      const { shape, strides } = along(x.shape, dim, y.strides, x.strides);
      kernels.scan(combiner, shape, operandWith(y, strides[0]!), operandWith(x, strides[1]!), reverse);
    },
    saves,
    ...(vjp && {
      // Each rule reads only what it names in `saves`.
      vjp: (
        { y: dy }: { readonly y?: Tensor | undefined },
        saved: object,
        attrs: { readonly dim: number; readonly reverse: boolean },
      ) => ({
        x: dy && vjp(dy, saved as ScanSaved, attrs.dim, attrs.reverse),
      }),
    }),
  });
}

const runningSum: Scan = scanOf('cumsum', 'sum', [], (dy, _saved, dim, reverse) =>
  runningSum(dy, dim, !reverse),
);

export interface CumulativeOptions {
  /** Converts to this dtype first. Default: the dtype of `x`; int32 for integers narrower than int64, and bool. */
  readonly dtype?: DType | null;
}

/** The tensor in the dtype in which it is summed or multiplied up, and the dim from the front. */
function prepare(
  op: string,
  x: Tensor,
  dim: number,
  options: CumulativeOptions | undefined,
): [x: Tensor, dim: number] {
  checkTensor(op, 'x', x);
  checkOptions(op, options, ['dtype']);
  const asked = options?.dtype ?? undefined;
  const own = isDifferentiable(x.dtype) || x.dtype === 'int64' ? x.dtype : 'int32';
  return [cast(x, asked === undefined ? own : asDType(op, asked)), wrapDim(op, dim, x)];
}

/**
 * Running sums along `dim`: `y[i] = x[0] + … + x[i]`.
 *
 * - `x`: `[..., n, ...]`
 * - returns: the shape of `x`
 *
 * @throws {ShapeError} `dim` is out of range.
 * @example cumsum(tensor([1, 2, 3]), 0) // tensor([1., 3., 6.])
 */
export const cumsum = composite(
  'cumsum',
  (x: Tensor, dim: number, options?: CumulativeOptions): Tensor =>
    runningSum(...prepare('cumsum', x, dim, options), false),
  { inPlace: true },
);

/**
 * `s[i] = b[i] + a[i] s[i + step]`, by doubling: after k rounds each element knows 2ᵏ of the others. It divides by
 * nothing, so zeros in `a` do no harm.
 */
function recurrence(a: Tensor, b: Tensor, dim: number, step: 1 | -1): Tensor {
  let factors = a;
  let sums = b;
  const length = a.shape[dim]!;
  for (let reach = 1; reach < length; reach *= 2) {
    sums = add(sums, mul(factors, shift(sums, dim, -step * reach, 0)));
    if (reach * 2 < length) factors = mul(factors, shift(factors, dim, -step * reach, 0));
  }
  return sums;
}

// dx[k] = (x[0] … x[k-1]) · Σ over i >= k of dy[i] x[k+1] … x[i]
const runningProduct: Scan = scanOf('cumprod', 'prod', ['x'], (dy, { x }, dim, reverse) => {
  if (x.shape.length === 0) return dy;
  const step = reverse ? -1 : 1;
  return mul(productOfOthers(x, dim, reverse), recurrence(shift(x, dim, -step, 0), dy, dim, step));
});

/** The product of all elements before each along `dim`, or after each when `reverse`. */
export const productOfOthers = (x: Tensor, dim: number, reverse: boolean): Tensor =>
  runningProduct(shift(x, dim, reverse ? -1 : 1, 1), dim, reverse);

/**
 * Running products along `dim`: `y[i] = x[0] … x[i]`. The gradient is right where there are zeros, too.
 *
 * - `x`: `[..., n, ...]`
 * - returns: the shape of `x`
 *
 * @throws {ShapeError} `dim` is out of range.
 * @example cumprod(tensor([1, 2, 3]), 0) // tensor([1., 2., 6.])
 */
export const cumprod = composite(
  'cumprod',
  (x: Tensor, dim: number, options?: CumulativeOptions): Tensor =>
    runningProduct(...prepare('cumprod', x, dim, options), false),
  { inPlace: true },
);

/** `e^(a - b)`, which is 1 for equal infinities. */
const ratio = pointwise('expDifference', (a, b) => a.eq(b).select(1, a.sub(b).exp()));

// dx[k] = Σ over i >= k of dy[i] e^(x[k] - y[i]), where y[k] - y[i] is a sum of steps between neighbours: differences of
// large values, each taken once.
const runningLogSum: Scan = scanOf('logcumsumexp', 'logaddexp', ['x', 'y'], (dy, { x, y }, dim, reverse) => {
  if (x.shape.length === 0) return dy;
  const step = reverse ? -1 : 1;
  // Beyond the end nothing comes: e^(y - ∞) is 0.
  const decay = ratio(y, shift(y, dim, -step, Number.POSITIVE_INFINITY));
  return mul(ratio(x, y), recurrence(decay, dy, dim, step));
});

/**
 * The logarithm of running sums of exponentials along `dim`, without overflow: `y[i] = log(e^x[0] + … + e^x[i])`.
 *
 * - `x`: `[..., n, ...]`, floating
 *
 * @throws {DTypeError} integers and booleans.
 * @throws {ShapeError} `dim` is out of range.
 */
export const logcumsumexp = composite('logcumsumexp', (x: Tensor, dim: number): Tensor => {
  checkTensor('logcumsumexp', 'x', x);
  if (!isFloating(x.dtype)) {
    throw new DTypeError(`logcumsumexp: ${x.dtype} is not supported; convert it: to({ dtype: 'float32' })`, {
      op: 'logcumsumexp',
    });
  }
  return runningLogSum(x, wrapDim('logcumsumexp', dim, x), false);
});
