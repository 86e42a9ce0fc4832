import { checkTensor } from '../dispatch/checks.ts';
import { ArgumentError, DTypeError, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Shape } from '../shape.ts';
import { squeeze, unsqueeze } from './reshape.ts';
import { type Size, sizeList, spanOf, type Windows } from './windows.ts';

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

/** The numbers of spatial dimensions. */
export const axes = (rank: number): number[] => Array.from({ length: rank }, (_, i) => i);

/** Numbers for each spatial dimension as parameters `name0 name1 …`. */
export const numbered = (lists: Readonly<Record<string, Shape>>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(lists).flatMap(([name, list]) => list.map((value, i) => [`${name}${i}`, value])),
  );

/** Parameters never equal their default, so that one program serves all sizes. */
export const UNSET = -1e9;
export const unset = (rank: number, ...names: string[]): Record<string, number> =>
  Object.fromEntries(names.flatMap((name) => axes(rank).map((i) => [`${name}${i}`, UNSET])));
