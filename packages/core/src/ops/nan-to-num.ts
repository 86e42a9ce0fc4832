import { choice, use } from '../dispatch/choice.ts';
import { pointwise } from '../dispatch/declare.ts';
import { type DType, isFloating } from '../dtype.ts';
import { checkOptions } from '../errors.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { clone } from './copying.ts';

/** The largest finite number of a floating dtype. */
const LARGEST: Partial<Record<DType, number>> = {
  float16: 65504,
  bfloat16: 2 ** 127 * (2 - 2 ** -7),
  float32: 2 ** 127 * (2 - 2 ** -23),
  float64: Number.MAX_VALUE,
};

const replace = pointwise(
  'nanToNum',
  (x, { nan, posinf, neginf }) =>
    x
      .isnan()
      .select(
        nan,
        x.eq(Number.POSITIVE_INFINITY).select(posinf, x.eq(Number.NEGATIVE_INFINITY).select(neginf, x)),
      ),
  {
    params: { nan: 0, posinf: Number.POSITIVE_INFINITY, neginf: Number.NEGATIVE_INFINITY },
    grad: ({ dy, x }) => x.isnan().or(x.isinf()).select(0, dy),
  },
);

export interface NanToNumOptions {
  /** In the place of NaN. Default 0. */
  readonly nan?: number | null;
  /** In the place of infinity. Default: the dtype's largest number. */
  readonly posinf?: number | null;
  /** In the place of negative infinity. Default: the dtype's lowest number. */
  readonly neginf?: number | null;
}

/**
 * The tensor with numbers in the place of NaN and infinities, through which no gradient flows. Integers are as they
 * were.
 *
 * @example nanToNum(tensor([NaN, 1, Infinity]), { posinf: 9 }) // tensor([0., 1., 9.])
 */
export const nanToNum = choice('nanToNum', (x: Tensor, options?: NanToNumOptions) => {
  checkOptions('nanToNum', options, ['nan', 'posinf', 'neginf']);
  if (!isTensor(x) || !isFloating(x.dtype)) return use(clone, x);
  const largest = LARGEST[x.dtype]!;
  return use(replace, x, {
    nan: options?.nan ?? 0,
    posinf: options?.posinf ?? largest,
    neginf: options?.neginf ?? -largest,
  });
});
