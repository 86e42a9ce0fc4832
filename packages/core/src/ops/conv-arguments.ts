import { ArgumentError, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Shape } from '../shape.ts';
import { checkFactors } from './matmul.ts';
import { squeeze, unsqueeze } from './reshape.ts';
import { type Size, sizeList } from './windows.ts';

export interface ConvOptions {
  /** Distance between windows. Default 1. */
  readonly stride?: Size;
  /** Zeros on both sides; `'same'` keeps the size (the odd one goes to the end), `'valid'` is 0. Default 0. */
  readonly padding?: Size | 'same' | 'valid';
  /** Distance between elements of a window. Default 1. */
  readonly dilation?: Size;
  /** Parts of the channels that do not see one another. Default 1. */
  readonly groups?: number;
}

export interface ConvTransposeOptions {
  /** Distance between windows in the output. Default 1. */
  readonly stride?: Size;
  /** What is cut off on both sides of the output. Default 0. */
  readonly padding?: Size;
  /** What is added at the end of the output, where several sizes are possible. Default 0. */
  readonly outputPadding?: Size;
  /** Parts of the channels that do not see one another. Default 1. */
  readonly groups?: number;
  /** Distance between elements of a window. Default 1. */
  readonly dilation?: Size;
}

/** Options read into lists. */
export interface Lists {
  readonly stride: Shape;
  readonly padding: Shape;
  readonly dilation: Shape;
  readonly groups: number;
}

export function lists(op: string, rank: number, options: ConvTransposeOptions): Lists {
  const groups = options.groups ?? 1;
  if (!Number.isInteger(groups) || groups < 1)
    throw new ArgumentError(`${op}: groups must be an integer of 1 or more, got ${groups}`, { op });
  return {
    stride: sizeList(op, 'stride', options.stride ?? 1, rank, 1),
    padding: sizeList(op, 'padding', options.padding ?? 0, rank, 0),
    dilation: sizeList(op, 'dilation', options.dilation ?? 1, rank, 1),
    groups,
  };
}

const DIMENSIONS = ['length', 'height, width', 'depth, height, width'];

/** Checks everything but sizes, gives the input a batch, and calls `run`. */
export function withBatch(
  op: string,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null | undefined,
  rank: number,
  run: (x: Tensor) => Tensor,
): Tensor {
  checkFactors(op, ...(bias ? [x, weight, bias] : [x, weight]));
  if (weight.shape.length !== rank + 2) {
    throw new ShapeError(
      `${op}: weight must have ${rank + 2} dimensions, two of channels and the kernel's ${DIMENSIONS[rank - 1]}; got ${showShape(weight.shape)}`,
      { op },
    );
  }
  if (x.shape.length === rank + 1) return squeeze(run(unsqueeze(x, 0)), 0);
  if (x.shape.length === rank + 2) return run(x);
  throw new ShapeError(
    `${op}: x must be [batch, channels, ${DIMENSIONS[rank - 1]}] or [channels, ${DIMENSIONS[rank - 1]}], got ${showShape(x.shape)}`,
    { op },
  );
}

export function checkBias(op: string, bias: Tensor | null | undefined, channels: number): void {
  if (bias && !(bias.shape.length === 1 && bias.shape[0] === channels)) {
    throw new ShapeError(
      `${op}: bias must be [${channels}], one for each output channel, got ${showShape(bias.shape)}`,
      { op },
    );
  }
}

export function checkKernel(op: string, weight: Tensor): void {
  if (weight.shape.slice(2).some((n) => n < 1))
    throw new ShapeError(`${op}: a kernel has at least one element; weight is ${showShape(weight.shape)}`, {
      op,
    });
}
