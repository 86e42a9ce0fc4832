import { checkIntegers, checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { ArgumentError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { wrapDim } from '../shape.ts';
import { clone } from './copying.ts';
import { cat } from './joining.ts';
import { reshape } from './reshape.ts';
import { sliceView } from './slicing.ts';

/** The shift as a number of places to the right, less than `size`. */
const within = (shift: number, size: number): number => (size === 0 ? 0 : ((shift % size) + size) % size);

const rolled = composite('roll', {
  infer: (x: Tensor, shifts: readonly number[], dims: readonly number[]) => ({
    inputs: { x },
    attrs: { shifts, dims },
    outputs: { y: { shape: x.shape, dtype: x.dtype } },
  }),
  decompose: ({ x }, { shifts, dims }) =>
    dims.reduce((y, dim, i) => {
      const size = y.shape[dim] ?? 1;
      const shift = within(shifts[i]!, size);
      if (shift === 0) return y === x ? clone(x) : y;
      return cat([sliceView(y, dim, size - shift, size, 1), sliceView(y, dim, 0, size - shift, 1)], dim);
    }, x),
  vjp: ({ y: dy }, _saved, { shifts, dims }): { x?: Tensor | undefined } => ({
    x:
      dy &&
      rolled(
        dy,
        shifts.map((shift) => -shift),
        dims,
      ),
  }),
});

/**
 * A copy with the elements moved by `shifts` places along `dims`, those that leave coming in at the other end. Without
 * `dims` the elements are moved in row-major order.
 *
 * @throws {ArgumentError} `shifts` and `dims` differ in number.
 * @example roll(tensor([1, 2, 3]), 1) // tensor([3., 1., 2.])
 */
export const roll = composite(
  'roll',
  (x: Tensor, shifts: number | readonly number[], dims?: number | readonly number[]): Tensor => {
    checkTensor('roll', 'x', x);
    const by = Array.isArray(shifts) ? shifts : [shifts as number];
    checkIntegers('roll', 'shifts', by);
    const given = dims === undefined || dims === null ? [] : Array.isArray(dims) ? dims : [dims as number];
    if (given.length === 0 && by.length === 1) return reshape(rolled(reshape(x, [x.size]), by, [0]), x.shape);
    if (by.length !== given.length || by.length === 0) {
      throw new ArgumentError(`roll: shifts ${showShape(by)} and dims ${showShape(given)} must be as many`, {
        op: 'roll',
      });
    }
    return rolled(
      x,
      by,
      given.map((dim) => wrapDim('roll', dim, x)),
    );
  },
);
