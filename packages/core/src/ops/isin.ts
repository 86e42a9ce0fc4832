import { composite, pointwise } from '../dispatch/declare.ts';
import { resultType, type Scalar, scalarDType } from '../dtype.ts';
import { ArgumentError, checkOptions, describe } from '../errors.ts';
import { withRecording } from '../graph/mode.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { eq, ne } from './comparison.ts';
import { cast } from './copying.ts';
import { filled } from './filling.ts';
import { takeSlices } from './positions.ts';
import { reshape } from './reshape.ts';
import { searchsorted } from './searchsorted.ts';
import { sort } from './sorting.ts';

export interface IsinOptions {
  /** PyTorch's hint that neither side repeats; the result is the same. */
  readonly assumeUnique?: boolean;
  /** Whether an element is not there, instead. Default false. */
  readonly invert?: boolean;
}

const inside = pointwise('inside', (place, { last }) => place.min(last), { params: { last: 0 } });

/**
 * Whether each element occurs among the test elements; either may be a number.
 *
 * - returns: bool, the shape of `elements`
 *
 * @throws {ArgumentError} neither is a tensor.
 * @example isin(tensor([1, 2, 3]), tensor([2, 5])) // tensor([False,  True, False])
 */
export const isin = composite(
  'isin',
  (elements: Tensor | Scalar, testElements: Tensor | Scalar, options?: IsinOptions): Tensor => {
    checkOptions('isin', options, ['assumeUnique', 'invert']);
    const model = isTensor(elements) ? elements : testElements;
    if (!isTensor(model)) {
      throw new ArgumentError(
        `isin: one side must be a tensor, got ${describe(elements)} and ${describe(testElements)}`,
        { op: 'isin' },
      );
    }
    const asTensor = (side: Tensor | Scalar): Tensor =>
      isTensor(side) ? side : filled(model.entry, [], scalarDType(side, model.entry), side);
    return withRecording(false, () =>
      found(asTensor(elements), asTensor(testElements), options?.invert ?? false),
    );
  },
);

function found(elements: Tensor, testElements: Tensor, invert: boolean): Tensor {
  if (testElements.size === 0) return filled(elements.entry, elements.shape, 'bool', invert);
  const promoted = resultType([elements, testElements]);
  const dtype = promoted === 'bool' ? 'uint8' : promoted;
  const wanted = reshape(cast(elements, dtype), [elements.size]);
  const { values } = sort(reshape(cast(testElements, dtype), [testElements.size]), 0);
  const nearest = takeSlices(values, 0, inside(searchsorted(values, wanted), { last: values.size - 1 }));
  return reshape(invert ? ne(nearest, wanted) : eq(nearest, wanted), elements.shape);
}
