import { emptyTensor } from '../dispatch/operands.ts';
import { PointwiseOp } from '../dispatch/pointwise.ts';
import { type Expr, index } from '../expr/expr.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sizeOf } from '../shape.ts';
import type { DeviceEntry } from '../storage/registry.ts';
import { expand } from './broadcast.ts';
import { gather } from './gather.ts';
import { reshape } from './reshape.ts';

/** Positions for the places of a line of some length: an int32 tensor made on the device. */
export type PositionRule<P extends Readonly<Record<string, number>>> = (
  entry: DeviceEntry,
  length: number,
  params: P,
) => Tensor;

/** Declares positions by an expression of the place and of parameters. */
export function positions<P extends Readonly<Record<string, number>>>(
  params: P,
  rule: (i: Expr, params: { readonly [K in keyof P]: Expr }) => Expr,
): PositionRule<P> {
  const op = new PointwiseOp(
    'positions',
    0,
    (_inputs, given) => rule(index(0), given as { readonly [K in keyof P]: Expr }),
    { params },
  );
  return (entry, length, values) => op.fill(entry, [length], 'int32', values);
}

/** 0, 1, 2, … */
export const counting = positions({}, (i) => i);

/** int32 indices that were computed on the host. */
export function hostIndices(entry: DeviceEntry, values: readonly number[], shape: readonly number[]): Tensor {
  const indices = emptyTensor(entry, 'int32', shape);
  if (sizeOf(shape) > 0)
    entry.backend.write(indices.storage.allocation, 0, new Uint8Array(Int32Array.from(values).buffer));
  return indices;
}

/** A line of indices laid along `dim` and repeated over all other dimensions of `shape`. */
export function alongLine(line: Tensor, dim: number, shape: readonly number[]): Tensor {
  const sizes = shape.map((_, i) => (i === dim ? line.size : 1));
  return expand(reshape(line, sizes), shape.length === 0 ? [] : shape.with(dim, line.size));
}

/** The slices of `x` along `dim` at a line of positions, in their order. */
export const takeSlices = (x: Tensor, dim: number, line: Tensor): Tensor =>
  gather(x, dim, alongLine(line, dim, x.shape));
