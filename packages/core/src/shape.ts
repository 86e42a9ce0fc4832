import { ShapeError, showShape } from './errors.ts';

export type Shape = readonly number[];

/** The rank that every kernel can rely on. */
export const MAX_RANK = 8;

export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i]!;
  return size;
}

const stridesCache: (readonly number[])[] = [[], [1]];

/** Row-major strides, in elements. A dimension of size 0 counts as 1, as in PyTorch. */
export function contiguousStrides(shape: Shape): readonly number[] {
  const rank = shape.length;
  if (rank < 2) return stridesCache[rank]!;
  const strides = new Array<number>(rank);
  let stride = 1;
  for (let i = rank - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= Math.max(shape[i]!, 1);
  }
  return strides;
}

/** Whether elements lie in row-major order without gaps; dimensions of size 1 do not count. */
export function isContiguous(shape: Shape, strides: readonly number[]): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i]!;
    if (size === 0) return true;
    if (size !== 1 && strides[i] !== expected) return false;
    expected *= size;
  }
  return true;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * `dim` counted from the front. A tensor without dimensions accepts 0 and -1, as in PyTorch.
 *
 * @throws {ShapeError} `dim` lies outside `-rank..rank-1` or is no integer.
 */
export function wrapDim(op: string, dim: number, operand: { readonly shape: Shape } | number): number {
  const rank = typeof operand === 'number' ? operand : operand.shape.length;
  const range = Math.max(rank, 1);
  if (!Number.isInteger(dim) || dim < -range || dim >= range) {
    const of = typeof operand === 'number' ? `${rank} dimensions` : `shape ${showShape(operand.shape)}`;
    throw new ShapeError(
      `${op}: dim ${String(dim)} is out of range for ${of}; it must lie in ${-range}..${range - 1}`,
      {
        op,
        data: { dim, rank },
      },
    );
  }
  return dim < 0 ? dim + range : dim;
}

/** Several dims counted from the front, in the order given. @throws {ShapeError} one is out of range or repeated. */
export function wrapDims(op: string, dims: readonly number[], operand: { readonly shape: Shape }): number[] {
  const wrapped = dims.map((dim) => wrapDim(op, dim, operand));
  if (new Set(wrapped).size !== wrapped.length) {
    throw new ShapeError(
      `${op}: dims ${showShape(dims)} name a dimension twice; the shape is ${showShape(operand.shape)}`,
      { op },
    );
  }
  return wrapped;
}

/** Checks that a shape is a list of non-negative integers of at most 8 dimensions and an addressable size. */
export function checkShape(op: string, shape: Shape): void {
  if (!Array.isArray(shape))
    throw new ShapeError(`${op}: a shape is an array of sizes, e.g. [2, 3]; got ${String(shape)}`, { op });
  if (shape.length > MAX_RANK)
    throw new ShapeError(
      `${op}: ${showShape(shape)} has ${shape.length} dimensions; ${MAX_RANK} is the most`,
      { op },
    );
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0)
      throw new ShapeError(`${op}: sizes must be integers of 0 or more, got ${showShape(shape)}`, { op });
  }
  if (sizeOf(shape) > Number.MAX_SAFE_INTEGER)
    throw new ShapeError(`${op}: ${showShape(shape)} has more elements than can be counted`, { op });
}

/**
 * The shape to which all broadcast: aligned at the last dimension, sizes equal or 1.
 *
 * @throws {ShapeError} `add: shapes [2, 3] and [4] do not broadcast: dim 1 has 3 against 4`
 */
export function broadcastShapes(op: string, ...shapes: Shape[]): Shape {
  let result = shapes[0] ?? [];
  for (let i = 1; i < shapes.length; i++) result = broadcastPair(op, result, shapes[i]!);
  return result;
}

function broadcastPair(op: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b) || b.length === 0) return a;
  if (a.length === 0) return b;
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const x = a[a.length - i] ?? 1;
    const y = b[b.length - i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new ShapeError(
        `${op}: shapes ${showShape(a)} and ${showShape(b)} do not broadcast: dim ${rank - i} has ${x} against ${y}`,
        {
          op,
          data: { shapes: [a, b] },
        },
      );
    }
    out[rank - i] = x === 1 ? y : x;
  }
  return out;
}

/** Strides with which an operand is read as if it had shape `target`: 0 where it repeats. */
export function broadcastStrides(shape: Shape, strides: readonly number[], target: Shape): readonly number[] {
  if (sameShape(shape, target)) return strides;
  const lead = target.length - shape.length;
  const out = new Array<number>(target.length);
  for (let i = 0; i < target.length; i++) {
    out[i] = i < lead || (shape[i - lead] === 1 && target[i] !== 1) ? 0 : strides[i - lead]!;
  }
  return out;
}

/** A loop nest over several operands: sizes, and for each operand a stride for each size. */
export interface LoopNest {
  readonly shape: Shape;
  readonly strides: readonly (readonly number[])[];
}

/**
 * The same loops in fewer dimensions: sizes of 1 are dropped and neighbours that every operand walks in one
 * stride are joined. `keepFrom`: dimensions from there on are not joined with those before.
 */
export function collapse(
  shape: Shape,
  strides: readonly (readonly number[])[],
  keepFrom = -1,
): LoopNest & { readonly keepFrom: number } {
  const sizes: number[] = [];
  const walks: number[][] = strides.map(() => []);
  let boundary = 0;
  for (let i = 0; i < shape.length; i++) {
    if (i === keepFrom) boundary = sizes.length;
    const size = shape[i]!;
    if (size === 1) continue;
    const last = sizes.length - 1;
    const joinable = last >= 0 && !(keepFrom >= 0 && i >= keepFrom && last < boundary);
    if (joinable && strides.every((s, k) => walks[k]![last] === s[i]! * size)) {
      sizes[last]! *= size;
      for (let k = 0; k < walks.length; k++) walks[k]![last] = strides[k]![i]!;
    } else {
      sizes.push(size);
      for (let k = 0; k < walks.length; k++) walks[k]!.push(strides[k]![i]!);
    }
  }
  if (keepFrom >= shape.length) boundary = sizes.length;
  return { shape: sizes, strides: walks, keepFrom: boundary };
}

/**
 * Strides with which the same elements are read in shape `target`, or `undefined` where a copy is needed.
 */
export function reshapeStrides(
  shape: Shape,
  strides: readonly number[],
  target: Shape,
): readonly number[] | undefined {
  if (sizeOf(shape) === 0) return contiguousStrides(target);
  const { shape: sizes, strides: walks } = collapse(shape, [strides]);
  const walk = walks[0]!;
  const out = new Array<number>(target.length);
  let chunk = sizes.length - 1;
  let left = chunk >= 0 ? sizes[chunk]! : 1;
  let stride = chunk >= 0 ? walk[chunk]! : 1;
  for (let i = target.length - 1; i >= 0; i--) {
    const size = target[i]!;
    if (size === 1) {
      out[i] = stride;
      continue;
    }
    if (left === 1) {
      chunk -= 1;
      left = sizes[chunk]!;
      stride = walk[chunk]!;
    }
    if (left % size !== 0) return undefined;
    out[i] = stride;
    stride *= size;
    left /= size;
  }
  return out;
}

/**
 * Fills the one `-1` in a requested shape.
 *
 * @throws {ShapeError} the sizes do not give the number of elements.
 */
export function inferReshape(op: string, shape: Shape, target: Shape): Shape {
  if (!Array.isArray(target))
    throw new ShapeError(`${op}: the new shape is an array, e.g. [2, -1]; got ${String(target)}`, { op });
  const size = sizeOf(shape);
  const hole = target.indexOf(-1);
  const fail = (): never => {
    throw new ShapeError(
      `${op}: ${showShape(shape)} has ${size} elements, which do not fit ${showShape(target)}`,
      { op },
    );
  };
  if (hole < 0) {
    checkShape(op, target);
    return sizeOf(target) === size ? target.slice() : fail();
  }
  const filled = target.slice();
  filled[hole] = 1;
  if (filled.includes(-1))
    throw new ShapeError(`${op}: only one size may be -1, got ${showShape(target)}`, { op });
  checkShape(op, filled);
  const rest = sizeOf(filled);
  if (rest === 0 ? size !== 0 : size % rest !== 0) return fail();
  if (rest === 0)
    throw new ShapeError(
      `${op}: -1 in ${showShape(target)} is ambiguous, as the other sizes hold no elements`,
      { op },
    );
  filled[hole] = size / rest;
  return filled;
}
