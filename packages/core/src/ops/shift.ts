import { composite } from '../dispatch/declare.ts';
import { copyInto } from '../dispatch/in-place.ts';
import type { Tensor } from '../graph/tensor.ts';
import { filled } from './filling.ts';
import { sliceView } from './slicing.ts';

/**
 * The elements moved by `distance` places along `dim` (towards the end when positive), `value` where none came:
 * `y[i] = x[i - distance]`.
 */
export const shift: (x: Tensor, dim: number, distance: number, value: number) => Tensor = composite('shift', {
  infer: (x: Tensor, dim: number, distance: number, value: number) => ({
    inputs: { x },
    attrs: { dim, distance, value },
    outputs: { y: { shape: x.shape, dtype: x.dtype } },
  }),
  decompose({ x }, { dim, distance, value }) {
    const length = x.shape[dim]!;
    const y = filled(x.entry, x.shape, x.dtype, value);
    const kept = length - Math.abs(distance);
    if (kept <= 0) return y;
    const from = Math.max(0, -distance);
    const to = Math.max(0, distance);
    copyInto(sliceView(y, dim, to, to + kept, 1), sliceView(x, dim, from, from + kept, 1));
    return y;
  },
  vjp: ({ y: dy }, _saved, { dim, distance }) => ({ x: dy && shift(dy, dim, -distance, 0) }),
});
