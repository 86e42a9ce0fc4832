import { composite, type Declared } from '../dispatch/declare.ts';
import { copyInto } from '../dispatch/in-place.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Shape, sizeOf } from '../shape.ts';
import { add } from './arithmetic.ts';
import { sum } from './broadcast.ts';
import { type Phase, phases } from './convolution-phases.ts';
import { filled } from './filling.ts';
import { flip } from './flipping.ts';
import { matmul } from './matmul.ts';
import { contiguous, permute, reshape, transpose } from './reshape.ts';
import { sliceView } from './slicing.ts';
import { ofOutput, type Part, parts, span, unfolded, unfoldedProduct } from './unfolding.ts';
import { padForWindows, type Windows } from './windows.ts';

const addInto = add.inPlace as (target: Tensor, source: Tensor) => Tensor;

/** What the three operators share; the kernel's and the output's sizes come from the tensors. */
export interface ConvolutionAttrs {
  readonly [name: string]: unknown;
  readonly stride: Shape;
  /** Zeros before the first element; what the last window reaches beyond the end is zero too. */
  readonly padding: Shape;
  readonly dilation: Shape;
  readonly groups: number;
}

const windowsFor = (
  weight: Shape,
  output: Shape,
  { stride, padding, dilation }: ConvolutionAttrs,
): Windows => ({
  kernel: weight.slice(2),
  stride,
  dilation,
  padding,
  output,
});

/**
 * `y[n, o, p] = bias[o] + Σ x[n, c, p · stride - padding + k · dilation] · weight[o, c, k]`. Fused kernels come under
 * this name.
 */
export const correlate: ((
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  outputSize: Shape,
  attrs: ConvolutionAttrs,
) => Tensor) &
  Declared = composite('convolution', {
  infer: (
    x: Tensor,
    weight: Tensor,
    bias: Tensor | undefined,
    outputSize: Shape,
    attrs: ConvolutionAttrs,
  ) => ({
    inputs: { x, weight, bias },
    attrs: { ...attrs, outputSize, inputSize: x.shape.slice(2) },
    outputs: { y: { shape: [x.shape[0]!, weight.shape[0]!, ...outputSize], dtype: x.dtype } },
  }),
  decompose({ x, weight, bias }, attrs) {
    const { groups, outputSize } = attrs;
    const outChannels = weight.shape[0]!;
    const matrix = reshape(weight, [groups, outChannels / groups, sizeOf(weight.shape.slice(1))]);
    const y = unfoldedProduct(x, matrix, windowsFor(weight.shape, outputSize, attrs));
    return bias === undefined ? y : addInto(y, reshape(bias, [outChannels, ...outputSize.map(() => 1)]));
  },
  saves: ['x', 'weight'],
  readFor: { x: ['weight'], weight: ['x'] },
  vjp({ y: dy }, { x, weight }, attrs, needs) {
    if (dy === undefined) return {};
    // After a mean over places it is a number repeated, which is read many times here.
    const rows = needs.x || needs.weight ? contiguous(dy) : dy;
    return {
      x: needs.x ? convolutionInputGrad(rows, weight, attrs.inputSize, attrs) : undefined,
      weight: needs.weight ? convolutionWeightGrad(rows, x, weight.shape.slice(2), attrs) : undefined,
      bias: needs.bias ? sum(dy, [0, ...attrs.outputSize.map((_, i) => i + 2)]) : undefined,
    };
  },
});

const shared = ({ stride, padding, dilation, groups }: ConvolutionAttrs): ConvolutionAttrs => ({
  stride,
  padding,
  dilation,
  groups,
});

function phaseProduct(dy: Tensor, weight: Tensor, groups: number, phase: readonly Phase[]): Tensor {
  const [outChannels, perGroup] = weight.shape as [number, number];
  const kernel = phase.map(({ taps }) => taps);
  const used = phase.reduce(
    (part, { tap, taps, tapStep }, i) => sliceView(part, i + 2, tap, tap + (taps - 1) * tapStep + 1, tapStep),
    weight,
  );
  const count = sizeOf(kernel);
  const turned = permute(reshape(used, [groups, outChannels / groups, perGroup, count]), [0, 2, 1, 3]);
  const matrix = reshape(count === 1 ? turned : flip(turned, -1), [
    groups,
    perGroup,
    (outChannels / groups) * count,
  ]);
  // Windows that begin inside leave the elements before them out.
  const rest = phase.reduce(
    (part, { start }, i) => (start > 0 ? span(part, i + 2, start, part.shape[i + 2]!) : part),
    dy,
  );
  return unfoldedProduct(rest, matrix, {
    kernel,
    stride: phase.map(() => 1),
    dilation: phase.map((along) => along.dilation),
    padding: phase.map(({ start }) => Math.max(0, -start)),
    output: phase.map((along) => along.count),
  });
}

/**
 * The gradient of a convolution for its input of size `inputSize`, which is also the transposed convolution of `dy`:
 * `dx[n, c, p · stride - padding + k · dilation] += dy[n, o, p] · weight[o, c, k]`.
 */
export const convolutionInputGrad: ((
  dy: Tensor,
  weight: Tensor,
  inputSize: Shape,
  attrs: ConvolutionAttrs,
) => Tensor) &
  Declared = composite('convolutionInputGrad', {
  infer: (dy: Tensor, weight: Tensor, inputSize: Shape, attrs: ConvolutionAttrs) => ({
    inputs: { dy, weight },
    attrs: { ...shared(attrs), inputSize, outputSize: dy.shape.slice(2) },
    outputs: {
      dx: { shape: [dy.shape[0]!, weight.shape[1]! * attrs.groups, ...inputSize], dtype: dy.dtype },
    },
  }),
  decompose({ dy, weight }, attrs) {
    const { inputSize } = attrs;
    const shape = [dy.shape[0]!, weight.shape[1]! * attrs.groups, ...inputSize];
    const work = phases(weight.shape.slice(2), inputSize, attrs);
    const [first] = work;
    if (work.length === 1 && first !== undefined && first.every(({ step }) => step === 1))
      return phaseProduct(dy, weight, attrs.groups, first);
    const dx = filled(dy.entry, shape, dy.dtype, 0);
    for (const phase of work) {
      const target = phase.reduce(
        (part, { from, count, step }, i) => sliceView(part, i + 2, from, from + (count - 1) * step + 1, step),
        dx,
      );
      copyInto(target, phaseProduct(dy, weight, attrs.groups, phase));
    }
    return dx;
  },
  saves: ['dy', 'weight'],
  readFor: { dy: ['weight'], weight: ['dy'] },
  vjp({ dx: ddx }, { dy, weight }, attrs, needs) {
    if (ddx === undefined) return {};
    return {
      dy: needs.dy ? correlate(ddx, weight, undefined, attrs.outputSize, shared(attrs)) : undefined,
      weight: needs.weight ? convolutionWeightGrad(dy, ddx, weight.shape.slice(2), attrs) : undefined,
    };
  },
});

/**
 * The gradient of a convolution for its weight, whose kernel has size `kernelSize`:
 * `dw[o, c, k] = Σ dy[n, o, p] · x[n, c, p · stride - padding + k · dilation]`.
 */
export const convolutionWeightGrad: ((
  dy: Tensor,
  x: Tensor,
  kernelSize: Shape,
  attrs: ConvolutionAttrs,
) => Tensor) &
  Declared = composite('convolutionWeightGrad', {
  infer: (dy: Tensor, x: Tensor, kernelSize: Shape, attrs: ConvolutionAttrs) => ({
    inputs: { dy, x },
    attrs: { ...shared(attrs), kernelSize, outputSize: dy.shape.slice(2), inputSize: x.shape.slice(2) },
    outputs: { dw: { shape: [dy.shape[1]!, x.shape[1]! / attrs.groups, ...kernelSize], dtype: dy.dtype } },
  }),
  decompose({ dy, x }, attrs) {
    const { groups, kernelSize, outputSize } = attrs;
    const perGroup = x.shape[1]! / groups;
    const outChannels = dy.shape[1]!;
    const shape = [outChannels, perGroup, ...kernelSize];
    const windows = windowsFor(shape, outputSize, attrs);
    const padded = padForWindows(x, windows, 0);
    const product = (part: Part): Tensor => {
      const columns = batchInside(unfolded(padded, windows, part), 1 + kernelSize.length);
      const places = sizeOf(columns.shape.slice(1 + kernelSize.length));
      const d = reshape(batchInside(ofOutput(dy, part), 1), [groups, outChannels / groups, places]);
      return matmul(d, transpose(reshape(columns, [groups, perGroup * sizeOf(kernelSize), places]), 1, 2));
    };
    const [first, ...rest] = parts(x, windows);
    if (first === undefined) return filled(x.entry, shape, x.dtype, 0);
    const dw = product(first);
    for (const part of rest) addInto(dw, product(part));
    return reshape(dw, shape);
  },
  saves: ['dy', 'x'],
  readFor: { dy: ['x'], x: ['dy'] },
  vjp({ dw: ddw }, { dy, x }, attrs, needs) {
    if (ddw === undefined) return {};
    return {
      dy: needs.dy ? correlate(x, ddw, undefined, attrs.outputSize, shared(attrs)) : undefined,
      x: needs.x ? convolutionInputGrad(dy, ddw, attrs.inputSize, attrs) : undefined,
    };
  },
});

/** The first dimension moved behind the `count` that follow it. */
const batchInside = (x: Tensor, count: number): Tensor =>
  permute(x, [
    ...Array.from({ length: count }, (_, i) => i + 1),
    0,
    ...Array.from({ length: x.shape.length - count - 1 }, (_, i) => i + count + 1),
  ]);
