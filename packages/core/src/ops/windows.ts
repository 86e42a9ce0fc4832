import { composite, type Declared, type ViewOperator, view } from '../dispatch/declare.ts';
import { copyInto } from '../dispatch/in-place.ts';
import type { Geometry } from '../dispatch/view.ts';
import { ArgumentError, checkOptions, describe, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Shape, sameShape, sizeOf } from '../shape.ts';
import { add } from './arithmetic.ts';
import { filled } from './filling.ts';
import { reshape, unsqueeze } from './reshape.ts';
import { select, sliceView } from './slicing.ts';

const addInto = add.inPlace as (target: Tensor, source: Tensor) => Tensor;

/** One number for all spatial dimensions, or one for each. */
export type Size = number | readonly number[];

/** Windows over the trailing, spatial dimensions of a tensor: lists of one entry for each. */
export interface Windows {
  readonly kernel: Shape;
  readonly stride: Shape;
  readonly dilation: Shape;
  /** How far windows begin before the first element. */
  readonly padding: Shape;
  /** How many windows there are. */
  readonly output: Shape;
}

/**
 * A size as a list of `rank` integers.
 *
 * @throws {ArgumentError} `conv2d: stride must be an integer of 1 or more, or 2 of them, got [1, 2, 3]`
 */
export function sizeList(
  op: string,
  name: string,
  value: Size,
  rank: number,
  least: number,
): readonly number[] {
  const list = typeof value === 'number' ? new Array<number>(rank).fill(value) : value;
  const full =
    Array.isArray(list) && list.length === 1 ? new Array<number>(rank).fill(list[0] as number) : list;
  if (!Array.isArray(full) || full.length !== rank || !full.every((n) => Number.isInteger(n) && n >= least)) {
    const several = rank === 1 ? '' : `, or ${rank} of them`;
    throw new ArgumentError(
      `${op}: ${name} must be an integer of ${least} or more${several}, got ${describe(value)}`,
      { op },
    );
  }
  return full as readonly number[];
}

/** Elements from the first to the last of a window. */
export const spanOf = (kernel: number, dilation: number): number => dilation * (kernel - 1) + 1;

/** Sizes that all windows together cover, padding included. */
const reach = ({ kernel, stride, dilation, output }: Windows): number[] =>
  kernel.map((k, i) => (output[i]! - 1) * stride[i]! + spanOf(k, dilation[i]!));

/** The spatial dimensions, the last ones, of a tensor. */
export const spatial = (x: { readonly shape: Shape }, rank: number): Shape =>
  x.shape.slice(x.shape.length - rank);

/** A part of the trailing dimensions: `sizes` elements from `start`, `step` apart. */
function region(x: Tensor, start: Shape, sizes: Shape, step: Shape): Tensor {
  const lead = x.shape.length - sizes.length;
  return sizes.reduce((part, size, i) => {
    if (start[i] === 0 && size === part.shape[lead + i]) return part;
    return sliceView(part, lead + i, start[i]!, start[i]! + (size - 1) * step[i]! + 1, step[i]!);
  }, x);
}

const ones = (shape: Shape): number[] => shape.map(() => 1);

interface Placement {
  readonly [name: string]: unknown;
  readonly start: Shape;
  readonly size: Shape;
  readonly value: number;
}

const placed: ((x: Tensor, placement: Placement) => Tensor) & Declared = composite('place', {
  infer: (x: Tensor, attrs: Placement) => ({
    inputs: { x },
    attrs: { ...attrs, own: spatial(x, attrs.size.length) },
    outputs: {
      y: { shape: [...x.shape.slice(0, x.shape.length - attrs.size.length), ...attrs.size], dtype: x.dtype },
    },
  }),
  decompose({ x }, { start, size, value, own }) {
    const whole = filled(
      x.entry,
      [...x.shape.slice(0, x.shape.length - size.length), ...size],
      x.dtype,
      value,
    );
    copyInto(region(whole, start, own, ones(own)), x);
    return whole;
  },
  vjp: ({ y: dy }, _saved, { start, own }) => ({ x: dy && region(dy, start, own, ones(own)) }),
});

/** A tensor with what its windows reach beyond its borders filled with one value. */
export function padForWindows(x: Tensor, windows: Windows, value: number): Tensor {
  const own = spatial(x, windows.kernel.length);
  const covered = reach(windows);
  const size = own.map((n, i) => Math.max(n + windows.padding[i]!, covered[i]!));
  if (sameShape(size, own) && windows.padding.every((n) => n === 0)) return x;
  return placed(x, { start: windows.padding, size, value });
}

/**
 * All windows of a padded tensor without copying: `[..., ...spatial]` as `[..., ...kernel, ...output]`, where output
 * counts windows. Padding must be there already.
 */
export const windowsOf: ViewOperator<[windows: Windows]> = view('windows', {
  infer(x, { kernel, stride, dilation, output }: Windows): Geometry {
    const lead = x.shape.length - kernel.length;
    const steps = x.strides.slice(lead);
    return {
      shape: [...x.shape.slice(0, lead), ...kernel, ...output],
      strides: [
        ...x.strides.slice(0, lead),
        ...steps.map((step, i) => step * dilation[i]!),
        ...steps.map((step, i) => step * stride[i]!),
      ],
      offset: x.offset,
    };
  },
  vjp: (dy, x, windows) =>
    overlapAdd(dy, spatial(x, windows.kernel.length), { ...windows, padding: windows.kernel.map(() => 0) }),
});

/** Whether no element lies in two windows and all windows lie inside. */
const apart = (windows: Windows, size: Shape): boolean =>
  windows.padding.every((n) => n === 0) &&
  windows.kernel.every((k, i) => k === 1 || windows.stride[i]! >= spanOf(k, windows.dilation[i]!)) &&
  reach(windows).every((n, i) => n <= size[i]!);

/** Every position inside a window. */
function* positions(kernel: Shape): Generator<readonly number[]> {
  const count = sizeOf(kernel);
  for (let flat = 0; flat < count; flat++) {
    const at: number[] = [];
    let rest = flat;
    for (let i = kernel.length - 1; i >= 0; i--) {
      at.unshift(rest % kernel[i]!);
      rest = Math.floor(rest / kernel[i]!);
    }
    yield at;
  }
}

/**
 * Adds windows `[..., ...kernel, ...output]` to where they lie in `whole`, `[..., ...spatial]`; what lies beyond the
 * borders falls away. One launch for each position in the window.
 */
function addWindows(whole: Tensor, d: Tensor, windows: Windows): void {
  const { kernel, stride, dilation, padding, output } = windows;
  const size = spatial(whole, kernel.length);
  const lead = whole.shape.length - kernel.length;
  if (sizeOf(d.shape) === 0) return;
  for (const at of positions(kernel)) {
    const shift = at.map((k, i) => k * dilation[i]! - padding[i]!);
    const first = shift.map((from, i) => Math.max(0, Math.ceil(-from / stride[i]!)));
    const last = shift.map((from, i) =>
      Math.min(output[i]! - 1, Math.floor((size[i]! - 1 - from) / stride[i]!)),
    );
    const count = first.map((from, i) => last[i]! - from + 1);
    if (count.some((n) => n <= 0)) continue;
    const source = at.reduce((part, k) => select(part, lead, k), d);
    addInto(
      region(
        whole,
        shift.map((from, i) => from + first[i]! * stride[i]!),
        count,
        stride,
      ),
      region(source, first, count, ones(count)),
    );
  }
}

/** The sum of windows where they overlap: the transpose of `windowsOf` of a padded tensor. */
export const overlapAdd: ((d: Tensor, size: Shape, windows: Windows) => Tensor) & Declared = composite(
  'overlapAdd',
  {
    infer: (d: Tensor, size: Shape, windows: Windows) => ({
      inputs: { d },
      attrs: { size, windows },
      outputs: {
        y: { shape: [...d.shape.slice(0, d.shape.length - 2 * size.length), ...size], dtype: d.dtype },
      },
    }),
    decompose({ d }, { size, windows }) {
      const whole = filled(
        d.entry,
        [...d.shape.slice(0, d.shape.length - 2 * size.length), ...size],
        d.dtype,
        0,
      );
      if (apart(windows, size)) copyInto(windowsOf(whole, windows), d);
      else addWindows(whole, d, windows);
      return whole;
    },
    vjp: ({ y: dy }, _saved, { windows }) => ({ d: dy && windowsOf(padForWindows(dy, windows, 0), windows) }),
  },
);

export interface UnfoldOptions {
  /** Distance between elements of one block. Default 1. */
  readonly dilation?: Size;
  /** Zeros on both sides of each dimension. Default 0. */
  readonly padding?: Size;
  /** Distance between blocks. Default 1. */
  readonly stride?: Size;
}

const UNFOLD_OPTIONS = ['dilation', 'padding', 'stride'];

function blocks(op: string, size: Shape, kernelSize: Size, options: UnfoldOptions | undefined): Windows {
  checkOptions(op, options, UNFOLD_OPTIONS);
  const kernel = sizeList(op, 'kernelSize', kernelSize, 2, 1);
  const dilation = sizeList(op, 'dilation', options?.dilation ?? 1, 2, 1);
  const padding = sizeList(op, 'padding', options?.padding ?? 0, 2, 0);
  const stride = sizeList(op, 'stride', options?.stride ?? 1, 2, 1);
  const output = size.map(
    (n, i) => Math.floor((n + 2 * padding[i]! - spanOf(kernel[i]!, dilation[i]!)) / stride[i]!) + 1,
  );
  if (output.some((n) => n < 1)) {
    throw new ShapeError(
      `${op}: blocks ${showShape(kernel)} with dilation ${showShape(dilation)} are larger than the padded ${showShape(size.map((n, i) => n + 2 * padding[i]!))}`,
      { op },
    );
  }
  return { kernel, stride, dilation, padding, output };
}

/**
 * Sliding blocks of images as columns (`unfold` in `functional`).
 *
 * - `x`: `[batch, channels, height, width]`, or without batch
 * - returns: `[batch, channels * kernel height * kernel width, blocks]`
 *
 * @throws {ShapeError} the shape does not fit, or no block fits in. @throws {ArgumentError} an option is wrong.
 * @example im2col(ones([1, 1, 3, 3]), 2).shape // [1, 4, 4]
 */
export const im2col = composite('im2col', (x: Tensor, kernelSize: Size, options?: UnfoldOptions): Tensor => {
  const rank = x.shape.length;
  if (rank !== 3 && rank !== 4)
    throw new ShapeError(
      `im2col: x must be [batch, channels, height, width] or [channels, height, width], got ${showShape(x.shape)}`,
      { op: 'im2col' },
    );
  const images = rank === 3 ? unsqueeze(x, 0) : x;
  const windows = blocks('im2col', spatial(x, 2), kernelSize, options);
  const [batch, channels] = images.shape as [number, number];
  const columns = [channels * sizeOf(windows.kernel), sizeOf(windows.output)];
  const unfolded = windowsOf(padForWindows(images, windows, 0), windows);
  return reshape(unfolded, rank === 3 ? columns : [batch, ...columns]);
});

/**
 * The sum of overlapping blocks, given as columns: the transpose of `im2col` (`fold` in `functional`).
 *
 * - `x`: `[batch, channels * kernel height * kernel width, blocks]`, or without batch
 * - returns: `[batch, channels, ...outputSize]`
 *
 * @throws {ShapeError} the shape does not fit the sizes. @throws {ArgumentError} an option is wrong.
 * @example col2im(ones([1, 4, 4]), 3, 2) // tensor([[[[1., 2., 1.], [2., 4., 2.], [1., 2., 1.]]]])
 */
export const col2im = composite(
  'col2im',
  (x: Tensor, outputSize: Size, kernelSize: Size, options?: UnfoldOptions): Tensor => {
    const size = sizeList('col2im', 'outputSize', outputSize, 2, 1);
    const windows = blocks('col2im', size, kernelSize, options);
    const perChannel = sizeOf(windows.kernel);
    const rank = x.shape.length;
    const [rows, count] = x.shape.slice(-2) as [number, number];
    if ((rank !== 2 && rank !== 3) || rows % perChannel !== 0 || count !== sizeOf(windows.output)) {
      throw new ShapeError(
        `col2im: x must be [batch, channels * ${perChannel}, ${sizeOf(windows.output)}], with or without batch, for blocks ${showShape(windows.kernel)} of ${showShape(size)}; got ${showShape(x.shape)}`,
        { op: 'col2im' },
      );
    }
    const lead = rank === 2 ? [rows / perChannel] : [x.shape[0]!, rows / perChannel];
    return overlapAdd(reshape(x, [...lead, ...windows.kernel, ...windows.output]), size, windows);
  },
);
