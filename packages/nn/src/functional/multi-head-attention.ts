import {
  ArgumentError,
  add,
  cat,
  checkOptions,
  chunk,
  dropout,
  expand,
  linear,
  logicalNot,
  matmul,
  mean,
  mul,
  ones,
  pad,
  reshape,
  ShapeError,
  scaledDotProductAttention,
  scope,
  showShape,
  softmax,
  squeeze,
  type Tensor,
  transpose,
  tril,
  unsqueeze,
  where,
  zeros,
} from '@flambeau/core';

const OP = 'multiHeadAttentionForward';

export interface MultiHeadAttentionOptions {
  /** Whether dropout drops. Default true. */
  readonly training?: boolean;
  /** `[batch, keys]`, or `[keys]` without a batch: true where a key is padding; numbers are added to the scores. */
  readonly keyPaddingMask?: Tensor | null;
  /** Whether the weights come too. Default true. */
  readonly needWeights?: boolean;
  /** `[queries, keys]` or `[batch * heads, queries, keys]`: true where a key must not be seen; numbers are added to the scores. */
  readonly attnMask?: Tensor | null;
  /** Whether queries, keys and values have weights of their own. Default false. */
  readonly useSeparateProjWeight?: boolean;
  readonly qProjWeight?: Tensor | null;
  readonly kProjWeight?: Tensor | null;
  readonly vProjWeight?: Tensor | null;
  /** `[batch * heads, keys, features / heads]`, instead of what `key` gives. */
  readonly staticK?: Tensor | null;
  readonly staticV?: Tensor | null;
  /** Whether the weights are averaged over the heads. Default true. */
  readonly averageAttnWeights?: boolean;
  /** Says that `attnMask` is the causal mask; without a mask it is made. Default false. */
  readonly isCausal?: boolean;
}

const OPTIONS = [
  'training',
  'keyPaddingMask',
  'needWeights',
  'attnMask',
  'useSeparateProjWeight',
  'qProjWeight',
  'kProjWeight',
  'vProjWeight',
  'staticK',
  'staticV',
  'averageAttnWeights',
  'isCausal',
] as const;

type Optional = Tensor | null | undefined;

/**
 * Attention of several heads, with projections before and after: what `MultiheadAttention` computes.
 *
 * - `query`: `[queries, batch, features]`; `key`, `value`: `[keys, batch, ...]`; all without the batch, if one is
 * - returns: the output `[queries, batch, features]`, and the weights `[batch, queries, keys]`, with
 *   `averageAttnWeights: false` `[batch, heads, queries, keys]`, or null without `needWeights`
 *
 * @throws {ShapeError} a shape does not fit.
 * @see Vaswani et al., Attention Is All You Need (2017)
 */
export function multiHeadAttentionForward(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  embedDimToCheck: number,
  numHeads: number,
  inProjWeight: Tensor | null,
  inProjBias: Tensor | null,
  biasK: Tensor | null,
  biasV: Tensor | null,
  addZeroAttn: boolean,
  dropoutP: number,
  outProjWeight: Tensor,
  outProjBias: Tensor | null,
  options: MultiHeadAttentionOptions = {},
): [output: Tensor, weights: Tensor | null] {
  checkOptions(OP, options, OPTIONS);
  checkShapes(query, key, value, embedDimToCheck, options.useSeparateProjWeight ?? false);
  if (embedDimToCheck % numHeads !== 0)
    throw new ArgumentError(`${OP}: ${numHeads} heads do not divide ${embedDimToCheck} features`, { op: OP });
  return scope(() => {
    const batched = query.ndim === 3;
    const lift = batched ? (x: Tensor): Tensor => x : withBatch();
    const [q3, k3, v3] = [lift(query), lift(key), lift(value)];
    const sizes = { queries: q3.shape[0]!, keys: k3.shape[0]!, batch: q3.shape[1]!, heads: numHeads };
    const projected = project([q3, k3, v3], inProjWeight, inProjBias, options);
    const { k, v, extra } = extend(projected.k, projected.v, sizes, {
      biasK,
      biasV,
      addZeroAttn,
      ...options,
    });
    const q = toHeads(projected.q, sizes);
    const scores = mergeMasks(
      maskOf(options, sizes, q),
      paddingOf(options.keyPaddingMask, batched, sizes, q),
      sizes,
      extra,
    );
    const drop = (options.training ?? true) ? dropoutP : 0;
    const attended = attend({ q, k, v, mask: scores }, drop, options.needWeights ?? true);
    const joined = reshape(transpose(attended.y, 0, 1), [sizes.queries, sizes.batch, embedDimToCheck]);
    const y = linear(joined, outProjWeight, outProjBias);
    const weights =
      attended.weights && perSample(attended.weights, sizes, options.averageAttnWeights ?? true);
    return batched ? [y, weights] : [squeeze(y, 1), weights && squeeze(weights, 0)];
  });
}

interface Sizes {
  readonly queries: number;
  readonly keys: number;
  readonly batch: number;
  readonly heads: number;
}

function checkShapes(query: Tensor, key: Tensor, value: Tensor, features: number, separate: boolean): void {
  const all = `query is ${showShape(query.shape)}, key ${showShape(key.shape)}, value ${showShape(value.shape)}`;
  const refuse = (what: string): never => {
    throw new ShapeError(`${OP}: ${what}; ${all}`, {
      op: OP,
      data: { query: query.shape, key: key.shape, value: value.shape },
    });
  };
  if (query.ndim !== 2 && query.ndim !== 3) refuse('the query has 3 dimensions, or 2 without a batch');
  if (key.ndim !== query.ndim || value.ndim !== query.ndim)
    refuse('query, key and value have the same number of dimensions');
  if (query.shape.at(-1) !== features) refuse(`the query must have ${features} features`);
  const same = separate ? key.ndim - 1 : key.ndim;
  if (showShape(key.shape.slice(0, same)) !== showShape(value.shape.slice(0, same)))
    refuse('key and value do not fit together');
  if (query.ndim === 3 && query.shape[1] !== key.shape[1]) refuse('query and key have another batch size');
}

/** Puts a batch of one in, giving the same tensor for the same tensor. */
function withBatch(): (x: Tensor) => Tensor {
  const lifted = new Map<Tensor, Tensor>();
  return (x) => {
    const present = lifted.get(x) ?? unsqueeze(x, 1);
    lifted.set(x, present);
    return present;
  };
}

interface Projected {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

function project(
  [query, key, value]: readonly [Tensor, Tensor, Tensor],
  weight: Optional,
  bias: Optional,
  options: MultiHeadAttentionOptions,
): Projected {
  if (options.useSeparateProjWeight ?? false) {
    const { qProjWeight: wq, kProjWeight: wk, vProjWeight: wv } = options;
    if (!wq || !wk || !wv)
      throw new ArgumentError(
        `${OP}: useSeparateProjWeight asks for qProjWeight, kProjWeight and vProjWeight`,
        { op: OP },
      );
    const [bq, bk, bv] = bias ? chunk(bias, 3) : [];
    return { q: linear(query, wq, bq), k: linear(key, wk, bk), v: linear(value, wv, bv) };
  }
  if (!weight)
    throw new ArgumentError(
      `${OP}: inProjWeight is missing; it holds the weights of queries, keys and values`,
      { op: OP },
    );
  if (query === key && key === value) {
    const [q, k, v] = chunk(linear(query, weight, bias), 3, -1);
    return { q: q!, k: k!, v: v! };
  }
  const [wq, wk, wv] = chunk(weight, 3);
  const [bq, bk, bv] = bias ? chunk(bias, 3) : [];
  return { q: linear(query, wq!, bq), k: linear(key, wk!, bk), v: linear(value, wv!, bv) };
}

/** `[length, batch, features]` as `[batch * heads, length, features / heads]`. */
const toHeads = (x: Tensor, { batch, heads }: Sizes): Tensor =>
  transpose(reshape(x, [x.shape[0]!, batch * heads, x.shape[2]! / heads]), 0, 1);

interface Extra extends MultiHeadAttentionOptions {
  readonly biasK: Tensor | null;
  readonly biasV: Tensor | null;
  readonly addZeroAttn: boolean;
}

/** Keys and values by heads, with those that are added to every sequence, and how many these are. */
function extend(
  k: Tensor,
  v: Tensor,
  sizes: Sizes,
  { biasK, biasV, addZeroAttn, staticK, staticV }: Extra,
): { k: Tensor; v: Tensor; extra: number } {
  if ((biasK === null) !== (biasV === null))
    throw new ArgumentError(`${OP}: biasK and biasV come together`, { op: OP });
  if (biasK !== null && (staticK || staticV))
    throw new ArgumentError(`${OP}: a bias cannot be added to staticK or staticV`, { op: OP });
  const append = (x: Tensor, bias: Tensor | null): Tensor =>
    bias === null ? x : cat([x, expand(bias, [1, sizes.batch, x.shape[2]!])], 0);
  const parts = [
    staticK ?? toHeads(append(k, biasK), sizes),
    staticV ?? toHeads(append(v, biasV), sizes),
  ] as const;
  const extra = (biasK === null ? 0 : 1) + (addZeroAttn ? 1 : 0);
  if (!addZeroAttn) return { k: parts[0], v: parts[1], extra };
  const [ks, vs] = parts.map((x) =>
    cat([x, zeros([x.shape[0]!, 1, x.shape[2]!], { dtype: x.dtype, device: x.device })], 1),
  );
  return { k: ks!, v: vs!, extra };
}

/** A mask as numbers to add: minus infinity where it is true. */
function additive(mask: Tensor, like: Tensor): Tensor {
  return mask.dtype === 'bool'
    ? where(mask, Number.NEGATIVE_INFINITY, zeros([], { dtype: like.dtype, device: like.device }))
    : mask.to({ dtype: like.dtype });
}

/** The attention mask as `[1 or batch * heads, queries, keys]`. */
function maskOf(
  { attnMask, isCausal = false }: MultiHeadAttentionOptions,
  { queries, keys, batch, heads }: Sizes,
  like: Tensor,
): Tensor | null {
  if (!attnMask) {
    if (!isCausal) return null;
    const seen = tril(ones([queries, keys], { dtype: 'bool', device: like.device }));
    return unsqueeze(additive(logicalNot(seen), like), 0);
  }
  const fits = [
    [queries, keys],
    [batch * heads, queries, keys],
  ].some((shape) => showShape(shape) === showShape(attnMask.shape));
  if (!fits) {
    throw new ShapeError(
      `${OP}: attnMask must be ${showShape([queries, keys])} or ${showShape([batch * heads, queries, keys])}, got ${showShape(attnMask.shape)}`,
      {
        op: OP,
        data: { shape: attnMask.shape },
      },
    );
  }
  const mask = additive(attnMask, like);
  return mask.ndim === 2 ? unsqueeze(mask, 0) : mask;
}

/** The padding mask as `[batch, keys]`. */
function paddingOf(mask: Optional, batched: boolean, { batch, keys }: Sizes, like: Tensor): Tensor | null {
  if (!mask) return null;
  const wanted = batched ? [batch, keys] : [keys];
  if (showShape(mask.shape) !== showShape(wanted)) {
    throw new ShapeError(`${OP}: keyPaddingMask must be ${showShape(wanted)}, got ${showShape(mask.shape)}`, {
      op: OP,
      data: { shape: mask.shape },
    });
  }
  return reshape(additive(mask, like), [batch, keys]);
}

/** Both masks as one to add to the scores; added keys are seen by all. */
function mergeMasks(
  mask: Tensor | null,
  padding: Tensor | null,
  { batch, heads, keys }: Sizes,
  extra: number,
): Tensor | null {
  const widen = (x: Tensor): Tensor => (extra === 0 ? x : pad(x, [0, extra]));
  const own = mask && widen(mask);
  if (padding === null) return own;
  const width = keys + extra;
  const perHead = reshape(expand(reshape(widen(padding), [batch, 1, 1, width]), [batch, heads, 1, width]), [
    batch * heads,
    1,
    width,
  ]);
  return own === null ? perHead : add(own, perHead);
}

interface Heads extends Projected {
  readonly mask: Tensor | null;
}

/** Attention of each head: `[batch * heads, queries, features / heads]`, and the weights where they are wanted. */
function attend(
  { q, k, v, mask }: Heads,
  dropoutP: number,
  needWeights: boolean,
): { y: Tensor; weights: Tensor | null } {
  if (!needWeights)
    return { y: scaledDotProductAttention(q, k, v, { attnMask: mask, dropoutP }), weights: null };
  const products = matmul(mul(q, Math.sqrt(1 / q.shape[2]!)), transpose(k, 1, 2));
  const soft = softmax(mask === null ? products : add(products, mask), -1);
  const weights = dropoutP > 0 ? dropout(soft, { p: dropoutP }) : soft;
  return { y: matmul(weights, v), weights };
}

function perSample(weights: Tensor, { batch, heads, queries }: Sizes, average: boolean): Tensor {
  const byHead = reshape(weights, [batch, heads, queries, weights.shape[2]!]);
  return average ? mean(byHead, 1) : byHead;
}
