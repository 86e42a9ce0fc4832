import { along } from '../dispatch/along.ts';
import { checkTensor } from '../dispatch/checks.ts';
import { composite, primitive } from '../dispatch/declare.ts';
import { operandWith } from '../dispatch/operands.ts';
import { PointwiseOp } from '../dispatch/pointwise.ts';
import { type DType, isFloating } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, showShape } from '../errors.ts';
import { type Expr, index, literal } from '../expr/expr.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Shape, sizeOf } from '../shape.ts';
import { expand, sum } from './broadcast.ts';
import { gather, gatherBackward } from './gather.ts';
import { permute, reshape, squeeze, unsqueeze } from './reshape.ts';
import {
  overlapAdd,
  padForWindows,
  type Size,
  sizeList,
  spanOf,
  type Windows,
  windowsOf,
} from './windows.ts';

/** What pools of a tensor look like to its spatial dimensions, with the size that they are taken from. */
export interface Pool extends Windows {
  readonly [name: string]: unknown;
  readonly size: Shape;
}

/** What a pool over windows takes. */
export interface PoolOptions {
  /** Distance between windows. Default: the window's size. */
  readonly stride?: Size | null;
  /** What is added on both sides of each dimension; at most half a window. Default 0. */
  readonly padding?: Size;
  /** Whether a last, incomplete window counts. Default false. */
  readonly ceilMode?: boolean;
}

const NAMES = ['length', 'height, width', 'depth, height, width'];

/** Checks the input of a pool and gives it a batch; `run` is the work on `[batch, channels, ...spatial]`. */
export function pooled<R>(
  op: string,
  x: Tensor,
  rank: number,
  run: (x: Tensor) => R,
  unbatch: (result: R) => R,
): R {
  checkTensor(op, 'x', x);
  if (x.dtype === 'bool')
    throw new DTypeError(`${op}: bool cannot be pooled; convert first: to({ dtype: 'float32' })`, { op });
  const lead = x.shape.length - rank;
  if (lead !== 1 && lead !== 2)
    throw new ShapeError(
      `${op}: x must be [batch, channels, ${NAMES[rank - 1]}] or [channels, ${NAMES[rank - 1]}], got ${showShape(x.shape)}`,
      { op },
    );
  if (x.shape.slice(lead - 1).some((n) => n === 0))
    throw new ShapeError(`${op}: only the batch may be empty, got ${showShape(x.shape)}`, { op });
  return lead === 2 ? run(x) : unbatch(run(unsqueeze(x, 0)));
}

export const dropBatch = (y: Tensor): Tensor => squeeze(y, 0);

/** How many windows fit, by PyTorch's rule: in ceil mode the last one must begin inside the input or its left padding. */
function windowCount(size: number, span: number, stride: number, padding: number, ceilMode: boolean): number {
  const room = size + 2 * padding - span + (ceilMode ? stride - 1 : 0);
  const count = Math.floor(room / stride) + 1;
  return ceilMode && (count - 1) * stride >= size + padding ? count - 1 : count;
}

/** Reads and checks a pool's sizes. */
export function poolOf(
  op: string,
  size: Shape,
  kernelSize: Size,
  options: PoolOptions & { readonly dilation?: Size },
): Pool {
  const rank = size.length;
  const kernel = sizeList(op, 'kernelSize', kernelSize, rank, 1);
  const stride =
    options.stride === undefined || options.stride === null
      ? kernel
      : sizeList(op, 'stride', options.stride, rank, 1);
  const padding = sizeList(op, 'padding', options.padding ?? 0, rank, 0);
  const dilation = sizeList(op, 'dilation', options.dilation ?? 1, rank, 1);
  const spans = kernel.map((k, i) => spanOf(k, dilation[i]!));
  if (padding.some((n, i) => n > Math.floor(spans[i]! / 2))) {
    throw new ArgumentError(
      `${op}: padding must be at most half of the window ${showShape(spans)}, got ${showShape(padding)}`,
      { op },
    );
  }
  const output = size.map((n, i) =>
    windowCount(n, spans[i]!, stride[i]!, padding[i]!, options.ceilMode ?? false),
  );
  if (output.some((n) => n < 1)) {
    throw new ShapeError(
      `${op}: the window ${showShape(spans)} is larger than the padded input ${showShape(size.map((n, i) => n + 2 * padding[i]!))}`,
      { op },
    );
  }
  return { kernel, stride, padding, dilation, output, size };
}

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

const axes = (rank: number): number[] => Array.from({ length: rank }, (_, i) => i);

/** Numbers for each spatial dimension as parameters `name0 name1 …`. */
const numbered = (lists: Readonly<Record<string, Shape>>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(lists).flatMap(([name, list]) => list.map((value, i) => [`${name}${i}`, value])),
  );

/** Parameters never equal their default, so that one program serves all sizes. */
const UNSET = -1e9;
const unset = (rank: number, ...names: string[]): Record<string, number> =>
  Object.fromEntries(names.flatMap((name) => axes(rank).map((i) => [`${name}${i}`, UNSET])));

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
  vjp({ values: dy }, { indices }, { size, output }) {
    if (dy === undefined) return {};
    const [batch, channels] = dy.shape as [number, number];
    const flat = [batch, channels, sizeOf(output)];
    const dx = gatherBackward(reshape(dy, flat), 2, reshape(indices, flat), [batch, channels, sizeOf(size)]);
    return { x: reshape(dx, [batch, channels, ...size]) };
  },
});

/** How many elements a window's sum is divided by, along one dimension; `include` counts padding too. */
function countAlong(i: number, p: Readonly<Record<string, Expr>>): Expr {
  const [kernel, stride, padding, size] = ['kernel', 'stride', 'padding', 'size'].map(
    (name) => p[`${name}${i}`]!,
  ) as [Expr, Expr, Expr, Expr];
  const begin = index(i + 2)
    .mul(stride)
    .sub(padding);
  const end = begin.add(kernel).min(size.add(padding));
  const include = p.include!.ne(0);
  return include.select(end, end.min(size)).sub(include.select(begin, begin.max(0)));
}

const dividers = [false, true].map((floating) =>
  [1, 2, 3].map(
    (rank) =>
      new PointwiseOp(
        'avgPoolDivide',
        1,
        ([x], p) => {
          const counted = axes(rank)
            .map((i) => countAlong(i, p))
            .reduce((product, count) => product.mul(count));
          const divisor = p.divisor!.ne(0).select(p.divisor!, counted);
          return floating ? x!.div(divisor) : x!.truncDiv(divisor);
        },
        { params: { ...unset(rank, 'kernel', 'stride', 'padding', 'size'), include: UNSET, divisor: UNSET } },
      ),
  ),
);

export interface AveragePool extends Pool {
  /** Whether padding counts as elements. */
  readonly include: boolean;
  /** What every sum is divided by; 0 for the number of elements. */
  readonly divisor: number;
}

function divide(x: Tensor, { kernel, stride, padding, size, include, divisor }: AveragePool): Tensor {
  const op = dividers[isFloating(x.dtype) ? 1 : 0]![kernel.length - 1]!;
  return op.call([x], { ...numbered({ kernel, stride, padding, size }), include: Number(include), divisor });
}

/** Pools of means. Fused kernels come under this name. */
export const avgPool = composite('avgPool', {
  infer: (x: Tensor, pool: AveragePool) => ({
    inputs: { x },
    attrs: pool,
    outputs: { y: { shape: [...x.shape.slice(0, 2), ...pool.output], dtype: x.dtype } },
  }),
  decompose({ x }, pool) {
    const view = windowsOf(padForWindows(x, pool, 0), pool);
    return divide(
      sum(
        view,
        axes(pool.kernel.length).map((i) => i + 2),
        { dtype: x.dtype },
      ),
      pool,
    );
  },
  vjp({ y: dy }, _saved, pool) {
    if (dy === undefined) return {};
    const lead = dy.shape.slice(0, 2);
    const share = reshape(divide(dy, pool), [...lead, ...pool.kernel.map(() => 1), ...pool.output]);
    return { x: overlapAdd(expand(share, [...lead, ...pool.kernel, ...pool.output]), pool.size, pool) };
  },
});
