import { composite, type ViewOperator, view } from '../dispatch/declare.ts';
import { copyInto } from '../dispatch/in-place.ts';
import type { Geometry } from '../dispatch/view.ts';
import { ArgumentError, checkOptions, ShapeError } from '../errors.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { wrapDim, wrapDims } from '../shape.ts';
import { add } from './arithmetic.ts';
import { filled } from './filling.ts';
import { readSync } from './reading.ts';
import { reshape } from './reshape.ts';

/** The gradient of a view that takes some elements, each once: zeros with the view's part filled in. */
function embed(dy: Tensor, shape: readonly number[], part: (whole: Tensor) => Tensor): Tensor {
  const whole = filled(dy.entry, shape, dy.dtype, 0);
  copyInto(part(whole), dy);
  return whole;
}

const addInto = add.inPlace as (target: Tensor, source: Tensor) => Tensor;

/**
 * One slice of the tensor along `dim`, without that dimension; shares memory.
 *
 * @throws {ShapeError} `dim` or `index` is out of range.
 */
export const select: ViewOperator<[dim: number, index: number]> = view('select', {
  infer(x, dim: number, index: number): Geometry {
    const at = alongDim('select', x, dim);
    const size = x.shape[at]!;
    if (!Number.isInteger(index) || index < -size || index >= size) {
      throw new ShapeError(`select: index ${index} is out of range for dim ${at} of size ${size}`, {
        op: 'select',
      });
    }
    const offset = x.offset + (index < 0 ? index + size : index) * x.strides[at]!;
    return { shape: x.shape.toSpliced(at, 1), strides: x.strides.toSpliced(at, 1), offset };
  },
  vjp: (dy, x, dim, index) => embed(dy, x.shape, (whole) => select(whole, dim, index)),
  takesSome: true,
});

/** `wrapDim` for operators that walk along a dimension, which a tensor without dimensions does not have. */
export function alongDim(op: string, x: Tensor, dim: number): number {
  if (x.shape.length === 0)
    throw new ShapeError(`${op}: a tensor without dimensions has none to walk along`, { op });
  return wrapDim(op, dim, x);
}

/**
 * Elements `start, start + step, …` before `end` along `dim`; shares memory. Bounds count from the end when negative
 * and are cut to the size, as in Python.
 *
 * @throws {ArgumentError} `step` is not a positive integer.
 */
export const sliceView: ViewOperator<[dim: number, start: number, end: number, step: number]> = view(
  'slice',
  {
    infer(x, dim: number, start: number, end: number, step: number): Geometry {
      const at = alongDim('slice', x, dim);
      if (!Number.isInteger(step) || step < 1)
        throw new ArgumentError(`slice: step must be a positive integer, got ${step}; reverse with flip`, {
          op: 'slice',
        });
      const size = x.shape[at]!;
      const from = clip(start, size);
      const to = Math.max(from, clip(end, size));
      return {
        shape: x.shape.with(at, Math.ceil((to - from) / step)),
        strides: x.strides.with(at, x.strides[at]! * step),
        offset: x.offset + from * x.strides[at]!,
      };
    },
    vjp: (dy, x, dim, start, end, step) =>
      embed(dy, x.shape, (whole) => sliceView(whole, dim, start, end, step)),
    takesSome: true,
  },
);

const clip = (bound: number, size: number): number =>
  Math.min(Math.max(bound < 0 ? bound + size : bound, 0), size);

const START = { what: 'the value of start', instead: 'give a number: Number(await start.item())' };

/**
 * `length` elements from `start` along `dim`; shares memory.
 *
 * - `start`: a number, or an integer tensor of one element, whose value is read
 *
 * @throws {ShapeError} the range lies outside. @throws {BackendError} `start` lies where reading takes waiting.
 */
export const narrow = composite(
  'narrow',
  (x: Tensor, dim: number, start: number | Tensor, length: number): Tensor => {
    const size = x.shape[alongDim('narrow', x, dim)]!;
    const first = isTensor(start) ? Number(readSync('narrow', start, START)[0]) : start;
    const from = first < 0 ? first + size : first;
    if (!(from >= 0 && length >= 0 && from + length <= size)) {
      throw new ShapeError(
        `narrow: ${length} elements from ${first} lie outside dim ${dim} of size ${size}`,
        { op: 'narrow' },
      );
    }
    return sliceView(x, dim, from, from + length, 1);
  },
);

export interface DiagonalOptions {
  /** Above the main diagonal when positive, below when negative. Default 0. */
  readonly offset?: number;
  /** Default 0. */
  readonly dim1?: number;
  /** Default 1. */
  readonly dim2?: number;
}

/**
 * The diagonal of two dimensions, as the last dimension of a view: element i is `x[…, i, i + offset]`.
 *
 * @throws {ShapeError} the dims are one and the same.
 */
export const diagonal: ViewOperator<[options?: DiagonalOptions]> = view('diagonal', {
  infer(x, options: DiagonalOptions = {}): Geometry {
    checkOptions('diagonal', options, ['offset', 'dim1', 'dim2']);
    const { offset = 0, dim1 = 0, dim2 = 1 } = options;
    const [a, b] = wrapDims('diagonal', [dim1, dim2], x) as [number, number];
    const length = Math.max(
      0,
      Math.min(x.shape[a]! + Math.min(offset, 0), x.shape[b]! - Math.max(offset, 0)),
    );
    const rest = x.shape.map((_, i) => i).filter((i) => i !== a && i !== b);
    const start = length === 0 ? 0 : offset >= 0 ? offset * x.strides[b]! : -offset * x.strides[a]!;
    return {
      shape: [...rest.map((i) => x.shape[i]!), length],
      strides: [...rest.map((i) => x.strides[i]!), x.strides[a]! + x.strides[b]!],
      offset: x.offset + start,
    };
  },
  vjp: (dy, x, options) => embed(dy, x.shape, (whole) => diagonal(whole, options)),
  takesSome: true,
});

/**
 * All windows of `size` along `dim`, `step` apart, as a new last dimension; shares memory.
 *
 * @throws {ShapeError} the window is larger than the dimension.
 */
export const unfold: ViewOperator<[dim: number, size: number, step: number]> = view('unfold', {
  infer(x, dim: number, size: number, step: number): Geometry {
    const at = wrapDim('unfold', dim, x);
    const length = x.shape[at] ?? 1;
    const stride = x.strides[at] ?? 1;
    if (!Number.isInteger(size) || size < 0 || size > length)
      throw new ShapeError(`unfold: a window of ${size} does not fit dim ${dim} of size ${length}`, {
        op: 'unfold',
      });
    if (!Number.isInteger(step) || step < 1)
      throw new ArgumentError(`unfold: step must be a positive integer, got ${step}`, { op: 'unfold' });
    const shape = x.shape.slice();
    const strides = x.strides.slice();
    if (x.shape.length > 0) {
      shape[at] = Math.floor((length - size) / step) + 1;
      strides[at] = stride * step;
    }
    return { shape: [...shape, size], strides: [...strides, stride], offset: x.offset };
  },
  vjp(dy, x, dim, size, step) {
    if (x.shape.length === 0) return reshape(dy, []);
    const at = wrapDim('unfold', dim, x);
    const windows = dy.shape[at]!;
    const whole = filled(dy.entry, x.shape, dy.dtype, 0);
    for (let i = 0; i < size; i++)
      addInto(sliceView(whole, at, i, i + (windows - 1) * step + 1, step), select(dy, -1, i));
    return whole;
  },
});
