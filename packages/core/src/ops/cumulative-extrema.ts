import { checkTensor } from '../dispatch/checks.ts';
import { composite, type Declared, pointwise } from '../dispatch/declare.ts';
import type { Tensor } from '../graph/tensor.ts';
import { wrapDim } from '../shape.ts';
import { scanOf } from './cumulative.ts';
import { filled } from './filling.ts';
import { gather, gatherBackward } from './gather.ts';
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

type CumulativeExtremum = ((x: Tensor, dim: number) => ValuesAndIndices) & Declared;

function cumulativeExtremum(op: 'cummax' | 'cummin'): CumulativeExtremum {
  return composite(op, {
    infer(x: Tensor, dim: number) {
      checkTensor(op, 'x', x);
      const { shape, dtype } = x;
      return {
        inputs: { x },
        attrs: { dim: wrapDim(op, dim, x), shape },
        outputs: { values: { shape, dtype }, indices: { shape, dtype: 'int32' as const } },
      };
    },
    decompose({ x }, { dim, shape }): ValuesAndIndices {
      if (shape.length === 0) {
        const indices = filled(x.entry, [], 'int32', 0);
        return { values: gather(x, 0, indices), indices };
      }
      const best = op === 'cummax' ? runningMax(x, dim, false) : runningMin(x, dim, false);
      const places = alongLine(counting(x.entry, shape[dim]!, {}), dim, shape);
      const indices = runningMax(placeOfRecord(x, best, places), dim, false);
      return { values: gather(x, dim, indices), indices };
    },
    saves: ['indices'],
    vjp: ({ values: dy }, { indices }, { dim, shape }) => ({
      x: dy && gatherBackward(dy, dim, indices, shape),
    }),
  });
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
export const cummax = cumulativeExtremum('cummax');

/**
 * The smallest value so far along `dim`, and its index: the last of ties. After a NaN all values are NaN. The gradient
 * goes to the elements at the indices.
 *
 * - `x`: `[..., n, ...]`
 * - returns: `values` and int32 `indices`, both of the shape of `x`
 *
 * @throws {ShapeError} `dim` is out of range.
 */
export const cummin = cumulativeExtremum('cummin');
