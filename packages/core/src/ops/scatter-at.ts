import { along } from '../dispatch/along.ts';
import { type Declared, pointwise, primitive } from '../dispatch/declare.ts';
import { copyInto } from '../dispatch/in-place.ts';
import { operandWith } from '../dispatch/operands.ts';
import { isInteger, type Scalar } from '../dtype.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sizeOf } from '../shape.ts';
import type { ScatterMode } from '../storage/contract.ts';
import { mul } from './arithmetic.ts';
import { expand } from './broadcast.ts';
import { filled, onesOf, zerosOf } from './filling.ts';
import { gather } from './gather.ts';

/** What the operators of this file take: checked, with `src` of the index's shape and the dtype of `x`. */
export type ScatterAt = ((x: Tensor, dim: number, index: Tensor, src: Tensor) => Tensor) & Declared;

interface ScatterSaved {
  readonly x: Tensor;
  readonly index: Tensor;
  readonly src: Tensor;
  readonly y: Tensor;
}

type ScatterVjp = (
  dy: Tensor,
  saved: ScatterSaved,
  dim: number,
) => { readonly x: Tensor; readonly src: Tensor };

/** One mode of the kernel, over a copy of `x`. */
function scatterAt(
  name: string,
  mode: ScatterMode,
  saves: readonly (keyof ScatterSaved)[],
  vjp: ScatterVjp,
): ScatterAt {
  return primitive(name, {
    infer: (x: Tensor, dim: number, index: Tensor, src: Tensor) => ({
      inputs: { x, index, src },
      attrs: { dim },
      outputs: { y: { shape: x.shape, dtype: x.dtype } },
    }),
    run(kernels, { y }, { x, index, src }, { dim }) {
      copyInto(y, x);
      if (sizeOf(index.shape) === 0) return;
      const { shape, strides } = along(index.shape, dim, y.strides, src.strides, index.strides);
      kernels.scatter(
        mode,
        shape,
        x.shape[dim] ?? 1,
        operandWith(y, strides[0]!),
        operandWith(src, strides[1]!),
        operandWith(index, strides[2]!),
      );
    },
    saves,
    // Each rule reads only what it names in `saves`.
    vjp: ({ y: dy }, saved, { dim }) =>
      dy === undefined ? {} : vjp(dy, saved as unknown as ScatterSaved, dim),
  });
}

/** One value for every element of `index`, in the dtype of `like`. */
export const valueAt = (like: Tensor, index: Tensor, value: Scalar): Tensor =>
  expand(
    filled(
      like.entry,
      [],
      like.dtype,
      isInteger(like.dtype) && typeof value === 'number' ? Math.trunc(value) : value,
    ),
    index.shape,
  );

/** `y[index] = src`; where an index repeats, one of the values stays. */
export const assignAt: ScatterAt = scatterAt('scatter', 'assign', ['index'], (dy, { index }, dim) => ({
  x: assignAt(dy, dim, index, valueAt(dy, index, 0)),
  src: gather(dy, dim, index),
}));

/** `y[index] += src`. */
export const addAt: ScatterAt = scatterAt('scatterAdd', 'add', ['index'], (dy, { index }, dim) => ({
  x: dy,
  src: gather(dy, dim, index),
}));

const countZero = pointwise('isZero', (x) => x.eq(0).select(1, 0));
const onlyZero = pointwise('isOnlyZero', (src, zeros) => src.eq(0).and(zeros.eq(1)).select(1, 0));
const without = pointwise('without', (src, isZero) => isZero.ne(0).select(1, src));
/** `x / divisor`, and 0 for a divisor of 0; its derivatives divide by no zero either. */
const quotient = pointwise('quotientOrZero', (x, divisor) =>
  divisor.eq(0).select(0, x.div(divisor.eq(0).select(1, divisor))),
);
const choose = pointwise('choose', (condition, x, y) => condition.ne(0).select(x, y));

/**
 * `y[index] *= src`. The gradient of a factor is the product of the others: the result divided by it, and for the
 * only zero of a place the product with that zero left out. A second derivative by two zeros of one place is taken
 * as 0.
 */
export const multiplyAt: ScatterAt = scatterAt(
  'scatterProd',
  'mul',
  ['x', 'index', 'src', 'y'],
  (dy, { x, index, src, y }, dim) => {
    const zeros = gather(addAt(zerosOf(x), dim, index, countZero(src)), dim, index);
    const isZero = onlyZero(src, zeros);
    const others = multiplyAt(x, dim, index, without(src, isZero));
    return {
      x: mul(dy, multiplyAt(onesOf(x), dim, index, src)),
      src: choose(isZero, gather(mul(dy, others), dim, index), quotient(gather(mul(dy, y), dim, index), src)),
    };
  },
);

const equal = pointwise('isEqual', (x, y) => x.eq(y).select(1, 0));

/** Whatever reached the extremum shares its gradient equally. */
const shareTies: ScatterVjp = (dy, { x, index, src, y }, dim) => {
  const own = equal(x, y);
  const given = equal(src, gather(y, dim, index));
  const share = quotient(dy, addAt(own, dim, index, given));
  return { x: mul(own, share), src: mul(given, gather(share, dim, index)) };
};

/** `y[index] = max(y[index], src)`. */
export const maximumAt = scatterAt('scatterAmax', 'max', ['x', 'index', 'src', 'y'], shareTies);

/** `y[index] = min(y[index], src)`. */
export const minimumAt = scatterAt('scatterAmin', 'min', ['x', 'index', 'src', 'y'], shareTies);
