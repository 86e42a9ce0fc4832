import { checkIndex, checkInteger, checkTensor } from '../dispatch/checks.ts';
import { composite, pointwise } from '../dispatch/declare.ts';
import { ArgumentError, checkOptions, describe, ShapeError, showShape } from '../errors.ts';
import { withRecording } from '../graph/mode.ts';
import type { Tensor } from '../graph/tensor.ts';
import { mul } from './arithmetic.ts';
import { sum } from './broadcast.ts';
import { filled } from './filling.ts';
import { gather, gatherBackward } from './gather.ts';
import { alongLine, takeSlices } from './positions.ts';
import { amax } from './reductions.ts';
import { reshape, unsqueeze } from './reshape.ts';

export interface EmbeddingOptions {
  /** A row whose gradient stays 0; counts from the end when negative. */
  readonly paddingIdx?: number | null;
  /** Rows that are used and whose norm is larger are scaled down to it first, in `weight` itself. */
  readonly maxNorm?: number | null;
  /** Which norm `maxNorm` speaks of. Default 2. */
  readonly normType?: number;
  /** Divides the gradient of a row by how often the row was used. */
  readonly scaleGradByFreq?: boolean;
  /** PyTorch's sparse gradients; only `false`, the default, is offered. */
  readonly sparse?: boolean;
}

/**
 * The rows of `weight` that `indices` name.
 *
 * - `indices`: `[...]`, int32 or int64, values in `0..n-1`
 * - `weight`: `[n, dim]`
 * - returns: `[..., dim]`
 *
 * @throws {ShapeError} `weight` has not two dimensions.
 * @throws {ArgumentError} `paddingIdx` lies outside of `weight`, or `sparse` is asked for.
 * @throws {BackendError} an index is negative or too large; on some devices only when a value is read.
 * @example embedding(tensor([1, 0], { dtype: 'int32' }), tensor([[1, 2], [3, 4]])) // tensor([[3., 4.], [1., 2.]])
 */
export const embedding = composite(
  'embedding',
  (indices: Tensor, weight: Tensor, options?: EmbeddingOptions): Tensor => {
    checkTensor('embedding', 'weight', weight);
    checkIndex('embedding', 'indices', indices);
    checkOptions('embedding', options, ['paddingIdx', 'maxNorm', 'normType', 'scaleGradByFreq', 'sparse']);
    if (options?.sparse)
      throw new ArgumentError('embedding: there are no sparse gradients; leave sparse out', {
        op: 'embedding',
      });
    if (weight.shape.length !== 2)
      throw new ShapeError(`embedding: weight must be [n, dim], got ${showShape(weight.shape)}`, {
        op: 'embedding',
      });
    const paddingIdx = paddingOf(options?.paddingIdx ?? null, weight.shape[0]!);
    const flat = reshape(indices, [indices.size]);
    const { maxNorm = null, normType = 2 } = options ?? {};
    if (maxNorm !== null && flat.size > 0)
      withRecording(false, () => shrinkRows(weight, flat, maxNorm, normType));
    const rows = embeddingRows(flat, weight, paddingIdx, options?.scaleGradByFreq ?? false);
    return reshape(rows, [...indices.shape, weight.shape[1]!]);
  },
);

function paddingOf(paddingIdx: number | null, rows: number): number {
  if (paddingIdx === null) return -1;
  checkInteger('embedding', 'paddingIdx', paddingIdx);
  if (paddingIdx < -rows || paddingIdx >= rows) {
    throw new ArgumentError(
      `embedding: paddingIdx ${paddingIdx} lies outside of weight, which has ${rows} rows`,
      { op: 'embedding' },
    );
  }
  return paddingIdx < 0 ? paddingIdx + rows : paddingIdx;
}

const withoutPadding = pointwise(
  'withoutPadding',
  (dy, index, { paddingIdx }) => index.eq(paddingIdx).select(0, dy),
  {
    params: { paddingIdx: -1 },
    promoted: [true, false],
  },
);
const share = pointwise('embeddingShare', (dy, count) => dy.div(count));

/** Rows of `weight` by a line of indices; padding and frequencies concern the gradient alone. */
const embeddingRows = composite('embeddingRows', {
  infer: (indices: Tensor, weight: Tensor, paddingIdx: number, scaleGradByFreq: boolean) => ({
    inputs: { indices, weight },
    attrs: { paddingIdx, scaleGradByFreq, shape: weight.shape },
    outputs: { y: { shape: [indices.size, weight.shape[1]!], dtype: weight.dtype } },
  }),
  decompose: ({ indices, weight }) => takeSlices(weight, 0, indices),
  saves: ['indices'],
  vjp({ y: dy }, { indices }, { paddingIdx, scaleGradByFreq, shape }) {
    if (dy === undefined) return {};
    let rows = dy;
    if (paddingIdx >= 0) rows = withoutPadding(rows, unsqueeze(indices, 1), { paddingIdx });
    if (scaleGradByFreq) rows = share(rows, unsqueeze(frequencies(indices, dy, shape[0]!), 1));
    return { weight: gatherBackward(rows, 0, alongLine(indices, 0, shape), shape) };
  },
});

/** For each index, how often it occurs. */
function frequencies(indices: Tensor, like: Tensor, rows: number): Tensor {
  const ones = filled(like.entry, indices.shape, like.dtype, 1);
  return gather(gatherBackward(ones, 0, indices, [rows]), 0, indices);
}

const powered = pointwise('absolutePower', (x, { p }) => x.abs().pow(p), { params: { p: 2 } });
const root = pointwise('root', (x, { p }) => x.pow(p), { params: { p: 0.5 } });
const absolute = pointwise('absolute', (x) => x.abs());
const shrink = pointwise(
  'shrinkFactor',
  (norm, used, { maxNorm }) =>
    used
      .gt(0)
      .and(norm.gt(maxNorm))
      .select(maxNorm.div(norm.add(1e-7)), 1),
  { params: { maxNorm: 1 } },
);

/** Scales the rows that are used, and are longer than `maxNorm`, down to it. */
function shrinkRows(weight: Tensor, indices: Tensor, maxNorm: number, p: number): void {
  if (typeof maxNorm !== 'number' || typeof p !== 'number') {
    throw new ArgumentError(
      `embedding: maxNorm and normType must be numbers, got ${describe(maxNorm)} and ${describe(p)}`,
      { op: 'embedding' },
    );
  }
  const norms =
    p === Number.POSITIVE_INFINITY
      ? amax(absolute(weight), 1)
      : root(sum(powered(weight, { p }), 1), { p: 1 / p });
  const used = gatherBackward(filled(weight.entry, indices.shape, weight.dtype, 1), 0, indices, [
    weight.shape[0]!,
  ]);
  const scaleInPlace = mul.inPlace as (x: Tensor, factor: Tensor) => Tensor;
  scaleInPlace(weight, unsqueeze(shrink(norms, used, { maxNorm }), 1));
}
