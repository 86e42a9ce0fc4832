import {
  ArgumentError,
  checkOptions,
  describe,
  embedding,
  isTensor,
  narrow,
  noGrad,
  ShapeError,
  scope,
  showShape,
  type Tensor,
} from '@flambeau/core';
import * as init from '../init/index.ts';
import { Module } from '../module/module.ts';
import { pythonFloat } from '../module/repr.ts';
import { isParameter, parameter } from '../module/roles.ts';
import type { ResetOptions } from './linear.ts';
import { checkCount, FACTORY, type FactoryOptions, newParameter } from './settings.ts';

interface EmbeddingSettings {
  /** A row that is never trained; counts from the end when negative. A new layer has zeros there. */
  readonly paddingIdx?: number | null;
  /** Rows that are used and whose norm is larger are scaled down to it first. */
  readonly maxNorm?: number | null;
  /** Which norm `maxNorm` speaks of. Default 2. */
  readonly normType?: number;
  /** Divides the gradient of a row by how often the row was used. */
  readonly scaleGradByFreq?: boolean;
  /** PyTorch's sparse gradients; only `false`, the default, is offered. */
  readonly sparse?: boolean;
}

export interface EmbeddingLayerOptions extends EmbeddingSettings, FactoryOptions {
  /** The table, instead of a new one with random values. */
  readonly weight?: Tensor;
}

export interface PretrainedOptions extends EmbeddingSettings {
  /** Whether training leaves the rows alone. Default true. */
  readonly freeze?: boolean;
}

const SETTINGS = ['paddingIdx', 'maxNorm', 'normType', 'scaleGradByFreq', 'sparse'] as const;

/**
 * A table of learned vectors, looked up by index.
 *
 * State: `weight` `[numEmbeddings, embeddingDim]`, which starts normal.
 *
 * @throws {ArgumentError} a size is negative or no integer, `paddingIdx` lies outside the table, or `sparse` is asked for.
 * @example new Embedding(10, 3).forward(tensor([[1, 2], [4, 5]], { dtype: 'int32' })).shape // [2, 2, 3]
 */
export class Embedding extends Module {
  static readonly builtIn: string = 'Embedding';
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly paddingIdx: number | null;
  readonly maxNorm: number | null;
  readonly normType: number;
  readonly scaleGradByFreq: boolean;
  weight: Tensor;

  constructor(numEmbeddings: number, embeddingDim: number, options: EmbeddingLayerOptions = {}) {
    super();
    checkCount('Embedding', 'numEmbeddings', numEmbeddings);
    checkCount('Embedding', 'embeddingDim', embeddingDim);
    checkOptions('Embedding', options, [...SETTINGS, 'weight', ...FACTORY]);
    if (options.sparse)
      throw new ArgumentError('Embedding: there are no sparse gradients; leave sparse out', {
        op: 'Embedding',
      });
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.paddingIdx = rowOf(options.paddingIdx ?? null, numEmbeddings);
    this.maxNorm = options.maxNorm ?? null;
    this.normType = options.normType ?? 2;
    this.scaleGradByFreq = options.scaleGradByFreq ?? false;
    if (options.weight !== undefined) {
      this.weight = asTable(options.weight, numEmbeddings, embeddingDim);
    } else {
      this.weight = newParameter([numEmbeddings, embeddingDim], options);
      this.resetParameters();
    }
  }

  /**
   * A layer with a given table, frozen unless said otherwise.
   *
   * @throws {ShapeError} the table has not two dimensions.
   * @example Embedding.fromPretrained(tensor([[1, 2], [3, 4]]), { freeze: false })
   */
  static fromPretrained(embeddings: Tensor, options: PretrainedOptions = {}): Embedding {
    if (!isTensor(embeddings))
      throw new ArgumentError(`fromPretrained: the table must be a tensor, got ${describe(embeddings)}`, {
        op: 'fromPretrained',
      });
    checkOptions('fromPretrained', options, [...SETTINGS, 'freeze']);
    const { shape } = embeddings;
    if (shape.length !== 2)
      throw new ShapeError(`fromPretrained: the table must be [rows, size], got ${showShape(shape)}`, {
        op: 'fromPretrained',
        data: { shape },
      });
    const { freeze = true, ...settings } = options;
    const layer = new Embedding(shape[0]!, shape[1]!, { ...settings, weight: embeddings });
    layer.weight.requiresGrad_(!freeze);
    return layer;
  }

  /** Draws new initial values; the padding row gets zeros. */
  resetParameters(options: ResetOptions = {}): void {
    init.normal_(this.weight, options);
    const { paddingIdx } = this;
    if (paddingIdx !== null) noGrad(() => scope(() => void narrow(this.weight, 0, paddingIdx, 1).fill_(0)));
  }

  /**
   * - `x`: `[...]`, int32 or int64, values in `0..numEmbeddings-1`
   * - returns: `[..., embeddingDim]`
   */
  forward(x: Tensor): Tensor {
    const { paddingIdx, maxNorm, normType, scaleGradByFreq } = this;
    return embedding(x, this.weight, { paddingIdx, maxNorm, normType, scaleGradByFreq });
  }

  override extraRepr(): string {
    return [
      `${this.numEmbeddings}, ${this.embeddingDim}`,
      this.paddingIdx === null ? '' : `padding_idx=${this.paddingIdx}`,
      this.maxNorm === null ? '' : `max_norm=${pythonFloat(this.maxNorm)}`,
      this.normType === 2 ? '' : `norm_type=${pythonFloat(this.normType)}`,
      this.scaleGradByFreq ? 'scale_grad_by_freq=True' : '',
    ]
      .filter((part) => part !== '')
      .join(', ');
  }
}

function asTable(weight: Tensor, rows: number, size: number): Tensor {
  const table = isParameter(weight) ? weight : parameter(weight);
  if (table.ndim === 2 && table.shape[0] === rows && table.shape[1] === size) return table;
  throw new ShapeError(
    `Embedding: weight must be ${showShape([rows, size])}, got ${showShape(table.shape)}`,
    { op: 'Embedding' },
  );
}

function rowOf(paddingIdx: number | null, rows: number): number | null {
  if (paddingIdx === null) return null;
  if (!Number.isInteger(paddingIdx) || paddingIdx < -rows || paddingIdx >= rows) {
    throw new ArgumentError(
      `Embedding: paddingIdx ${describe(paddingIdx)} lies outside of the ${rows} rows`,
      { op: 'Embedding' },
    );
  }
  return paddingIdx < 0 ? paddingIdx + rows : paddingIdx;
}
