import { checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { ArgumentError, checkOptions, ShapeError, showShape } from '../errors.ts';
import { withRecording } from '../graph/mode.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Generator } from '../random/generator.ts';
import { add, mul } from './arithmetic.ts';
import { eq } from './comparison.ts';
import { filled } from './filling.ts';
import { matmul } from './matmul.ts';
import { dropout } from './random.ts';
import { amax } from './reductions.ts';
import { repeatInterleave } from './repeat-interleave.ts';
import { transpose } from './reshape.ts';
import { softmax } from './softmax.ts';
import { tril } from './triangular.ts';
import { where } from './where.ts';

export interface AttentionOptions {
  /** Booleans say what may be seen; numbers are added to the scores. Broadcasts to `[..., queries, keys]`. */
  readonly attnMask?: Tensor | null;
  /** Probability that a weight is dropped. Default 0. */
  readonly dropoutP?: number;
  /** Each query sees the keys up to its own place. Default false. */
  readonly isCausal?: boolean;
  /** Default `1 / sqrt(features)`. */
  readonly scale?: number | null;
  /** Repeats the heads of keys and values to those of the queries. Default false. */
  readonly enableGqa?: boolean;
  readonly generator?: Generator;
}

const MASKED = Number.NEGATIVE_INFINITY;

/** Softmax in which a row that may see nothing gives zeros instead of NaN. */
function safeSoftmax(scores: Tensor): Tensor {
  const blind = withRecording(false, () => eq(amax(scores, -1, { keepdim: true }), MASKED));
  return where(blind, 0, softmax(where(blind, 0, scores), -1));
}

/**
 * `softmax(query keyᵀ scale + mask) value`.
 *
 * - `query`: `[..., queries, features]`; `key`: `[..., keys, features]`; `value`: `[..., keys, valueFeatures]`
 * - returns: `[..., queries, valueFeatures]`
 *
 * @throws {ShapeError} the sizes do not fit. @throws {ArgumentError} both `attnMask` and `isCausal` are given.
 * @see Vaswani et al., Attention Is All You Need (2017)
 */
export const scaledDotProductAttention = composite(
  'scaledDotProductAttention',
  (query: Tensor, key: Tensor, value: Tensor, options: AttentionOptions = {}): Tensor => {
    const op = 'scaledDotProductAttention';
    checkOptions(op, options, ['attnMask', 'dropoutP', 'isCausal', 'scale', 'enableGqa', 'generator']);
    for (const [name, x] of Object.entries({ query, key, value })) {
      checkTensor(op, name, x);
      if (x.shape.length < 2)
        throw new ShapeError(`${op}: ${name} must be [..., length, features], got ${showShape(x.shape)}`, {
          op,
        });
    }
    const { attnMask, dropoutP = 0, isCausal = false, scale, enableGqa = false, generator } = options;
    if (attnMask && isCausal) throw new ArgumentError(`${op}: give attnMask or isCausal, not both`, { op });
    const [keys, values] = enableGqa
      ? [sharedHeads(op, query, key), sharedHeads(op, query, value)]
      : [key, value];
    const features = query.shape.at(-1)!;
    // Both sides take the root of the scale, so that large features do not overflow a half.
    const root = Math.sqrt(Math.abs(scale ?? 1 / Math.sqrt(Math.max(1, features))));
    const sign = scale !== null && scale !== undefined && scale < 0 ? -1 : 1;
    const scores = matmul(mul(query, root * sign), transpose(mul(keys, root), -2, -1));
    const mask = isCausal
      ? tril(filled(query.entry, [query.shape.at(-2)!, key.shape.at(-2)!], 'bool', true))
      : attnMask;
    const weights = mask ? safeSoftmax(masked(scores, mask)) : softmax(scores, -1);
    return matmul(
      dropoutP === 0 ? weights : dropout(weights, generator ? { p: dropoutP, generator } : { p: dropoutP }),
      values,
    );
  },
);

const masked = (scores: Tensor, mask: Tensor): Tensor =>
  mask.dtype === 'bool' ? where(mask, scores, MASKED) : add(scores, mask);

function sharedHeads(op: string, query: Tensor, x: Tensor): Tensor {
  const heads = query.shape.at(-3) ?? 1;
  const own = x.shape.at(-3) ?? 1;
  if (heads % own !== 0)
    throw new ShapeError(`${op}: ${heads} heads of queries are no multiple of ${own} of keys or values`, {
      op,
    });
  return heads === own ? x : repeatInterleave(x, heads / own, -3);
}
