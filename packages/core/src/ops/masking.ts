import { checkSameDType, checkTensor } from '../dispatch/checks.ts';
import { composite, pointwise } from '../dispatch/declare.ts';
import { explainFault } from '../dispatch/faults.ts';
import { ShapeError, showShape } from '../errors.ts';
import { gradEnabled, withRecording } from '../graph/mode.ts';
import type { Tensor } from '../graph/tensor.ts';
import { broadcastShapes } from '../shape.ts';
import { scope, unscoped } from '../storage/scope.ts';
import { expand } from './broadcast.ts';
import { clone } from './copying.ts';
import { gather } from './gather.ts';
import { countMask, placesIn } from './mask-places.ts';
import { takeSlices } from './positions.ts';
import { read, readSync } from './reading.ts';
import { reshape } from './reshape.ts';
import { sliceView } from './slicing.ts';
import { checkMask, where } from './where.ts';

const flat = (x: Tensor): Tensor => reshape(x, [x.size]);

/** Both operands broadcast, as lines. */
function lines(op: string, x: Tensor, mask: Tensor): { values: Tensor; truths: Tensor } {
  checkTensor(op, 'x', x);
  checkMask(op, 'mask', mask);
  const shape = broadcastShapes(op, x.shape, mask.shape);
  return { values: flat(expand(x, shape)), truths: flat(expand(mask, shape)) };
}

const insteadOfNone = pointwise('insteadOfNone', (place) => place.max(0));

/**
 * The elements of `x` where the mask is true, in row-major order; both broadcast. It waits for the device, because the
 * mask decides the size.
 *
 * - `mask`: bool
 * - returns: `[count]`, the dtype of `x`
 *
 * @throws {DTypeError} `mask` is not bool. @throws {ShapeError} the shapes do not broadcast.
 * @example await maskedSelect(tensor([1, 2, 3]), tensor([true, false, true])) // tensor([1., 3.])
 */
export async function maskedSelect(x: Tensor, mask: Tensor): Promise<Tensor> {
  const recording = gradEnabled;
  // All elements are taken before the wait, so that later changes of `x` and `mask` do not show.
  const begun = unscoped(() =>
    scope(() => {
      const { values, truths } = lines('maskedSelect', x, mask);
      if (truths.size === 0) return { taken: clone(values), total: null };
      const count = countMask(truths);
      return { taken: gather(values, 0, insteadOfNone(placesIn(count, truths.size))), total: count.total };
    }),
  );
  const { taken, total } = begun;
  if (total === null) return taken;
  const count = Number((await read('maskedSelect', total))[0]);
  const result = scope(() => withRecording(recording, () => clone(sliceView(taken, 0, 0, count, 1))));
  taken.dispose();
  total.dispose();
  return result;
}

/**
 * `maskedSelect` without waiting.
 *
 * @throws {BackendError} the device cannot be read synchronously.
 */
export const maskedSelectSync = composite('maskedSelectSync', (x: Tensor, mask: Tensor): Tensor => {
  const { values, truths } = lines('maskedSelectSync', x, mask);
  if (truths.size === 0) return clone(values);
  const count = countMask(truths);
  const length = Number(readSync('maskedSelectSync', count.total)[0]);
  return gather(values, 0, placesIn(count, length));
});

const rowBefore = pointwise('rowBefore', (running) => running.sub(1).max(0));

/**
 * `x` with the elements of `source`, in row-major order, where the mask is true: the first true place takes the first. `x`
 * and `mask` broadcast; `source` may hold more elements than are taken.
 *
 * @throws {DTypeError} `mask` is not bool, or `source` has another dtype than `x`.
 * @throws {BackendError} `source` has too few elements; on some devices only when a value is read.
 * @example maskedScatter(zeros([3]), tensor([true, false, true]), tensor([5, 6])) // tensor([5., 0., 6.])
 */
export const maskedScatter = composite(
  'maskedScatter',
  (x: Tensor, mask: Tensor, source: Tensor): Tensor => {
    checkTensor('maskedScatter', 'x', x);
    checkMask('maskedScatter', 'mask', mask);
    checkTensor('maskedScatter', 'source', source);
    checkSameDType('maskedScatter', 'source', source.dtype, x.dtype);
    const shape = broadcastShapes('maskedScatter', x.shape, mask.shape);
    const truths = expand(mask, shape);
    if (truths.size === 0) return clone(expand(x, shape));
    const count = countMask(flat(truths));
    if (source.size === 0) {
      refuseTrue(count.total);
      return clone(expand(x, shape));
    }
    const wrong = (): string => `the mask takes more elements than source has, ${source.size}`;
    const taken = explainFault('maskedScatter', wrong, () =>
      takeSlices(flat(source), 0, rowBefore(count.running)),
    );
    return where(truths, reshape(taken, shape), x);
  },
  { inPlace: true },
);

/** Where the device can be read at once, refuses a mask that takes elements of an empty source. */
function refuseTrue(total: Tensor): void {
  if (total.entry.backend.readSync === undefined) return;
  const count = Number(readSync('maskedScatter', total)[0]);
  if (count > 0)
    throw new ShapeError(
      `maskedScatter: the mask takes ${count} elements, and source has none: ${showShape([0])}`,
      { op: 'maskedScatter' },
    );
}
