import { along } from '../dispatch/along.ts';
import { checkIndices, checkReach, checkTensor } from '../dispatch/checks.ts';
import { primitive } from '../dispatch/declare.ts';
import { operandWith } from '../dispatch/operands.ts';
import { ArgumentError, checkOptions } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sizeOf, wrapDim } from '../shape.ts';
import { fillZeros } from './filling.ts';

export interface GatherOptions {
  /** PyTorch's sparse gradients; only `false`, the default, is offered. */
  readonly sparseGrad?: boolean;
}

/**
 * Takes elements along `dim` by an index for each: for `dim` 1, `y[i, j, …] = x[i, index[i, j, …], …]`.
 *
 * - `x`: `[..., n, ...]`, any dtype
 * - `index`: int32 or int64 of as many dimensions, not larger than `x` in any but `dim`; values in `0..n-1`
 * - returns: the index's shape, the dtype of `x`; its gradient is added up where an index repeats
 *
 * @throws {ShapeError} `index` has other dimensions, or is larger than `x` in one that is not `dim`.
 * @throws {DTypeError} `index` is not of integers.
 * @throws {BackendError} an index is negative or too large; on some devices only when a value is read.
 * @example gather(tensor([[1, 2], [3, 4]]), 1, tensor([[0, 0], [1, 0]], { dtype: 'int32' })) // tensor([[1., 1.], [4., 3.]])
 */
export const gather = primitive('gather', {
  infer(x: Tensor, dim: number, index: Tensor, options?: GatherOptions) {
    checkOptions('gather', options, ['sparseGrad']);
    if (options?.sparseGrad)
      throw new ArgumentError('gather: there are no sparse gradients; leave sparseGrad out', {
        op: 'gather',
      });
    checkTensor('gather', 'x', x);
    checkIndices('gather', index);
    const at = wrapDim('gather', dim, x);
    if (sizeOf(index.shape) > 0) checkReach('gather', x.shape, index.shape, at);
    return {
      inputs: { x, index },
      attrs: { dim: at, shape: x.shape },
      outputs: { y: { shape: index.shape, dtype: x.dtype } },
    };
  },
  run(kernels, { y }, { x, index }, { dim }) {
    const { shape, strides } = along(index.shape, dim, y.strides, x.strides, index.strides);
    kernels.gather(
      shape,
      x.shape[dim] ?? 1,
      operandWith(y, strides[0]!),
      operandWith(x, strides[1]!),
      operandWith(index, strides[2]!),
    );
  },
  saves: ['index'],
  vjp: ({ y: dy }, { index }, { dim, shape }): { x?: Tensor | undefined } => ({
    x: dy && gatherBackward(dy, dim, index, shape),
  }),
});

/** The gradient of `gather`: zeros of `shape` with each element of `dy` added where `index` took it from. */
export const gatherBackward = primitive('gatherBackward', {
  infer: (dy: Tensor, dim: number, index: Tensor, shape: readonly number[]) => ({
    inputs: { dy, index },
    attrs: { dim },
    outputs: { dx: { shape, dtype: dy.dtype } },
  }),
  run(kernels, { dx }, { dy, index }, { dim }) {
    fillZeros(dx);
    if (sizeOf(index.shape) === 0) return;
    const { shape, strides } = along(index.shape, dim, dx.strides, dy.strides, index.strides);
    kernels.scatter(
      'add',
      shape,
      dx.shape[dim] ?? 1,
      operandWith(dx, strides[0]!),
      operandWith(dy, strides[1]!),
      operandWith(index, strides[2]!),
    );
  },
  saves: ['index'],
  vjp: ({ dx: ddx }, { index }, { dim }) => ({ dy: ddx && gather(ddx, dim, index) }),
});
