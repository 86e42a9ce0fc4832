import { sizeOf, type TensorOperand } from '@flambeau/core/backend';

/** A number for each of three spatial dimensions; where there are fewer, those in front have one element. */
export type Triple = readonly [number, number, number];
type Attrs = Readonly<Record<string, unknown>>;

function three(list: unknown, fill: number): Triple {
  // Core's declarations give lists of as many numbers as there are spatial dimensions.
  const given = list as readonly number[];
  return each((d) => given[d + given.length - 3] ?? fill);
}

const each = (f: (d: 0 | 1 | 2) => number): Triple => [f(0), f(1), f(2)];
const ONES: Triple = [1, 1, 1];

/** A tensor seen as `[outer, inner, ...three spatial dimensions]`, in groups of which each is `group` elements after the other. */
export interface Field {
  readonly offset: number;
  readonly outer: number;
  readonly inner: number;
  readonly group: number;
  readonly strides: Triple;
}

const fieldOf = ({ offset, strides }: TensorOperand): Field => ({
  offset,
  outer: strides[0]!,
  inner: strides[1]!,
  group: 0,
  strides: three(strides.slice(2), 0),
});

const swapped = (field: Field): Field => ({ ...field, outer: field.inner, inner: field.outer });

/**
 * What a launch computes: `y[image, row, place] = Σ w[row, channel, loop] · x[image, channel, position]` for each group,
 * with `position = place · gridStep + gridBegin + loop · loopStep` along each dimension; what lies outside of `size`
 * counts as 0.
 */
export interface Problem {
  readonly images: number;
  readonly groups: number;
  readonly rows: number;
  readonly channels: number;
  readonly grid: Triple;
  readonly loop: Triple;
  readonly size: Triple;
  readonly gridStep: Triple;
  readonly gridBegin: Triple;
  readonly loopStep: Triple;
  readonly x: Field;
  readonly w: Field;
  readonly y: Field;
}

function attributes(attrs: Attrs) {
  return {
    groups: attrs.groups as number,
    stride: three(attrs.stride, 1),
    padding: three(attrs.padding, 0),
    dilation: three(attrs.dilation, 1),
  };
}

export function forwardProblem(
  x: TensorOperand,
  weight: TensorOperand,
  y: TensorOperand,
  attrs: Attrs,
): Problem {
  const { groups, stride, padding, dilation } = attributes(attrs);
  const [rows, channels] = [weight.shape[0]! / groups, weight.shape[1]!];
  const [xs, ws, ys] = [fieldOf(x), fieldOf(weight), fieldOf(y)];
  return {
    images: x.shape[0]!,
    groups,
    rows,
    channels,
    grid: three(y.shape.slice(2), 1),
    loop: three(weight.shape.slice(2), 1),
    size: three(x.shape.slice(2), 1),
    gridStep: stride,
    gridBegin: each((d) => -padding[d]),
    loopStep: dilation,
    x: { ...xs, group: channels * xs.inner },
    w: { ...ws, group: rows * ws.outer },
    y: { ...ys, group: rows * ys.inner },
  };
}

/** Places of the input along a dimension that take the same taps of the window: every `stride`th from one on. */
interface Phase {
  readonly from: number;
  readonly grid: number;
  /** The first of its taps, how far apart they are, and how many there are. */
  readonly tap: number;
  readonly tapStep: number;
  readonly loop: number;
  readonly begin: number;
  readonly loopStep: number;
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** The phases along a dimension of `size` places: place `p` takes tap `l` of output `(p + padding - l · dilation) / stride`. */
function phasesOf(size: number, kernel: number, stride: number, padding: number, dilation: number): Phase[] {
  const tapStep = stride / gcd(dilation, stride);
  const phases: Phase[] = [];
  for (let from = 0; from < Math.min(stride, size); from++) {
    let tap = 0;
    while (tap < tapStep && (from + padding - tap * dilation) % stride !== 0) tap++;
    phases.push({
      from,
      grid: Math.ceil((size - from) / stride),
      tap,
      tapStep,
      loop: tap < tapStep ? Math.max(0, Math.ceil((kernel - tap) / tapStep)) : 0,
      begin: Math.floor((from + padding - tap * dilation) / stride),
      loopStep: (-dilation * tapStep) / stride,
    });
  }
  return phases;
}

/** The gradient of the input: a problem for each of the places that strides set apart, so that no position is divided. */
export function inputGradientProblems(
  dy: TensorOperand,
  weight: TensorOperand,
  dx: TensorOperand,
  attrs: Attrs,
): Problem[] {
  const { groups, stride, padding, dilation } = attributes(attrs);
  const [channels, rows] = [weight.shape[0]! / groups, weight.shape[1]!];
  const [xs, ws, ys] = [fieldOf(dy), swapped(fieldOf(weight)), fieldOf(dx)];
  const [size, kernel] = [three(dx.shape.slice(2), 1), three(weight.shape.slice(2), 1)];
  const [depths, heights, widths] = ([0, 1, 2] as const).map((d) =>
    phasesOf(size[d], kernel[d], stride[d], padding[d], dilation[d]),
  ) as [Phase[], Phase[], Phase[]];
  const problemOf = (phases: readonly [Phase, Phase, Phase]): Problem => {
    const moved = (offset: number, by: (phase: Phase) => number, strides: Triple): number =>
      phases.reduce((at, phase, d) => at + by(phase) * strides[d]!, offset);
    return {
      images: dy.shape[0]!,
      groups,
      rows,
      channels,
      grid: each((d) => phases[d].grid),
      loop: each((d) => phases[d].loop),
      size: three(dy.shape.slice(2), 1),
      gridStep: ONES,
      gridBegin: each((d) => phases[d].begin),
      loopStep: each((d) => phases[d].loopStep),
      x: { ...xs, group: channels * xs.inner },
      w: {
        ...ws,
        offset: moved(ws.offset, ({ tap, loop }) => (loop === 0 ? 0 : tap), ws.strides),
        group: channels * ws.inner,
        strides: each((d) => ws.strides[d] * phases[d].tapStep),
      },
      y: {
        ...ys,
        offset: moved(ys.offset, ({ from }) => from, ys.strides),
        group: rows * ys.inner,
        strides: each((d) => ys.strides[d] * stride[d]),
      },
    };
  };
  return depths.flatMap((a) => heights.flatMap((b) => widths.map((c) => problemOf([a, b, c]))));
}

/** The gradient of the weight: images are the channels, and places of the output the window. */
export function weightGradientProblem(
  dy: TensorOperand,
  x: TensorOperand,
  dw: TensorOperand,
  attrs: Attrs,
): Problem {
  const { groups, stride, padding, dilation } = attributes(attrs);
  const [rows, perGroup] = [dw.shape[0]! / groups, dw.shape[1]!];
  const [xs, ds, ws] = [fieldOf(x), fieldOf(dy), fieldOf(dw)];
  return {
    images: perGroup,
    groups,
    rows,
    channels: x.shape[0]!,
    grid: three(dw.shape.slice(2), 1),
    loop: three(dy.shape.slice(2), 1),
    size: three(x.shape.slice(2), 1),
    gridStep: dilation,
    gridBegin: each((d) => -padding[d]),
    loopStep: stride,
    x: { ...swapped(xs), group: perGroup * xs.inner },
    w: { ...swapped(ds), group: rows * ds.inner },
    y: { ...swapped(ws), group: rows * ws.outer },
  };
}

/** The stride of dimensions of sizes `sizes` walked as one; null where they cannot be. */
function evenStride(strides: Triple, sizes: Triple): number | null {
  let stride: number | null = null;
  let expected = 0;
  for (const d of [2, 1, 0] as const) {
    if (sizes[d] === 1) continue;
    if (stride === null) stride = strides[d];
    else if (strides[d] !== expected) return null;
    expected = strides[d] * sizes[d];
  }
  return stride ?? 0;
}

const are = (list: Triple, values: Triple): boolean => list.every((value, d) => value === values[d]);
const ZEROS: Triple = [0, 0, 0];

/**
 * The same in fewer dimensions, where windows of one element allow it: places become one dimension; and where there is
 * one place, so do the taps, and the images take the place's dimension.
 */
export function arranged(problem: Problem): Problem {
  const { grid, loop, size, gridBegin, gridStep, loopStep, x, w, y, images } = problem;
  if (!are(gridBegin, ZEROS)) return problem;
  if (are(loop, ONES) && are(gridStep, ONES) && are(size, grid)) {
    const [sx, sy] = [evenStride(x.strides, grid), evenStride(y.strides, grid)];
    if (sx === null || sy === null) return problem;
    const line: Triple = [1, 1, sizeOf(grid)];
    return {
      ...problem,
      grid: line,
      size: line,
      x: { ...x, strides: [0, 0, sx] },
      y: { ...y, strides: [0, 0, sy] },
    };
  }
  if (are(grid, ONES) && are(loopStep, ONES) && are(size, loop)) {
    const [sx, sw] = [evenStride(x.strides, loop), evenStride(w.strides, loop)];
    if (sx === null || sw === null) return problem;
    const taps = sizeOf(loop);
    return {
      ...problem,
      images: 1,
      grid: [1, 1, images],
      loop: [1, taps, 1],
      size: [1, taps, images],
      gridStep: ONES,
      x: { ...x, strides: [0, sx, x.outer] },
      w: { ...w, strides: [0, sw, 0] },
      y: { ...y, strides: [0, 0, y.outer] },
    };
  }
  return problem;
}
