import { along } from '../dispatch/along.ts';
import { primitive } from '../dispatch/declare.ts';
import { operandWith } from '../dispatch/operands.ts';
import type { Tensor } from '../graph/tensor.ts';

/** The running sum of a line of int32 counts. */
export const runningCount = primitive('runningCount', {
  infer: (x: Tensor) => ({ inputs: { x }, attrs: {}, outputs: { y: { shape: x.shape, dtype: x.dtype } } }),
  run(kernels, { y }, { x }) {
    const { shape, strides } = along(x.shape, 0, y.strides, x.strides);
    kernels.scan('sum', shape, operandWith(y, strides[0]!), operandWith(x, strides[1]!), false);
  },
});
