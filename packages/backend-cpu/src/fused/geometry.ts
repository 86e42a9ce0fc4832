import type { TensorOperand } from '@flambeau/core/backend';
import type { Layout } from '../wasm/convolution/layout.ts';
import type { Element, Lane } from '../wasm/matmul/lane.ts';
import type { Attrs } from './operands.ts';

/** A number for each of three spatial dimensions. */
export type Triple = readonly [number, number, number];

/** Everything about a convolution's windows. Any number of spatial dimensions up to three is seen as three. */
export interface Geometry {
  readonly images: number;
  readonly groups: number;
  /** Of a group. */
  readonly outChannels: number;
  /** Input channels of a group times places in the window. */
  readonly taps: number;
  /** Places of the output. */
  readonly columns: number;
  /** Whether windows reach beyond the image, so that it is copied among zeros. */
  readonly padded: boolean;
  /** Bytes of that copy of a group's channels; of the channels themselves where there is none. */
  readonly padBytes: number;
  readonly words: Layout;
  /** Vectors of columns, where windows lie side by side along lines of the output; 0 where they do not. */
  readonly vectors: number;
  /** Where each tap lies, and each column's window begins, in bytes. */
  tapTable(): Int32Array;
  columnTable(): Int32Array;
  /** The mask, and pairs of where each vector's windows and its outputs begin, as the layout says. */
  vectorTable(): Int32Array;
}

/** Up to three spatial dimensions seen as three: `fill` stands for those before the first. */
export const three = (list: readonly number[], fill: number): Triple => {
  const at = (dim: number): number => list[dim + list.length - 3] ?? fill;
  return [at(0), at(1), at(2)];
};

function table(
  outer: readonly [count: number, step: number],
  sizes: Triple,
  steps: Triple,
  along: (w: number) => number,
): Int32Array {
  const [count, step] = outer;
  const result = new Int32Array(count * sizes[0] * sizes[1] * sizes[2]);
  let at = 0;
  for (let c = 0; c < count; c++)
    for (let d = 0; d < sizes[0]; d++)
      for (let h = 0; h < sizes[1]; h++)
        for (let w = 0; w < sizes[2]; w++) result[at++] = c * step + d * steps[0] + h * steps[1] + along(w);
  return result;
}

function vectorTable(columns: Int32Array, line: number, { width, bytes }: Lane): Int32Array {
  const shared = line % width === 0 ? 0 : width - (line % width);
  const result: number[] = [0, 4, 8, 12].map((byte) => (byte < shared * bytes ? 0 : -1));
  const add = (column: number): void => void result.push(columns[column]!, column * bytes);
  for (let first = 0; first < columns.length; first += line)
    for (let j = 0; j + width <= line; j += width) add(first + j);
  if (shared > 0) for (let end = line; end <= columns.length; end += line) add(end - width);
  return Int32Array.from(result);
}

const times = (a: Triple, b: Triple): Triple => [a[0] * b[0], a[1] * b[1], a[2] * b[2]];
const product = (a: Triple): number => a[0] * a[1] * a[2];

/** The geometry of a convolution of `image`, `[images, channels, ...spatial]`, by a weight of a shape. */
export function geometryOf(
  image: TensorOperand,
  weightShape: readonly number[],
  attrs: Attrs,
  { bytes, lane }: Element,
): Geometry {
  const list = (name: string, fill: number): Triple => three(attrs[name] as readonly number[], fill);
  const groups = attrs.groups as number;
  const [images, allChannels] = image.shape as [number, number];
  const channels = allChannels / groups;
  const size = three(image.shape.slice(2), 1);
  const strides = image.strides.map((stride) => stride * bytes);
  const own = three(strides.slice(2), 0);
  const kernel = three(weightShape.slice(2), 1);
  const [stride, padding, dilation] = [list('stride', 1), list('padding', 0), list('dilation', 1)];
  const output = three(attrs.outputSize as readonly number[], 1);
  const cover = (i: 0 | 1 | 2): number =>
    Math.max(size[i] + padding[i], (output[i] - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1);
  const covered: Triple = [cover(0), cover(1), cover(2)];
  // Windows that begin apart lie side by side where every `phases`-th element of a row does.
  const phases = stride[2] > 1 && kernel[2] > 1 ? stride[2] : 1;
  const padded = phases > 1 || covered.some((n, i) => n !== size[i]);
  const phase = Math.ceil(covered[2] / phases) * bytes;
  const steps: Triple = padded ? [covered[1] * phases * phase, phases * phase, bytes] : own;
  const plane = covered[0] * covered[1] * phases * phase;
  const across = (w: number): number => (w % phases) * phase + Math.floor(w / phases) * steps[2];
  const columnStep = phases > 1 ? bytes : stride[2] * steps[2];
  const channelStep = padded ? plane : strides[1]!;
  const columnTable = (): Int32Array => table([1, 0], output, times(stride, steps), (w) => w * columnStep);
  const line = output[2];
  const lines = output[0] * output[1];
  const whole = lines * Math.floor(line / lane.width);
  const vectors = columnStep === bytes && line >= lane.width ? lines * Math.ceil(line / lane.width) : 0;
  return {
    images,
    groups,
    outChannels: weightShape[0]! / groups,
    taps: channels * product(kernel),
    columns: product(output),
    padded,
    padBytes: channels * plane,
    words: {
      images,
      groups,
      outChannels: weightShape[0]! / groups,
      taps: channels * product(kernel),
      columns: product(output),
      wholeVectors: whole,
      vectors,
      xImage: strides[0]!,
      xGroup: channels * strides[1]!,
      padded: padded ? 1 : 0,
      channels,
      depth: size[0],
      height: size[1],
      width: size[2],
      xChannel: strides[1]!,
      xDepth: own[0],
      xHeight: own[1],
      xWidth: own[2],
      padChannel: plane,
      padDepth: steps[0],
      padHeight: steps[1],
      phases,
      padPhase: phase,
      padLeft: padding[2],
      padFirst: padding[0] * steps[0] + padding[1] * steps[1],
      padBytes: channels * plane,
    },
    vectors,
    tapTable: () =>
      table([channels, channelStep], kernel, times(dilation, steps), (w) => across(w * dilation[2])),
    columnTable,
    vectorTable: () => vectorTable(columnTable(), line, lane),
  };
}
