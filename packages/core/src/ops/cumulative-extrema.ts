import { checkTensor } from '../dispatch/checks.ts';
import { composite, pointwise } from '../dispatch/declare.ts';
import type { Tensor } from '../graph/tensor.ts';
import { wrapDim } from '../shape.ts';
import { scanOf } from './cumulative.ts';
import { filled } from './filling.ts';
import { gather } from './gather.ts';
import type { ValuesAndIndices } from './max-min.ts';
import { alongLine, counting } from './positions.ts';

const runningMax = scanOf('cummax', 'max');
const runningMin = scanOf('cummin', 'min');

/** The place of each element that is the extremum so far; 0 for the others, over which a later place wins. */
const placeOfRecord = pointwise(
  'placeOfRecord',
  (x, best, place) => x.eq(best).or(x.isnan()).select(place, 0),
  {
    promoted: [true, true, false],
    output: 'int32',
  },
);

function cumulativeExtremum(op: 'cummax' | 'cummin', x: Tensor, dim: number): ValuesAndIndices {
  checkTensor(op, 'x', x);
  const at = wrapDim(op, dim, x);
  if (x.shape.length === 0) {
    const indices = filled(x.entry, [], 'int32', 0);
    return { values: gather(x, 0, indices), indices };
  }
  const best = op === 'cummax' ? runningMax(x, at, false) : runningMin(x, at, false);
  const places = alongLine(counting(x.entry, x.shape[at]!, {}), at, x.shape);
  const indices = runningMax(placeOfRecord(x, best, places), at, false);
  return { values: gather(x, at, indices), indices };
}

/**
 * The largest value so far along `dim`, and its index: the last of ties. After a NaN all values are NaN. The gradient
 * goes to the elements at the indices.
 *
 * - `x`: `[..., n, ...]`
 * - returns: `values` and int32 `indices`, both of the shape of `x`
 *
 * @throws {ShapeError} `dim` is out of range.
 * @example cummax(tensor([1, 3, 2]), 0).values // tensor([1., 3., 3.])
 */
export const cummax = composite(
  'cummax',
  (x: Tensor, dim: number): ValuesAndIndices => cumulativeExtremum('cummax', x, dim),
);

/**
 * The smallest value so far along `dim`, and its index: the last of ties. After a NaN all values are NaN. The gradient
 * goes to the elements at the indices.
 *
 * - `x`: `[..., n, ...]`
 * - returns: `values` and int32 `indices`, both of the shape of `x`
 *
 * @throws {ShapeError} `dim` is out of range.
 */
export const cummin = composite(
  'cummin',
  (x: Tensor, dim: number): ValuesAndIndices => cumulativeExtremum('cummin', x, dim),
);
