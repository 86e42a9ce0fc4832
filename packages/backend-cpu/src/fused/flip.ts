import {
  byteLengthOf,
  copyProgram,
  type DType,
  type FusedKernel,
  type Operand,
  type RequiredKernels,
} from '@flambeau/core/backend';
import { arrange } from '../loops.ts';

/** By the size of an element: what is moved needs no other meaning. */
const MOVED: Readonly<Record<number, DType>> = { 1: 'int8', 2: 'int16', 4: 'int32', 8: 'int64' };

/** `flip`: a copy whose input is walked backwards along some dimensions. */
export const flipKernel = (pointwise: RequiredKernels['pointwise']): FusedKernel => ({
  when: ({ x }) => !x!.shape.includes(0),
  run({ y }, inputs, attrs) {
    const x = inputs.x!;
    const dims = attrs.dims as readonly number[];
    const dtype = MOVED[byteLengthOf(x.dtype)]!;
    const offset = dims.reduce((at, dim) => at + (x.shape[dim]! - 1) * x.strides[dim]!, x.offset);
    const backwards = x.strides.map((stride, dim) => (dims.includes(dim) ? -stride : stride));
    const { shape, strides } = arrange(x.shape, [y!.strides, backwards]);
    const moved = (operand: Operand, from: number, k: number): Operand => ({
      allocation: operand.allocation,
      dtype,
      offset: from,
      strides: strides[k]!,
    });
    pointwise(copyProgram(dtype), shape, moved(y!, y!.offset, 0), [moved(x, offset, 1)], []);
  },
});
