import { composite } from '../dispatch/declare.ts';
import { PointwiseOp } from '../dispatch/pointwise.ts';
import { index } from '../expr/expr.ts';
import { withRecording } from '../graph/mode.ts';
import type { Tensor } from '../graph/tensor.ts';
import { broadcastShapes, MAX_RANK } from '../shape.ts';
import { add, mul } from './arithmetic.ts';
import { eq } from './comparison.ts';
import { matmul } from './matmul.ts';
import { amax } from './reductions.ts';
import { transpose } from './reshape.ts';
import { softmax, softmaxBackward } from './softmax.ts';
import { where } from './where.ts';

/** Which keys are seen and how, beside a mask. */
export interface AttentionAttributes {
  readonly [name: string]: unknown;
  readonly isCausal: boolean;
  readonly scale: number;
}

export const MASKED = Number.NEGATIVE_INFINITY;

/** Softmax in which a row that may see nothing gives zeros instead of NaN. */
function safeSoftmax(scores: Tensor): Tensor {
  if (scores.size === 0) return softmax(scores, -1);
  // Not recorded: nothing of what finds these rows has a gradient, so nothing of it need be kept.
  const blind = withRecording(false, () => eq(amax(scores, -1, { keepdim: true }), MASKED));
  return where(blind, 0, softmax(where(blind, 0, scores), -1));
}

/** Scores without those of keys after the query's own place, by the rank of the scores. */
const causal = Array.from(
  { length: MAX_RANK + 1 },
  (_, rank) =>
    new PointwiseOp('causalMask', 1, ([scores]) =>
      index(rank - 1)
        .le(index(rank - 2))
        .select(scores!, MASKED),
    ),
);

/** The scores of keys, without those that may not be seen. */
export function maskedScores(
  query: Tensor,
  key: Tensor,
  mask: Tensor | undefined,
  isCausal: boolean,
  scale: number,
): Tensor {
  const scores = matmul(mul(query, scale), transpose(key, -2, -1));
  if (isCausal) return causal[scores.shape.length]!.callInPlace([scores], undefined);
  if (mask === undefined) return scores;
  return mask.dtype === 'bool' ? where(mask, scores, MASKED) : add(scores, mask);
}

/** The weights, step by step. */
function weightsByParts(
  query: Tensor,
  key: Tensor,
  mask: Tensor | undefined,
  isCausal: boolean,
  scale: number,
): Tensor {
  const scores = maskedScores(query, key, mask, isCausal, scale);
  // Without a mask a query sees at least the first key, so that no row is empty.
  return mask === undefined ? softmax(scores, -1) : safeSoftmax(scores);
}

/**
 * The weights with which keys are seen: `softmax(query keyᵀ scale + mask)`, zeros for a query that may see nothing. What may
 * not be seen has a weight of 0, so that the gradient of scores is that of softmax.
 *
 * - `query`: `[..., queries, features]`; `key`: `[..., keys, features]`; `attnMask` broadcasts to `[..., queries, keys]`
 * - returns: `[..., queries, keys]`
 */
export const attentionWeights = composite('attentionWeights', {
  infer(query: Tensor, key: Tensor, attnMask: Tensor | undefined, isCausal: boolean, scale: number) {
    const op = 'scaledDotProductAttention';
    const lead = broadcastShapes(op, query.shape.slice(0, -2), key.shape.slice(0, -2));
    const scores = [...lead, query.shape.at(-2)!, key.shape.at(-2)!];
    const attrs: AttentionAttributes = { isCausal, scale };
    return {
      inputs: { query, key, attnMask },
      attrs,
      outputs: {
        y: { shape: attnMask ? broadcastShapes(op, scores, attnMask.shape) : scores, dtype: query.dtype },
      },
    };
  },
  decompose: ({ query, key, attnMask }, { isCausal, scale }) =>
    weightsByParts(query, key, attnMask, isCausal, scale),
  saves: ['query', 'key', 'y'],
  vjp({ y: dy }, { query, key, y }, { scale }, needs) {
    if (dy === undefined) return {};
    const dscores = softmaxBackward(dy, y, y.shape.length - 1);
    return {
      ...(needs.query && { query: mul(matmul(dscores, key), scale) }),
      ...(needs.key && { key: mul(matmul(transpose(dscores, -2, -1), query), scale) }),
      ...(needs.attnMask && { attnMask: dscores }),
    };
  },
});
