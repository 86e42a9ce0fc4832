import { type DType, type MatmulSize, type Operand, sizeOf } from '@flambeau/core/backend';
import type { Product } from './product.ts';

/**
 * How a shader reads a matrix: four neighbours at once where they lie in one aligned vec4, along `k` or across it
 * (along the rows of `a`, the columns of `b`), otherwise one by one.
 */
export type Reading = 'single' | 'along' | 'across';

/** What decides a product's shader. */
export interface Form {
  readonly dtype: DType;
  /** Batch dimensions of the shader. */
  readonly rank: number;
  readonly a: Reading;
  readonly b: Reading;
  /** Whether a bias is added to the sums. */
  readonly biased: boolean;
  /** Whether a row of the output is written in vec4s. */
  readonly vectorStore: boolean;
  /** Whether sums over parts of `k` are written to a workspace of 32-bit values, `[batch, parts, m, n]`. */
  readonly partial: boolean;
  /** Rows that an invocation takes, without tiles; 0 with them. */
  readonly rows: 0 | 4 | 8;
  /** Columns that an invocation takes: 1 only without tiles, where `b` is read along `k` and there are few. */
  readonly columns: 1 | 4 | 8;
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
  readonly software: boolean;
}

/**
 * Invocations of a workgroup without tiles. A software adapter computes them as lanes of a vector, and loads what is the
 * same for all of them once; a GPU wants more of them.
 */
export const lanesOf = (software: boolean): number => (software ? 16 : 64);

/** Columns below which four for each invocation would leave most of a workgroup idle. */
const WIDE = 32;
/** Workgroups below which processors behind a software adapter would be idle. */
const ENOUGH_GROUPS = 2;

/**
 * Eight columns halve what a software adapter spends on each value of `a`. Not where `b` is read along `k`: every column
 * is a load that differs from lane to lane, and shaders with many of those compile slowly.
 */
function columnsOf({ batch, m, n }: MatmulSize, b: Reading, { tiled, parts, software }: Choice): 1 | 4 | 8 {
  if (tiled) return 4;
  if (b === 'along') return n < WIDE ? 1 : 4;
  const lanes = lanesOf(software);
  const groups = Math.ceil(m / 8) * Math.ceil(n / (lanes * 8)) * sizeOf(batch) * parts;
  return software && n > lanes * 4 && groups >= ENOUGH_GROUPS ? 8 : 4;
}

/** Multiplications up to which another shader takes longer to compile than it saves in hundreds of products. */
const QUICK = 2 ** 23;

/**
 * Whether a product takes a more general shader than it could, so that fewer are compiled. A software adapter loads a value
 * that its invocations share once, and stores lane by lane, in any case: fours save it at most a quarter of the time.
 */
const isQuick = ({ batch, m, k, n }: MatmulSize, software: boolean): boolean =>
  software && sizeOf(batch) * m * k * n <= QUICK;

/** The form of a product. */
export function formOf({ size, output, a, b, bias }: Product, choice: Choice): Form {
  const { batch, m, k, n } = size;
  const rank = batch.length;
  const partial = choice.parts > 1;
  const readingOfA = readingOf(a, batch, k, a.strides[rank + 1]!, m, a.strides[rank]!);
  const readingOfB = readingOf(b, batch, k, b.strides[rank]!, n, b.strides[rank + 1]!);
  const columns = columnsOf(size, readingOfB, choice);
  const quick = isQuick(size, choice.software);
  // Without tiles, steps along `k` are taken by fours only where `b` is read so.
  const inFours = choice.tiled || readingOfB === 'along' || (readingOfA === 'across' && !quick);
  return {
    dtype: output.dtype,
    rank: BATCH_RANKS.find((known) => known >= rank) ?? rank,
    a: inFours ? readingOfA : 'single',
    b: readingOfB,
    biased: bias !== undefined && !partial,
    vectorStore:
      byFours(n) &&
      columns > 1 &&
      !(quick && readingOfB === 'along') &&
      (partial ||
        (output.dtype === 'float32' &&
          isAligned(output, batch) &&
          output.strides[rank + 1] === 1 &&
          (m === 1 || byFours(output.strides[rank]!)))),
    partial,
    rows: choice.tiled ? 0 : m > 4 ? 8 : 4,
    columns,
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
