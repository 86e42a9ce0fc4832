import { ArgumentError, checkOptions, scope, type Tensor, transpose } from '@flambeau/core';
import { multiHeadAttentionForward } from '../functional/multi-head-attention.ts';
import * as init from '../init/index.ts';
import { Module } from '../module/module.ts';
import { Linear, type ResetOptions } from './linear.ts';
import { checkCount, checkProbability, FACTORY, type FactoryOptions, newParameter } from './settings.ts';

export interface MultiheadAttentionOptions extends FactoryOptions {
  /** Probability that a weight is dropped in training. Default 0. */
  readonly dropout?: number;
  /** Whether the projections have biases. Default true. */
  readonly bias?: boolean;
  /** Whether a learned key and value are added to every sequence. Default false. */
  readonly addBiasKv?: boolean;
  /** Whether a key and value of zeros are added to every sequence. Default false. */
  readonly addZeroAttn?: boolean;
  /** Features of the keys. Default: `embedDim`. */
  readonly kdim?: number | null;
  /** Features of the values. Default: `embedDim`. */
  readonly vdim?: number | null;
  /** Whether the batch comes before the sequence. Default false. */
  readonly batchFirst?: boolean;
}

/** What `MultiheadAttention.forward` takes besides query, key and value. */
export interface AttentionForwardOptions {
  /** `[batch, keys]`, or `[keys]` without a batch: true where a key is padding; numbers are added to the scores. */
  readonly keyPaddingMask?: Tensor | null;
  /** Whether the weights come too. Default true; false is faster. */
  readonly needWeights?: boolean;
  /** `[queries, keys]` or `[batch * heads, queries, keys]`: true where a key must not be seen; numbers are added to the scores. */
  readonly attnMask?: Tensor | null;
  /** Whether the weights are averaged over the heads. Default true. */
  readonly averageAttnWeights?: boolean;
  /** Says that `attnMask` is the causal mask; without a mask it is made. Default false. */
  readonly isCausal?: boolean;
}

const OPTIONS = [
  'dropout',
  'bias',
  'addBiasKv',
  'addZeroAttn',
  'kdim',
  'vdim',
  'batchFirst',
  ...FACTORY,
] as const;
const FORWARD_OPTIONS = [
  'keyPaddingMask',
  'needWeights',
  'attnMask',
  'averageAttnWeights',
  'isCausal',
] as const;

/**
 * Attention of several heads: each looks at the sequence through projections of its own.
 *
 * State: `in_proj_weight` `[3 embedDim, embedDim]`, or `q_proj_weight`, `k_proj_weight`, `v_proj_weight` where keys or
 * values have other sizes; `in_proj_bias` `[3 embedDim]`; `out_proj.weight`, `out_proj.bias`; `bias_k` and `bias_v`
 * `[1, 1, embedDim]` with `addBiasKv`.
 *
 * @throws {ArgumentError} `numHeads` does not divide `embedDim`.
 * @see Vaswani et al., Attention Is All You Need (2017)
 * @example
 * const x = randn([2, 5, 8]);
 * const [y, weights] = new MultiheadAttention(8, 2, { batchFirst: true }).forward(x, x, x);
 * y.shape // [2, 5, 8]
 * weights?.shape // [2, 5, 5]
 */
export class MultiheadAttention extends Module<
  [query: Tensor, key: Tensor, value: Tensor, options?: AttentionForwardOptions],
  [output: Tensor, weights: Tensor | null]
> {
  static readonly builtIn: string = 'MultiheadAttention';
  static readonly runsOthers = true;
  static override readonly keys = {
    inProjWeight: 'in_proj_weight',
    qProjWeight: 'q_proj_weight',
    kProjWeight: 'k_proj_weight',
    vProjWeight: 'v_proj_weight',
    inProjBias: 'in_proj_bias',
    biasK: 'bias_k',
    biasV: 'bias_v',
    outProj: 'out_proj',
  };

  readonly embedDim: number;
  readonly numHeads: number;
  readonly dropout: number;
  readonly batchFirst: boolean;
  readonly addZeroAttn: boolean;
  readonly kdim: number;
  readonly vdim: number;
  inProjWeight: Tensor | null;
  qProjWeight: Tensor | null;
  kProjWeight: Tensor | null;
  vProjWeight: Tensor | null;
  inProjBias: Tensor | null;
  biasK: Tensor | null;
  biasV: Tensor | null;
  outProj: Linear;

  constructor(embedDim: number, numHeads: number, options: MultiheadAttentionOptions = {}) {
    super();
    checkCount('MultiheadAttention', 'embedDim', embedDim, 1);
    checkCount('MultiheadAttention', 'numHeads', numHeads, 1);
    checkOptions('MultiheadAttention', options, OPTIONS);
    if (embedDim % numHeads !== 0) {
      throw new ArgumentError(
        `MultiheadAttention: numHeads must divide embedDim, got ${numHeads} and ${embedDim}`,
        { op: 'MultiheadAttention' },
      );
    }
    const { dropout = 0, bias = true, addBiasKv = false, addZeroAttn = false, batchFirst = false } = options;
    checkProbability('MultiheadAttention', 'dropout', dropout);
    this.embedDim = embedDim;
    this.numHeads = numHeads;
    this.dropout = dropout;
    this.batchFirst = batchFirst;
    this.addZeroAttn = addZeroAttn;
    this.kdim = options.kdim ?? embedDim;
    this.vdim = options.vdim ?? embedDim;
    const packed = this.kdim === embedDim && this.vdim === embedDim;
    this.inProjWeight = packed ? newParameter([3 * embedDim, embedDim], options) : null;
    this.qProjWeight = packed ? null : newParameter([embedDim, embedDim], options);
    this.kProjWeight = packed ? null : newParameter([embedDim, this.kdim], options);
    this.vProjWeight = packed ? null : newParameter([embedDim, this.vdim], options);
    this.inProjBias = bias ? newParameter([3 * embedDim], options) : null;
    this.biasK = addBiasKv ? newParameter([1, 1, embedDim], options) : null;
    this.biasV = addBiasKv ? newParameter([1, 1, embedDim], options) : null;
    const { device, dtype } = options;
    this.outProj = new Linear(embedDim, embedDim, {
      bias,
      ...(device === undefined ? {} : { device }),
      ...(dtype === undefined ? {} : { dtype }),
    });
    this.#fill({});
  }

  /** Draws new initial values. */
  resetParameters(options: ResetOptions = {}): void {
    this.outProj.resetParameters(options);
    this.#fill(options);
  }

  #fill(options: ResetOptions): void {
    for (const weight of [this.inProjWeight, this.qProjWeight, this.kProjWeight, this.vProjWeight]) {
      if (weight !== null) init.xavierUniform_(weight, options);
    }
    if (this.inProjBias !== null) init.zeros_(this.inProjBias);
    if (this.outProj.bias !== null) init.zeros_(this.outProj.bias);
    for (const bias of [this.biasK, this.biasV]) if (bias !== null) init.xavierNormal_(bias, options);
  }

  /**
   * - `query`: `[queries, batch, embedDim]`; `key`: `[keys, batch, kdim]`; `value`: `[keys, batch, vdim]`; with
   *   `batchFirst` the batch comes first; all may lack it
   * - returns: the output, like the query, and the weights `[batch, queries, keys]`, with `averageAttnWeights: false`
   *   `[batch, heads, queries, keys]`, or null without `needWeights`
   *
   * @throws {ShapeError} a shape does not fit.
   */
  forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    options: AttentionForwardOptions = {},
  ): [output: Tensor, weights: Tensor | null] {
    checkOptions('MultiheadAttention', options, FORWARD_OPTIONS);
    return scope(() => {
      const turn = this.batchFirst && query.ndim === 3;
      const q = turn ? transpose(query, 0, 1) : query;
      // The same tensor stays one, so that a single product projects it.
      const k = !turn ? key : key === query ? q : transpose(key, 0, 1);
      const v = !turn ? value : value === query ? q : value === key ? k : transpose(value, 0, 1);
      const [y, weights] = multiHeadAttentionForward(
        q,
        k,
        v,
        this.embedDim,
        this.numHeads,
        this.inProjWeight,
        this.inProjBias,
        this.biasK,
        this.biasV,
        this.addZeroAttn,
        this.dropout,
        this.outProj.weight,
        this.outProj.bias,
        {
          ...options,
          training: this.training,
          useSeparateProjWeight: this.inProjWeight === null,
          qProjWeight: this.qProjWeight,
          kProjWeight: this.kProjWeight,
          vProjWeight: this.vProjWeight,
        },
      );
      return [turn ? transpose(y, 0, 1) : y, weights];
    });
  }
}
