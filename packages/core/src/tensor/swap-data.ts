import { AutogradError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Gives a leaf another tensor's elements, dtype and device, under the same handle: what holds the handle (a module,
 * an optimiser) goes on with the new ones. `source` must not be used afterwards.
 *
 * @throws {AutogradError} `target` is no leaf, or a view.
 */
export function swapData(target: Tensor, source: Tensor): void {
  if (!target.isLeaf || target.viewLink !== null)
    throw new AutogradError('swapData: only a leaf that is no view can get other elements', {
      op: 'swapData',
    });
  if (target === source) return;
  // The one place where a handle's readonly fields change.
  const handle = target as Mutable<Tensor>;
  source.storage.retain();
  target.storage.release();
  handle.storage = source.storage;
  handle.dtype = source.dtype;
  handle.shape = source.shape;
  handle.strides = source.strides;
  handle.offset = source.offset;
  handle.layOut();
  target.leaf = null;
}
