import { checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { PointwiseOp } from '../dispatch/pointwise.ts';
import { ArgumentError, checkOptions, DTypeError, ShapeError, showShape } from '../errors.ts';
import { computeType } from '../expr/program.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Generator } from '../random/generator.ts';
import { broadcastShapes } from '../shape.ts';
import { mul, sub } from './arithmetic.ts';
import { type AttentionAttributes, attentionWeights, MASKED, maskedScores } from './attention-weights.ts';
import { sum, sumTo } from './broadcast.ts';
import { cast } from './copying.ts';
import { checkFactors, matmul } from './matmul.ts';
import { dropout } from './random.ts';
import { contiguous, reshape, transpose, unsqueeze } from './reshape.ts';

export interface AttentionOptions {
  /** Booleans say what may be seen; numbers are added to the scores. Broadcasts to `[..., queries, keys]`. */
  readonly attnMask?: Tensor | null;
  /** Probability that a weight is dropped. Default 0. */
  readonly dropoutP?: number;
  /** Each query sees the keys up to its own place. Default false. */
  readonly isCausal?: boolean;
  /** Default `1 / sqrt(features)`. */
  readonly scale?: number | null;
  /** Several heads of queries share one of keys and values. Default false. */
  readonly enableGqa?: boolean;
  readonly generator?: Generator;
}

/** What a gradient starts from: the operands, and what a fused kernel made of them. */
interface Attended {
  readonly query: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
  readonly attnMask: Tensor | undefined;
  readonly y: Tensor;
  readonly logsumexp: Tensor;
}

/** The weights from scores and their log-sum-exp. A query that may see nothing has none. */
const weightsOf = new PointwiseOp('attentionWeights', 2, ([scores, logsumexp]) =>
  logsumexp!.eq(MASKED).select(0, scores!.sub(logsumexp!).exp()),
);

const scoreGradient = new PointwiseOp('attentionScoreBackward', 3, ([weights, d, level]) =>
  weights!.mul(d!.sub(level!)),
);

/** The gradients of attention: its weights are computed again, and halves as float32. */
function gradients(
  {
    y: dy,
    logsumexp: dlogsumexp,
  }: { readonly y?: Tensor | undefined; readonly logsumexp?: Tensor | undefined },
  attended: Attended,
  { isCausal, scale }: AttentionAttributes,
): { query: Tensor; key: Tensor; value?: Tensor; attnMask: Tensor } {
  const dtype = computeType(attended.query.dtype);
  const [query, key, value, y] = [attended.query, attended.key, attended.value, attended.y].map((x) =>
    cast(x, dtype),
  ) as [Tensor, Tensor, Tensor, Tensor];
  const { attnMask } = attended;
  const mask = attnMask === undefined || attnMask.dtype === 'bool' ? attnMask : cast(attnMask, dtype);
  const scores = maskedScores(query, key, mask, isCausal, scale);
  const weights = weightsOf.call([scores, unsqueeze(attended.logsumexp, -1)], undefined);
  const dwide = dy && cast(dy, dtype);
  const level = dlogsumexp && unsqueeze(dlogsumexp, -1);
  let dscores: Tensor;
  if (dwide === undefined) dscores = mul(weights, level!);
  else {
    const own = sum(mul(dwide, y), -1, { keepdim: true });
    const dweights = matmul(dwide, transpose(value, -2, -1));
    dscores = scoreGradient.call([weights, dweights, level ? sub(own, level) : own], undefined);
  }
  return {
    query: mul(matmul(dscores, key), scale),
    key: mul(matmul(transpose(dscores, -2, -1), query), scale),
    ...(dwide && { value: matmul(transpose(weights, -2, -1), dwide) }),
    attnMask: dscores,
  };
}

/** The gradient of what is seen and how, as an operator of its own: what a backend can fuse. */
const attendBackward = composite('scaledDotProductAttentionBackward', {
  infer(dy: Tensor, attended: Attended, attrs: AttentionAttributes) {
    const { query, key, value } = attended;
    const like = ({ shape, dtype }: Tensor) => ({ shape, dtype });
    return {
      inputs: { dy, ...attended },
      attrs,
      outputs: { dquery: like(query), dkey: like(key), dvalue: like(value) },
    };
  },
  decompose({ dy, ...attended }, attrs) {
    const { query, key, value } = gradients({ y: dy }, attended, attrs);
    const as = (gradient: Tensor, x: Tensor): Tensor => cast(sumTo(gradient, x.shape), x.dtype);
    return {
      dquery: as(query, attended.query),
      dkey: as(key, attended.key),
      // With a dy there is one.
      dvalue: as(value!, attended.value),
    };
  },
});

/**
 * Attention. Kernels that fuse it give the logarithm of each query's sum of exponentials too, in float32 for halves:
 * -Infinity for one that may see nothing. Of a causal one a query sees at least the first key.
 */
const attend = composite('scaledDotProductAttention', {
  infer(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attnMask: Tensor | undefined,
    isCausal: boolean,
    scale: number,
  ) {
    const lead = broadcastShapes(
      'scaledDotProductAttention',
      ...[query, key, value].map((x) => x.shape.slice(0, -2)),
    );
    const queries = [...lead, query.shape.at(-2)!];
    const attrs: AttentionAttributes = { isCausal, scale };
    return {
      inputs: { query, key, value, attnMask },
      attrs,
      outputs: {
        y: { shape: [...queries, value.shape.at(-1)!], dtype: query.dtype },
        logsumexp: { shape: queries, dtype: computeType(query.dtype) },
      },
    };
  },
  decompose: ({ query, key, value, attnMask }, { isCausal, scale }) => ({
    y: matmul(attentionWeights(query, key, attnMask, isCausal, scale), value),
  }),
  saves: ['query', 'key', 'value', 'attnMask', 'y', 'logsumexp'],
  returns: ['y'],
  fusedRule: true,
  vjp({ y: dy, logsumexp: dlogsumexp }, attended, attrs, needs) {
    if (dy === undefined || dlogsumexp !== undefined || needs.attnMask)
      return gradients({ y: dy, logsumexp: dlogsumexp }, attended, attrs);
    // The gradient of a sum repeats one number; kernels read rows.
    const rows = dy.strides.at(-1) === 1 ? dy : contiguous(dy);
    const { dquery, dkey, dvalue } = attendBackward(rows, attended, attrs);
    return { query: dquery, key: dkey, value: dvalue };
  },
});

/**
 * `softmax(query keyᵀ scale + mask) value`. A query that may see nothing gives zeros.
 *
 * - `query`: `[..., queries, features]`; `key`: `[..., keys, features]`; `value`: `[..., keys, valueFeatures]`
 * - returns: `[..., queries, valueFeatures]`
 *
 * @throws {ShapeError} the sizes do not fit. @throws {ArgumentError} both `attnMask` and `isCausal` are given.
 * @throws {DTypeError} the dtypes differ, or the mask is neither bool nor of that dtype.
 * @see Vaswani et al., Attention Is All You Need (2017)
 * @example scaledDotProductAttention(ones([1, 2]), ones([3, 2]), ones([3, 4])) // tensor([[1., 1., 1., 1.]])
 */
export const scaledDotProductAttention = composite(
  'scaledDotProductAttention',
  (query: Tensor, key: Tensor, value: Tensor, options: AttentionOptions = {}): Tensor => {
    const op = 'scaledDotProductAttention';
    checkOptions(op, options, ['attnMask', 'dropoutP', 'isCausal', 'scale', 'enableGqa', 'generator']);
    const { attnMask, dropoutP = 0, isCausal = false, enableGqa = false, generator } = options;
    checkShapes(op, query, key, value);
    if (attnMask) checkMask(op, attnMask, query);
    if (attnMask && isCausal) throw new ArgumentError(`${op}: give attnMask or isCausal, not both`, { op });
    const scale = options.scale ?? 1 / Math.sqrt(Math.max(1, query.shape.at(-1)!));
    const { q, k, v, mask, heads } = enableGqa
      ? grouped(op, query, key, value, attnMask)
      : { q: query, k: key, v: value, mask: attnMask, heads: undefined };
    const y =
      dropoutP === 0
        ? attend(q, k, v, mask ?? undefined, isCausal, scale)
        : matmul(
            dropout(
              attentionWeights(q, k, mask ?? undefined, isCausal, scale),
              generator ? { p: dropoutP, generator } : { p: dropoutP },
            ),
            v,
          );
    return heads === undefined ? y : reshape(y, [...y.shape.slice(0, -4), heads, ...y.shape.slice(-2)]);
  },
);

function checkShapes(op: string, query: Tensor, key: Tensor, value: Tensor): void {
  for (const [name, x] of Object.entries({ query, key, value })) {
    checkTensor(op, name, x);
    if (x.shape.length < 2)
      throw new ShapeError(`${op}: ${name} must be [..., length, features], got ${showShape(x.shape)}`, {
        op,
      });
  }
  checkFactors(op, query, key, value);
  const [features, keys] = [query.shape.at(-1), key.shape.at(-2)];
  if (features !== key.shape.at(-1) || keys !== value.shape.at(-2)) {
    throw new ShapeError(
      `${op}: query and key need the same features, key and value the same length; query is ${showShape(query.shape)}, key ${showShape(key.shape)}, value ${showShape(value.shape)}`,
      { op, data: { shapes: [query.shape, key.shape, value.shape] } },
    );
  }
}

function checkMask(op: string, mask: Tensor, query: Tensor): void {
  checkTensor(op, 'attnMask', mask);
  if (mask.dtype === 'bool' || mask.dtype === query.dtype) return;
  throw new DTypeError(
    `${op}: attnMask must be bool or ${query.dtype}, got ${mask.dtype}; convert it: to({ dtype: '${query.dtype}' })`,
    { op },
  );
}

/** Heads of queries in groups, each of which meets one head of keys and values: `[..., shared, group, length, features]`. */
function grouped(op: string, query: Tensor, key: Tensor, value: Tensor, attnMask: Tensor | null | undefined) {
  const heads = query.shape.at(-3) ?? 1;
  const shared = key.shape.at(-3) ?? 1;
  if (
    query.shape.length < 3 ||
    key.shape.length < 3 ||
    value.shape.at(-3) !== shared ||
    heads % shared !== 0
  ) {
    throw new ShapeError(
      `${op}: with enableGqa the heads of query must be a multiple of those of key and value; query is ${showShape(query.shape)}, key ${showShape(key.shape)}, value ${showShape(value.shape)}`,
      { op },
    );
  }
  const split = (x: Tensor): Tensor =>
    reshape(x, [...x.shape.slice(0, -3), shared, heads / shared, ...x.shape.slice(-2)]);
  const splitMask = (x: Tensor): Tensor =>
    x.shape.length < 3 ? x : x.shape.at(-3) === heads ? split(x) : unsqueeze(x, -3);
  return {
    q: split(query),
    k: unsqueeze(key, -3),
    v: unsqueeze(value, -3),
    mask: attnMask ? splitMask(attnMask) : attnMask,
    heads,
  };
}
