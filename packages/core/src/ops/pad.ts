import { checkIntegers, checkTensor } from '../dispatch/checks.ts';
import { composite, primitive } from '../dispatch/declare.ts';
import { copyInto } from '../dispatch/in-place.ts';
import type { Scalar } from '../dtype.ts';
import { ArgumentError, checkOptions, describe, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { scope } from '../storage/scope.ts';
import { clone } from './copying.ts';
import { fillValue } from './filling.ts';
import { type PositionRule, positions, takeSlices } from './positions.ts';
import { sliceView } from './slicing.ts';

export type PadMode = 'constant' | 'reflect' | 'replicate' | 'circular';

export interface PadOptions {
  /** What the new elements are. Default `constant`. */
  readonly mode?: PadMode;
  /** The value of new elements in mode `constant`. Default 0. */
  readonly value?: Scalar | null;
}

/** Elements to add before and behind a dimension; to take away where negative. */
interface Margin {
  readonly dim: number;
  readonly before: number;
  readonly after: number;
}

/** The tensor without what negative margins take away. */
const crop = (x: Tensor, margins: readonly Margin[]): Tensor =>
  margins.reduce((y, { dim, before, after }) => {
    const size = y.shape[dim]!;
    return before >= 0 && after >= 0
      ? y
      : sliceView(y, dim, Math.max(0, -before), size + Math.min(0, after), 1);
  }, x);

/** The middle of `y`, inside positive margins. */
const inside = (y: Tensor, margins: readonly Margin[]): Tensor =>
  margins.reduce(
    (part, { dim, before, after }) => sliceView(part, dim, before, part.shape[dim]! - after, 1),
    y,
  );

const padConstant = primitive('padConstant', {
  infer: (x: Tensor, margins: readonly Margin[], value: Scalar) => ({
    inputs: { x },
    attrs: { margins, value },
    outputs: {
      y: {
        shape: margins.reduce(
          (shape, { dim, before, after }) => shape.with(dim, shape[dim]! + before + after),
          x.shape,
        ),
        dtype: x.dtype,
      },
    },
  }),
  run(_kernels, { y }, { x }, { margins, value }) {
    fillValue(y, value);
    if (x.size > 0) scope(() => void copyInto(inside(y, margins), x));
  },
  vjp: ({ y: dy }, _saved, { margins }) => ({ x: dy && inside(dy, margins) }),
});

type Rule = PositionRule<{ readonly before: number; readonly size: number }>;

/** Which element of a line of `size` stands at each place of the padded line. */
const SOURCES: Readonly<Record<Exclude<PadMode, 'constant'>, Rule>> = {
  // Mirrored at the first element, then at the last.
  reflect: positions({ before: 0, size: 0 }, (i, { before, size }) => {
    const last = size.sub(1);
    return last.sub(last.sub(i.sub(before).abs()).abs());
  }),
  replicate: positions({ before: 0, size: 0 }, (i, { before, size }) =>
    i.sub(before).max(0).min(size.sub(1)),
  ),
  circular: positions({ before: 0, size: 0 }, (i, { before, size }) => i.sub(before).mod(size)),
};

/** Refuses margins that a mode cannot fill from the elements there are. */
function checkMargin(
  mode: Exclude<PadMode, 'constant'>,
  { dim, before, after }: Margin,
  shape: readonly number[],
): void {
  const size = shape[dim]!;
  const most = mode === 'reflect' ? size - 1 : mode === 'circular' ? size : Number.POSITIVE_INFINITY;
  const fits = size > 0 ? before <= most && after <= most : before <= 0 && after <= 0;
  if (!fits) {
    const limit = size === 0 ? 'there are no elements to take' : `${most} is the most`;
    throw new ShapeError(
      `pad: margins ${before} and ${after} are too large for mode '${mode}' and dim ${dim} of ${showShape(shape)}: ${limit}`,
      { op: 'pad' },
    );
  }
}

/**
 * The tensor with elements added before and behind its last dimensions: `pad` is `[before, after]` for the last
 * dimension, then for the one before it, and so on. Negative numbers take elements away.
 *
 * - mode `constant`: the new elements are `value`
 * - mode `reflect`: the line mirrored at its ends; `replicate`: its end repeated; `circular`: its other end
 *
 * @throws {ArgumentError} `pad` is no list of pairs, or `value` is given where the mode takes none.
 * @throws {ShapeError} there are more pairs than dimensions, or margins too large for the mode.
 * @example pad(tensor([1, 2, 3]), [1, 2]) // tensor([0., 1., 2., 3., 0., 0.])
 * @example pad(tensor([1, 2, 3]), [2, 1], { mode: 'reflect' }) // tensor([3., 2., 1., 2., 3., 2.])
 */
export const pad = composite('pad', (x: Tensor, pad: readonly number[], options?: PadOptions): Tensor => {
  checkTensor('pad', 'x', x);
  checkOptions('pad', options, ['mode', 'value']);
  const mode = options?.mode ?? 'constant';
  if (mode !== 'constant' && !Object.hasOwn(SOURCES, mode)) {
    throw new ArgumentError(
      `pad: mode must be 'constant', 'reflect', 'replicate' or 'circular', got ${describe(mode)}`,
      { op: 'pad' },
    );
  }
  const value = checkValue(mode, options?.value ?? 0);
  const margins = marginsOf(x, pad);
  for (const { dim, before, after } of margins) {
    if (x.shape[dim]! + before + after < 0) {
      throw new ShapeError(
        `pad: margins ${before} and ${after} take more than dim ${dim} of ${showShape(x.shape)} has`,
        { op: 'pad' },
      );
    }
  }
  if (mode === 'constant') {
    const added = margins.map(({ dim, before, after }) => ({
      dim,
      before: Math.max(0, before),
      after: Math.max(0, after),
    }));
    const kept = crop(x, margins);
    return added.some(({ before, after }) => before + after > 0)
      ? padConstant(kept, added, value)
      : clone(kept);
  }
  for (const margin of margins) checkMargin(mode, margin, x.shape);
  return margins.length === 0 ? clone(x) : margins.reduce((y, margin) => fillMargin(y, margin, mode), x);
});

function checkValue(mode: PadMode, value: unknown): Scalar {
  if (typeof value !== 'number' && typeof value !== 'boolean' && typeof value !== 'bigint') {
    throw new ArgumentError(`pad: value must be a number, got ${describe(value)}`, { op: 'pad' });
  }
  if (mode !== 'constant' && Number(value) !== 0)
    throw new ArgumentError(`pad: mode '${mode}' takes no value, got ${value}`, { op: 'pad' });
  return value;
}

function marginsOf(x: Tensor, pad: readonly number[]): Margin[] {
  checkIntegers('pad', 'pad', pad);
  if (pad.length % 2 !== 0)
    throw new ArgumentError(
      `pad: pad holds a pair [before, after] for each dimension, got ${showShape(pad)}`,
      { op: 'pad' },
    );
  if (pad.length / 2 > x.shape.length) {
    throw new ShapeError(
      `pad: ${showShape(pad)} has pairs for ${pad.length / 2} dimensions; the shape is ${showShape(x.shape)}`,
      { op: 'pad' },
    );
  }
  const margins = Array.from({ length: pad.length / 2 }, (_, i) => ({
    dim: x.shape.length - 1 - i,
    before: pad[2 * i]!,
    after: pad[2 * i + 1]!,
  }));
  return margins.filter(({ before, after }) => before !== 0 || after !== 0);
}

function fillMargin(whole: Tensor, margin: Margin, mode: Exclude<PadMode, 'constant'>): Tensor {
  // What is taken away at one end does not come in at the other.
  const isCropped = mode === 'circular' && (margin.before < 0 || margin.after < 0);
  const x = isCropped ? crop(whole, [margin]) : whole;
  const { dim } = margin;
  const before = isCropped ? Math.max(0, margin.before) : margin.before;
  const after = isCropped ? Math.max(0, margin.after) : margin.after;
  const size = x.shape[dim]!;
  return takeSlices(x, dim, SOURCES[mode](x.entry, size + before + after, { before, size }));
}

export interface ConstantPadOptions {
  /** The value of new elements. Default 0. */
  readonly value?: Scalar;
}

/** `pad` in mode `constant`, under ATen's name. */
export const constantPadNd = composite(
  'constantPadNd',
  (x: Tensor, margins: readonly number[], options?: ConstantPadOptions): Tensor => {
    checkOptions('constantPadNd', options, ['value']);
    return pad(x, margins, { value: options?.value ?? 0 });
  },
);
