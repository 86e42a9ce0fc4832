import type { DType, MatmulSize, Operand } from '@flambeau/core/backend';

/**
 * How a shader reads a matrix: four neighbours at once where they lie in one aligned vec4, along `k` or across it
 * (along the rows of `a`, the columns of `b`), otherwise one by one.
 */
export type Reading = 'single' | 'along' | 'across';

export const READINGS: readonly Reading[] = ['single', 'along', 'across'];

/** What decides a product's shader. */
export interface Form {
  readonly dtype: DType;
  /** Batch dimensions of the shader. */
  readonly rank: number;
  readonly a: Reading;
  readonly b: Reading;
  /** Whether a row of the output is written in vec4s. */
  readonly vectorStore: boolean;
  /** Whether sums over parts of `k` are written to a workspace of 32-bit values, `[batch, parts, m, n]`. */
  readonly partial: boolean;
  /** Rows that an invocation takes, without tiles; 0 with them. */
  readonly rows: number;
  /** Columns that an invocation takes: 1 only without tiles, where `b` is read along `k` and there are few. */
  readonly columns: 1 | 4;
}

/** Batch dimensions for which shaders are made; others take the next one. */
const BATCH_RANKS = [0, 2, 6];

const byFours = (value: number): boolean => value % 4 === 0;

function isAligned({ offset, strides }: Operand, batch: readonly number[]): boolean {
  return byFours(offset) && batch.every((size, dim) => size === 1 || byFours(strides[dim]!));
}

/** `across` dimension's size and stride, and those along k. */
function readingOf(
  operand: Operand,
  batch: readonly number[],
  k: number,
  alongStride: number,
  size: number,
  acrossStride: number,
): Reading {
  if (operand.dtype !== 'float32' || !isAligned(operand, batch)) return 'single';
  if (alongStride === 1 && byFours(k) && (size === 1 || byFours(acrossStride))) return 'along';
  if (acrossStride === 1 && byFours(size) && (k === 1 || byFours(alongStride))) return 'across';
  return 'single';
}

/** How a product is computed. */
export interface Choice {
  readonly tiled: boolean;
  readonly parts: number;
}

/** Columns below which four for each invocation would leave most of a workgroup idle. */
const WIDE = 32;

/** The form of a product. */
export function formOf(
  { batch, m, k, n }: MatmulSize,
  output: Operand,
  a: Operand,
  b: Operand,
  { tiled, parts }: Choice,
): Form {
  const rank = batch.length;
  const partial = parts > 1;
  const columns = !tiled && n < WIDE ? 1 : 4;
  const across = readingOf(b, batch, k, b.strides[rank]!, n, b.strides[rank + 1]!);
  return {
    dtype: output.dtype,
    rank: BATCH_RANKS.find((known) => known >= rank) ?? rank,
    a: readingOf(a, batch, k, a.strides[rank + 1]!, m, a.strides[rank]!),
    b: across,
    vectorStore:
      byFours(n) &&
      (columns === 4 || across !== 'along') &&
      (partial ||
        (output.dtype === 'float32' &&
          isAligned(output, batch) &&
          output.strides[rank + 1] === 1 &&
          (m === 1 || byFours(output.strides[rank]!)))),
    partial,
    rows: tiled ? 0 : m > 4 ? 8 : 4,
    columns: across === 'along' ? columns : 4,
  };
}

/** Invocations that keep a GPU busy. */
const ENOUGH = 16_384;
/** The shortest part of `k` that is worth a sum of its own. */
const SHORTEST_PART = 256;

/** Into how many parts `k` is split: long sums of few outputs would leave most of the device idle. */
export function partsOf({ m, k, n }: MatmulSize, batchCount: number, software: boolean): number {
  const outputs = Math.ceil((m * n) / 16) * batchCount;
  const enough = software ? ENOUGH / 64 : ENOUGH;
  if (outputs * 2 > enough || k < 2 * SHORTEST_PART) return 1;
  return Math.min(Math.floor(enough / outputs), Math.floor(k / SHORTEST_PART), 256);
}

/** A part's length in `k`, a multiple of 16 so that blocks of `k` stay whole. */
export const partLength = (k: number, parts: number): number => Math.ceil(k / parts / 16) * 16;
