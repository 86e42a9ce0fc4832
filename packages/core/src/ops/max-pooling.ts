import { along } from '../dispatch/along.ts';
import { composite, primitive } from '../dispatch/declare.ts';
import { operandWith } from '../dispatch/operands.ts';
import { PointwiseOp } from '../dispatch/pointwise.ts';
import type { DType } from '../dtype.ts';
import { type Expr, index, literal } from '../expr/expr.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sizeOf } from '../shape.ts';
import { gather, gatherBackward } from './gather.ts';
import { axes, numbered, type Pool, unset } from './pooling.ts';
import { permute, reshape } from './reshape.ts';
import { padForWindows, windowsOf } from './windows.ts';

const argmaxLast = primitive('argmax', {
  infer: (x: Tensor) => ({
    inputs: { x },
    attrs: {},
    outputs: { y: { shape: x.shape.slice(0, -1), dtype: 'int32' as const } },
  }),
  run(kernels, { y }, { x }) {
    const nest = along(x.shape, x.shape.length - 1, x.strides, [...y.strides, 0]);
    kernels.argReduce(
      'max',
      nest.shape,
      operandWith(y, nest.strides[1]!.slice(0, -1)),
      operandWith(x, nest.strides[0]!),
    );
  },
});

/** The position, along the last dimension, of the largest element: the first of ties; NaN wins. An int32. */
export const strongest = (x: Tensor): Tensor => argmaxLast(x);

const LOWEST: Partial<Record<DType, number>> = {
  uint8: 0,
  int8: -(2 ** 7),
  int16: -(2 ** 15),
  int32: -(2 ** 31),
  int64: -(2 ** 63),
};

/** What loses against every element. */
const lowest = (dtype: DType): number => LOWEST[dtype] ?? Number.NEGATIVE_INFINITY;

/**
 * From positions inside windows, `[batch, channels, ...output]`, to flat positions in the spatial dimensions. Where
 * padding won, which only ties with the lowest value allow, the first element of the window that is inside.
 */
const flatPositions = [1, 2, 3].map(
  (rank) =>
    new PointwiseOp(
      'maxPoolIndices',
      1,
      ([best], p) => {
        let rest: Expr = best!;
        let inside: Expr = literal(true);
        const at: Expr[] = [];
        const first: Expr[] = [];
        for (const i of axes(rank).reverse()) {
          const [kernel, stride, padding, dilation, size] = [
            'kernel',
            'stride',
            'padding',
            'dilation',
            'size',
          ].map((name) => p[`${name}${i}`]!) as [Expr, Expr, Expr, Expr, Expr];
          const begin = index(i + 2)
            .mul(stride)
            .sub(padding);
          at[i] = begin.add(rest.mod(kernel).mul(dilation));
          rest = rest.floorDiv(kernel);
          const skipped = begin.neg().max(0).add(dilation).sub(1).floorDiv(dilation);
          first[i] = begin.add(skipped.mul(dilation));
          inside = inside.and(at[i]!.ge(0)).and(at[i]!.lt(size));
        }
        const flat = (position: readonly Expr[]): Expr =>
          position.reduce((sum, value, i) => sum.mul(p[`size${i}`]!).add(value));
        return inside.select(flat(at), flat(first));
      },
      { params: unset(rank, 'kernel', 'stride', 'padding', 'dilation', 'size') },
    ),
);

/** The elements at flat spatial positions, `indices` being `[batch, channels, ...output]`. */
export function takeFlat(x: Tensor, indices: Tensor): Tensor {
  const [batch, channels, ...size] = x.shape as [number, number, ...number[]];
  const output = indices.shape.slice(2);
  return reshape(
    gather(
      reshape(x, [batch, channels, sizeOf(size)]),
      2,
      reshape(indices, [batch, channels, sizeOf(output)]),
    ),
    indices.shape,
  );
}

/**
 * The gradient of `maxPool`: each element gets those of the windows that took it. Fused kernels come under this name.
 *
 * - `dy`, `indices`: `[batch, channels, ...output]`; indices as `maxPool` gave them
 * - returns: `[batch, channels, ...size]`
 */
const maxPoolBackward = composite('maxPoolBackward', {
  infer: (dy: Tensor, indices: Tensor, pool: Pool) => ({
    inputs: { dy, indices },
    attrs: pool,
    outputs: { dx: { shape: [...dy.shape.slice(0, 2), ...pool.size], dtype: dy.dtype } },
  }),
  decompose({ dy, indices }, { size, output }) {
    const [batch, channels] = dy.shape as [number, number];
    const flat = [batch, channels, sizeOf(output)];
    const dx = gatherBackward(reshape(dy, flat), 2, reshape(indices, flat), [batch, channels, sizeOf(size)]);
    return reshape(dx, [batch, channels, ...size]);
  },
  saves: ['indices'],
  vjp: ({ dx: ddx }, { indices }) => ({ dy: ddx && takeFlat(ddx, indices) }),
});

/** Pools of the largest elements, with their positions. Fused kernels come under this name. */
export const maxPool = composite('maxPool', {
  infer: (x: Tensor, pool: Pool) => {
    const shape = [...x.shape.slice(0, 2), ...pool.output];
    return {
      inputs: { x },
      attrs: pool,
      outputs: { values: { shape, dtype: x.dtype }, indices: { shape, dtype: 'int32' as const } },
    };
  },
  decompose({ x }, pool) {
    const rank = pool.kernel.length;
    const lead = x.shape.slice(0, 2);
    const view = windowsOf(padForWindows(x, pool, lowest(x.dtype)), pool);
    const order = [0, 1, ...axes(rank).map((i) => 2 + rank + i), ...axes(rank).map((i) => 2 + i)];
    const columns = reshape(permute(view, order), [...lead, ...pool.output, sizeOf(pool.kernel)]);
    const { kernel, stride, padding, dilation, size } = pool;
    const indices = flatPositions[rank - 1]!.call(
      [strongest(columns)],
      numbered({ kernel, stride, padding, dilation, size }),
    );
    return { values: takeFlat(x, indices), indices };
  },
  saves: ['indices'],
  vjp: ({ values: dy }, { indices }, pool) => ({ x: dy && maxPoolBackward(dy, indices, pool) }),
});
